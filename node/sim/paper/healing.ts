/**
 * Rounds to heal against the size of the ring, for the two changes the theorems are about: a
 * quarter of all nodes dies at once, and the ring doubles in one step. One round is one
 * stabilization period.
 */
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Scale, type Section, table } from "./experiment.ts";
import { LiveRing, paperOptions } from "./live-ring.ts";
import { average } from "./statistics.ts";

const stabilizeIntervalMs = 30_000;
const roundsMax = 200;
/** How often the ring is looked at. */
const checksPerRound = 5;

type Change = "quarter dies" | "doubles";

interface Healing {
  readonly change: Change;
  readonly nodes: number;
  readonly successors: number;
  /** Rounds until first successors and predecessors were right, one entry for each run. */
  readonly ring: readonly number[];
  /** Rounds until whole successor lists were right. */
  readonly lists: readonly number[];
}

export const healing: Experiment = {
  rows: ["heal"],
  title: "rounds to heal",
  async run(scale) {
    const exponents = scale.quick ? [4, 6] : [4, 5, 6, 7, 8, 9];
    const results: Healing[] = [];
    for (const exponent of exponents) {
      const nodes = 2 ** exponent;
      const long = 2 * exponent;
      // With a short list a quarter of a large ring may be a node's whole list.
      results.push(await measure({ nodes, successors: long, change: "quarter dies" }, scale));
      results.push(await measure({ nodes, successors: long, change: "doubles" }, scale));
      results.push(await measure({ nodes, successors: 4, change: "doubles" }, scale));
    }
    return [section(results)];
  },
};

async function measure(
  plan: { readonly nodes: number; readonly successors: number; readonly change: Change },
  scale: Scale,
): Promise<Healing> {
  const { nodes, successors, change } = plan;
  const ring: number[] = [];
  const lists: number[] = [];
  const runs = scale.quick || nodes > 128 ? 2 : 5;
  for (let run = 0; run < runs; run++) {
    scale.progress(`${nodes} nodes, r = ${successors}, ${change}, run ${run + 1}`);
    const live = new LiveRing({
      seed: nodes + run,
      nodes,
      successors,
      stabilizeIntervalMs,
      options: { ...paperOptions, bootstrapIntervalMs: stabilizeIntervalMs },
    });
    await live.run(stabilizeIntervalMs);
    apply(live, change);
    const healed = await watch(live);
    ring.push(healed.ring);
    lists.push(healed.lists);
  }
  return { ...plan, ring, lists };
}

function apply(live: LiveRing, change: Change): void {
  const { nodes } = live;
  if (change === "doubles") {
    for (let i = 0; i < nodes.length; i++) live.join();
    return;
  }
  for (const node of live.random.shuffle(nodes).slice(0, nodes.length / 4)) live.crash(node);
}

/** Rounds until the ring and the lists were right; `roundsMax` when they were not by then. */
async function watch(live: LiveRing): Promise<{ ring: number; lists: number }> {
  let ring = roundsMax;
  for (let check = 1; check <= roundsMax * checksPerRound; check++) {
    await live.run(stabilizeIntervalMs / checksPerRound);
    const rounds = check / checksPerRound;
    if (ring === roundsMax && live.neighboursRight()) ring = rounds;
    if (ring < roundsMax && live.world.ideal().ideal) return { ring, lists: rounds };
  }
  return { ring, lists: roundsMax };
}

function section(results: readonly Healing[]): Section {
  const worst = (values: readonly number[]): string => Math.max(...values).toFixed(1);
  const head = ["N before", "r", "what happens", "runs", "neighbours right: mean", "worst"];
  return {
    heading: "Rounds to heal against N",
    lines: [
      `A round is one stabilization period, on average; the ring is looked at ${checksPerRound}` +
        " times a round. First every node must know its first successor and its predecessor," +
        " then all r successors. One timeout proves a death. Newcomers look for the ring once a" +
        " round.",
      "",
      ...table(
        [...head, "lists right: mean", "worst"],
        results.map((one) => [
          ...[one.nodes, one.successors].map(String),
          one.change,
          `${one.ring.length}`,
          average(one.ring).toFixed(1),
          worst(one.ring),
          average(one.lists).toFixed(1),
          worst(one.lists),
        ]),
      ),
      "![paper-healing]",
      "",
      "A list of r entries heals from its front to its back, since each round a node copies" +
        " what its successor knew a round before: about r rounds after the neighbours are" +
        " right.",
    ],
    charts: [draw(results)],
    gates: [
      {
        text: "Healing: every ring heals, and neighbours are right within 4 log2 N rounds",
        met: results.every(
          ({ nodes, ring, lists }) =>
            Math.max(...ring) <= 4 * Math.log2(nodes) && Math.max(...lists) < roundsMax,
        ),
      },
    ],
  };
}

function draw(results: readonly Healing[]): Chart {
  const curve = (change: Change, long: boolean, part: "ring" | "lists"): Point[] =>
    results
      .filter((one) => one.change === change && one.successors > 4 === long)
      .map((one) => [one.nodes, average(one[part])]);
  return drawChart({
    name: "paper-healing",
    title: "Stabilization periods until the ring is right again",
    alt: "Rounds to heal grow with the list's length, not the ring's",
    x: { name: "nodes N before the change", scale: "log2" },
    y: { name: "rounds", min: 0 },
    series: [
      { name: "a quarter dies, r = 2 log2 N: lists", points: curve("quarter dies", true, "lists") },
      { name: "doubles, r = 2 log2 N: lists", points: curve("doubles", true, "lists") },
      { name: "doubles, r = 4: lists", points: curve("doubles", false, "lists") },
      {
        name: "a quarter dies, r = 2 log2 N: neighbours",
        points: curve("quarter dies", true, "ring"),
      },
      { name: "doubles, r = 4: neighbours", points: curve("doubles", false, "ring") },
    ],
  });
}
