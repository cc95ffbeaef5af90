/** The ring protocol: chord.pml. */
import type { Configuration, Model } from "./configuration.ts";

/** Founders as bit sets. Rotated around the circle, three of five nodes stand in these two ways. */
const threeOfFive = { together: 0b00111, apart: 0b10101 } as const;
/** And three of six in these four. */
const threeOfSix = { a: 0b000111, b: 0b001011, c: 0b010011, d: 0b010101 } as const;

const five = ["N=5", "R=2", "JOINS=2", "FAILS=2"];

function variants(
  sets: Readonly<Record<string, number>>,
  one: Omit<Configuration, "defines"> & { readonly defines: readonly string[] },
): Configuration[] {
  return Object.entries(sets).map(([label, founders]) => ({
    ...one,
    name: `${one.name}-${label}`,
    defines: [...one.defines, `FOUNDERS=${founders}`],
  }));
}

const holds = { search: "states", expected: "complete" } as const;
const ends = { search: "runs", expected: "complete" } as const;

const protocol: readonly Configuration[] = [
  ...variants(threeOfFive, {
    ...holds,
    name: "five",
    what: "5 nodes, r = 2, nobody returns: all joins and failures that there can be",
    defines: five,
    quick: true,
    expectedSeconds: 2,
  }),
  ...variants(threeOfFive, {
    ...ends,
    name: "five-progress",
    what: "5 nodes: every run ends, and ends ideal; what is ideal stays so",
    defines: [...five, "PROGRESS"],
    quick: true,
    expectedSeconds: 2,
  }),
  ...variants(threeOfFive, {
    ...ends,
    name: "five-progress-best",
    what: "the same where a node keeps only the best notify, as the code does",
    defines: [...five, "PROGRESS", "KEEP_BEST"],
    quick: true,
    expectedSeconds: 2,
  }),
  ...variants(threeOfFive, {
    ...ends,
    name: "five-progress-split",
    what: "the same where answers are applied late",
    defines: [...five, "PROGRESS", "SPLIT"],
    quick: false,
    expectedSeconds: 10,
  }),
  {
    ...holds,
    name: "four-split-waits",
    what: "4 nodes, one failure after another, nodes return; late answers, waits given up",
    defines: ["N=4", "R=2", "FOUNDERS=7", "JOINS=2", "FAILS=2", "RETURN", "SPLIT", "WAITS"],
    quick: true,
    expectedSeconds: 5,
  },
  ...variants(threeOfFive, {
    ...holds,
    name: "five-split-waits",
    what: "5 nodes at the grain of the code: late answers, late notifies, waits given up",
    defines: [...five, "SPLIT", "WAITS"],
    quick: false,
    expectedSeconds: 150,
  }),
  ...variants(threeOfFive, {
    ...holds,
    name: "five-return",
    what: "5 nodes, 3 joins and 3 failures, and a node that failed may join again",
    defines: ["N=5", "R=2", "JOINS=3", "FAILS=3", "RETURN"],
    quick: false,
    expectedSeconds: 20,
  }),
  ...variants(threeOfSix, {
    ...holds,
    name: "six",
    what: "6 nodes, r = 2, nobody returns: all joins and failures that there can be",
    defines: ["N=6", "R=2", "JOINS=3", "FAILS=3"],
    quick: false,
    expectedSeconds: 60,
  }),
];

const smallRings: readonly Configuration[] = [
  {
    ...holds,
    name: "growing-two",
    what: "2 founders, r = 2, grow to 5 nodes: from r+1 principals on there are never fewer",
    defines: ["N=5", "R=2", "FOUNDERS=3", "JOINS=4", "FAILS=1", "GROWING"],
    quick: true,
    expectedSeconds: 5,
  },
  ...variants(threeOfFive, {
    ...holds,
    name: "growing-three",
    what: "3 founders, r = 3, grow to 5 nodes: the same",
    defines: ["N=5", "R=3", "JOINS=2", "FAILS=1", "GROWING"],
    quick: true,
    expectedSeconds: 2,
  }),
  ...["N=3 R=2 FOUNDERS=1", "N=3 R=2 FOUNDERS=3", "N=4 R=3 FOUNDERS=7"].map(
    (small, index): Configuration => ({
      ...ends,
      name: `small-${["one", "two", "three"][index]}`,
      what: `${index + 1} founders below r+1: all but one may be lost at once and join again`,
      defines: [...small.split(" "), "JOINS=3", "FAILS=3", "RETURN", "SMALL", "PROGRESS"],
      quick: true,
      expectedSeconds: 2,
    }),
  ),
];

const together = `FOUNDERS=${threeOfFive.together}`;
const apart = `FOUNDERS=${threeOfFive.apart}`;
const found = { expected: "violation", quick: true, expectedSeconds: 3 } as const;

const breakages: readonly Configuration[] = [
  {
    ...found,
    name: "no-busy",
    what: "answers while it holds an answer itself: a principal is passed over without a failure",
    defines: [...five, together, "SPLIT", "NO_BUSY"],
    search: "shortest",
    expectedSeconds: 10,
  },
  {
    ...found,
    name: "no-ping",
    what: "takes every notify: a late one undoes an ideal ring, two nodes own the same keys",
    defines: [...five, together, "PROGRESS", "NO_PING"],
    search: "shortest",
  },
  {
    ...found,
    name: "keep-dead",
    what: "never pings its predecessor: a dead one stays for ever, notifies have no effect",
    defines: [...five, together, "PROGRESS", "KEEP_DEAD"],
    search: "runs",
  },
  {
    ...found,
    name: "uncontacted",
    what: "believes a notify without contacting its sender: a dead predecessor in an ideal ring",
    defines: [...five, together, "PROGRESS", "UNCONTACTED"],
    search: "shortest",
  },
  {
    ...found,
    name: "unseen",
    what: "adopts the node between unseen: takes up and drops a dead one for ever",
    defines: [...five, together, "PROGRESS", "UNSEEN"],
    search: "runs",
  },
  {
    ...found,
    name: "one-successor",
    what: "a joiner takes one successor only: it may be dead already",
    defines: [...five, together, "ONE_SUCCESSOR"],
    search: "shortest",
  },
  {
    ...found,
    name: "stale-complete",
    what: "a joiner trusts a shrunk list to be the whole ring: it passes over a principal",
    defines: [...five, apart, "STALE_COMPLETE"],
    search: "shortest",
  },
];

export const chordModel: Model = {
  file: "chord.pml",
  name: "ring",
  legend: "each node: predecessor<node>successors phase; - is none",
  configurations: [...protocol, ...smallRings, ...breakages],
};
