/**
 * Row G: a share of all nodes dies at once, the ring heals, and then only the keys of the dead are
 * lost (SIGCOMM 2001, 6.4, figure 11). Whole production nodes in virtual time.
 */
import { byId, successorIndex } from "../circle.ts";
import { sha1, type SimulatedNode } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Section, table } from "./experiment.ts";
import { LiveRing, LookupLog, paperOptions } from "./live-ring.ts";
import { prefixBits, prefixOf } from "./sorted-circle.ts";

const stabilizeIntervalMs = 30_000;
const periodsMax = 60;

interface Size {
  readonly nodes: number;
  readonly successors: number;
  readonly lookups: number;
}

interface MassFailure {
  readonly failedFraction: number;
  /** Stabilization periods until successors and predecessors were right; null when never. */
  readonly periods: number | null;
  readonly log: LookupLog;
  /** Lookups of keys whose node had died. */
  readonly lost: number;
  /** Half of the 95 % interval of the lost share, from the draw of the dead and of the keys. */
  readonly halfWidth: number;
}

export const massFailure: Experiment = {
  rows: ["G"],
  title: "failures with stabilization",
  async run(scale) {
    const size: Size = scale.quick
      ? { nodes: 200, successors: 15, lookups: 2000 }
      : { nodes: 10_000, successors: 28, lookups: 20_000 };
    const fractions = scale.quick ? [0.1, 0.5] : [0.1, 0.2, 0.3, 0.5];
    const results: MassFailure[] = [];
    for (const fraction of fractions) {
      scale.progress(`${100 * fraction} % of ${size.nodes} nodes die`);
      results.push(await failAndHeal(size, fraction));
    }
    return [section(size, results)];
  },
};

async function failAndHeal(size: Size, failedFraction: number): Promise<MassFailure> {
  const { nodes, successors, lookups } = size;
  const seed = Math.round(1000 * failedFraction);
  const ring = new LiveRing({
    seed,
    nodes,
    successors,
    stabilizeIntervalMs,
    options: paperOptions,
  });
  await ring.run(stabilizeIntervalMs);
  const circle = ring.nodes.sort(byId);
  const dead = new Set(ring.random.shuffle(circle).slice(0, failedFraction * nodes));
  for (const node of dead) ring.crash(node);
  const periods = await heal(ring);
  const log = new LookupLog();
  const living = ring.nodes;
  let lost = 0;
  for (let i = 0; i < lookups; i++) {
    const id = sha1(`key ${i}`);
    const node = ring.random.pick(living);
    if (node === undefined) break;
    if (dead.has(circle[successorIndex(circle, id)] as SimulatedNode)) lost += 1;
    void ring.judge(log, { node, id });
    if (i % 100 === 99) await ring.run(1000);
  }
  await ring.run(120_000);
  const halfWidth = 1.96 * deviation(circle, failedFraction, lookups);
  return { failedFraction, periods, log, lost, halfWidth };
}

/** Looked at five times a period. */
async function heal(ring: LiveRing): Promise<number | null> {
  for (let fifth = 1; fifth <= 5 * periodsMax; fifth++) {
    await ring.run(stabilizeIntervalMs / 5);
    if (ring.neighboursRight()) return fifth / 5;
  }
  return null;
}

/** Of the share of keys that the dead owned: arcs differ in length, and keys are drawn. */
function deviation(circle: readonly SimulatedNode[], p: number, keys: number): number {
  const places = circle.map((node) => prefixOf(node.chord.self.id) / 2 ** prefixBits);
  const squares = places.reduce((sum, place, index) => {
    const before = places[(index + places.length - 1) % places.length] ?? 0;
    return sum + ((place - before + 1) % 1) ** 2;
  }, 0);
  return Math.sqrt(p * (1 - p) * (squares + 1 / keys));
}

/** Lookups that failed in any way, keys of the dead included. */
function share({ lost, log }: MassFailure): number {
  return (lost + log.failed + log.wrong) / log.count;
}

function draw({ nodes }: Size, results: readonly MassFailure[]): Chart {
  return drawChart({
    name: "paper-g-mass-failure",
    title: `Lookups that fail after the ring has healed, ${nodes} nodes`,
    alt: "The share of failed lookups equals the share of failed nodes",
    x: { name: "share of failed nodes", min: 0, max: 0.5 },
    y: { name: "share of failed lookups", min: 0 },
    series: [
      {
        name: "ours",
        kind: "points",
        points: results.map((one): Point => [one.failedFraction, share(one)]),
      },
      {
        name: "the failed nodes' share of the keys, expected",
        kind: "dashed",
        points: results.map((one): Point => [one.failedFraction, one.failedFraction]),
      },
    ],
  });
}

function section(size: Size, results: readonly MassFailure[]): Section {
  const { nodes, successors, lookups } = size;
  const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
  const head = ["p", "published", "ours: keys of dead nodes", "difference", "95 % of the draw"];
  return {
    heading: "G: simultaneous failures with stabilization (SIGCOMM figure 11)",
    lines: [
      "The paper: 10^4 nodes, 10^6 keys, a share p fails, the network stabilizes, and lookups" +
        " fail for the keys of dead nodes only: almost exactly p, since nothing is replicated" +
        ` there. Ours: ${nodes} nodes, r = ${successors}, ${lookups} lookups as soon as first` +
        " successors and predecessors are right again; lists and fingers still name the dead" +
        " then. A lookup fails when the key's first node is dead, when it names nobody, or a" +
        " wrong node.",
      "",
      ...table(
        [...head, "named nobody", "wrong owner", "periods to heal", "timeouts / lookup"],
        results.map((one) => [
          `${one.failedFraction}`,
          percent(one.failedFraction),
          percent(share(one)),
          percent(share(one) - one.failedFraction),
          `± ${percent(one.halfWidth)}`,
          `${one.log.failed}`,
          `${one.log.wrong}`,
          `${one.periods ?? `more than ${periodsMax}`}`,
          one.log.timeouts.mean.toFixed(2),
        ]),
      ),
      "![paper-g-mass-failure]",
    ],
    charts: [draw(size, results)],
    gates: [
      {
        text: "G: the share of failed lookups is p within its 95 % interval at every p",
        met: results.every((one) => Math.abs(share(one) - one.failedFraction) <= one.halfWidth),
      },
      {
        text: "G: no other lookup fails, and none names a wrong node",
        met: results.every(
          ({ log, periods }) =>
            periods !== null && log.count === lookups && log.failed + log.wrong === 0,
        ),
      },
    ],
  };
}
