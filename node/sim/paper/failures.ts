/**
 * Rows J and N: many nodes die at once and nobody has noticed yet (ToN 2003, table II; theorems 7
 * and 8). Lists and fingers are as stale as can be, and no lookup may end at a wrong node.
 */
import type { ChordOptions } from "../../src/chord/index.ts";
import { SeededRandom } from "../random.ts";
import { sha1 } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import {
  type Chart,
  type Experiment,
  type Gate,
  type Scale,
  type Section,
  table,
} from "./experiment.ts";
import { IdealRing } from "./ideal-ring.ts";
import { IndependentModel } from "./independent-model.ts";
import { circleOf, prefixOf } from "./sorted-circle.ts";
import { Histogram, nearMean, nearTail, showCounts } from "./statistics.ts";

interface Plan {
  readonly nodes: number;
  readonly successors: number;
  readonly failedFraction: number;
  readonly lookups: number;
  readonly rings: number;
  readonly options?: Partial<ChordOptions>;
}

export interface FailureResult {
  readonly plan: Plan;
  readonly ours: Outcome;
  readonly model: Outcome;
  /** The most neighbours that died together; r of them cut a node off from all it knew ahead. */
  readonly longestRun: number;
}

interface Outcome {
  /** Nodes on the path, the owner counted: forwards + 1. */
  readonly path: Histogram;
  readonly timeouts: Histogram;
  /** Lookups that named another node than the first living one at or behind the key. */
  wrong: number;
  /** Lookups that named none. */
  failed: number;
}

const fractions = [0, 0.1, 0.2, 0.3, 0.4, 0.5];

/** ToN table II, quoted from memory; then the noted simulation, and that of the project `rings`. */
const quoted: Readonly<Record<string, readonly [string, string, string, string]>> = {
  "0": ["3.84 (2,5)", "0", "3.83 / 0", "3.84 / 0"],
  "0.1": ["4.03 (2,6)", ".60 (0,2)", "4.00 / .54", "3.97 / .42"],
  "0.2": ["4.22 (2,6)", "1.17 (0,3)", "4.19 / 1.16", "4.11 / .97"],
  "0.3": ["4.44 (2,6)", "2.02 (0,5)", "4.44 / 2.09", "4.42 / 1.98"],
  "0.4": ["4.69 (2,7)", "3.23 (0,8)", "4.80 / 3.54", "4.69 / 3.29"],
  "0.5": ["5.09 (3,8)", "5.10 (0,11)", "5.29 / 6.00", "5.50 / 6.94"],
};

/** The production suspicion: three silent probes over two seconds, eight seconds for a lookup. */
const cautious = { suspicionProbes: 3, suspicionMs: 2000, lookupDeadlineMs: 8000 };

export const failures: Experiment = {
  rows: ["J", "N"],
  title: "simultaneous failures",
  async run(scale) {
    const size = scale.quick
      ? { nodes: 200, successors: 15, lookups: 1000, rings: 2 }
      : { nodes: 1000, successors: 20, lookups: 10_000, rings: 10 };
    const results: FailureResult[] = [];
    const patient: FailureResult[] = [];
    for (const failedFraction of fractions) {
      scale.progress(`${100 * failedFraction} % of the nodes dead`);
      results.push(await measureFailures({ ...size, failedFraction }));
      patient.push(await measureFailures({ ...size, failedFraction, options: cautious }));
    }
    return [tableSection(results, patient), theoremSection(await growing(scale))];
  },
};

/** Half of all nodes dead, in rings of growing size with r = 2 log2 N. */
async function growing(scale: Scale): Promise<FailureResult[]> {
  const exponents = scale.quick ? [6, 8] : [6, 7, 8, 9, 10, 11, 12, 13, 14];
  const results: FailureResult[] = [];
  for (const exponent of exponents) {
    scale.progress(`half of 2^${exponent} nodes dead`);
    results.push(
      await measureFailures({
        nodes: 2 ** exponent,
        successors: 2 * exponent,
        failedFraction: 0.5,
        lookups: scale.quick ? 1000 : 10_000,
        rings: 4,
      }),
    );
  }
  return results;
}

/** The same lookups through production code and model, on rings with the same nodes dead. */
export async function measureFailures(plan: Plan): Promise<FailureResult> {
  const { nodes, successors } = plan;
  const random = new SeededRandom(nodes + Math.round(1000 * plan.failedFraction));
  const ours = newOutcome();
  const model = newOutcome();
  let longestRun = 0;
  for (let ring = 0; ring < plan.rings; ring++) {
    const circle = circleOf(`${nodes} ${ring}`, nodes);
    const alive = new Uint8Array(nodes).fill(1);
    const order = random.shuffle([...alive.keys()]);
    const dead = Math.round(plan.failedFraction * nodes);
    for (const node of order.slice(0, dead)) alive[node] = 0;
    const living = order.slice(dead);
    longestRun = Math.max(longestRun, longestDeadRun(alive));
    const production = new IdealRing(circle, { successors, ...plan.options }, { alive });
    const theirs = new IndependentModel(circle.prefixes, { successors, alive, ownArc: true });
    for (let i = 0; i < plan.lookups / plan.rings; i++) {
      const start = random.pick(living) ?? 0;
      const key = sha1(`${ring} key ${i}`);
      const owner = production.ownerOf(key);
      record(ours, await production.lookup(start, key), owner);
      const routed = theirs.lookup(start, prefixOf(key));
      record(model, { ...routed, hops: routed.forwards }, owner);
    }
  }
  return { plan, ours, model, longestRun };
}

function longestDeadRun(alive: Uint8Array): number {
  let longest = 0;
  let run = 0;
  for (let step = 0; step < 2 * alive.length; step++) {
    run = alive[step % alive.length] === 1 ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return Math.min(longest, alive.length);
}

function newOutcome(): Outcome {
  return { path: new Histogram(), timeouts: new Histogram(), wrong: 0, failed: 0 };
}

function record(
  outcome: Outcome,
  found: { readonly owner: number; readonly hops: number; readonly timeouts: number },
  owner: number,
): void {
  if (found.owner < 0) {
    outcome.failed += 1;
    return;
  }
  if (found.owner !== owner) outcome.wrong += 1;
  outcome.path.add(found.hops + 1);
  outcome.timeouts.add(found.timeouts);
}

function failureChart(results: readonly FailureResult[]): Chart {
  const curve = (value: (one: FailureResult) => number): Point[] =>
    results.map((one) => [one.plan.failedFraction, value(one)]);
  const remembered = (index: 0 | 1): Point[] =>
    fractions.map((p) => [p, Number(quoted[`${p}`]?.[index].split(" ")[0] ?? "0")]);
  return drawChart({
    name: "paper-j-failures",
    title: `Path and timeouts after simultaneous failures, ${sizeOf(results)}`,
    alt: "With more failed nodes paths grow slowly, timeouts faster",
    x: { name: "share of failed nodes", min: 0, max: 0.5 },
    y: { name: "mean for a lookup" },
    series: [
      { name: "path, ours", points: curve((one) => one.ours.path.mean) },
      { name: "timeouts, ours", points: curve((one) => one.ours.timeouts.mean) },
      { name: "path, model", kind: "dashed", points: curve((one) => one.model.path.mean) },
      { name: "timeouts, model", kind: "dashed", points: curve((one) => one.model.timeouts.mean) },
      { name: "path, ToN from memory", kind: "points", points: remembered(0) },
      { name: "timeouts, ToN from memory", kind: "points", points: remembered(1) },
    ],
  });
}

function sizeOf(results: readonly FailureResult[]): string {
  const { nodes, successors } = results[0]?.plan ?? { nodes: 0, successors: 0 };
  return `N = ${nodes}, r = ${successors}`;
}

function tableSection(
  results: readonly FailureResult[],
  patient: readonly FailureResult[],
): Section {
  const lookups = results[0]?.plan.lookups ?? 0;
  return {
    heading: "J: simultaneous failures, before any stabilization (ToN table II)",
    lines: [
      "The paper: N = 1000, r = 20, 10,000 lookups right after a share p of the nodes died." +
        ` Ours: ${sizeOf(results)}, ${lookups} lookups for each p. Path counts nodes, the owner` +
        " included (forwards + 1); mean (p1,p99).",
      "",
      ...pathTable(results),
      ...timeoutTable(results),
      "![paper-j-failures]",
      "",
      "The remembered percentiles of the path, (2,5) at p = 0, are narrower than ours and the" +
        " model's, (1,6), which agree in every lookup. With 1000 nodes and r = 20 a node knows" +
        " the owner of 2 % of all keys without asking, so the algorithm itself puts the 1st" +
        " percentile at one node; how the published one was counted is not known here.",
      "",
      "A dead node is met at most once here: production tells every node on the way whom it" +
        " need not name again, while the model's nodes know nothing of each other's timeouts." +
        " Hence ours are fewer.",
      "",
      "As in the paper, one timeout proves a death above. With the production defaults, a silent" +
        " owner is asked three times over two seconds before the node behind it is named, and a" +
        " lookup gives up after eight seconds:",
      "",
      ...patientTable(patient),
    ],
    charts: [failureChart(results)],
    gates: failureGates(results, patient),
  };
}

/** What must hold for row J. */
export function failureGates(
  results: readonly FailureResult[],
  patient: readonly FailureResult[],
): Gate[] {
  const wrong = results.reduce((sum, { ours }) => sum + ours.wrong + ours.failed, 0);
  const lookups = results.reduce((sum, { plan }) => sum + plan.lookups, 0);
  return [
    { text: `J: no wrong owner and no failed lookup in ${lookups}`, met: wrong === 0 },
    {
      text: "J: mean path within 3 % of the model at every p",
      met: results.every(({ ours, model }) => nearMean(ours.path, model.path)),
    },
    {
      text: "J: p99 of the path within one hop of the model at every p",
      met: results.every(({ ours, model }) => nearTail(ours.path, model.path)),
    },
    {
      text: "J: with the production suspicion no lookup names a wrong owner",
      met: patient.every(({ ours }) => ours.wrong === 0),
    },
  ];
}

function pathTable(results: readonly FailureResult[]): string[] {
  return table(
    [
      "p",
      "path: ToN, from memory",
      "noted path / timeouts",
      "rings path / timeouts",
      "model",
      "ours",
    ],
    results.map(({ plan, ours, model }) => {
      const cell = quoted[`${plan.failedFraction}`];
      const { failedFraction: p } = plan;
      return [
        `${p}`,
        cell?.[0] ?? "",
        cell?.[2] ?? "",
        cell?.[3] ?? "",
        showCounts(model.path),
        showCounts(ours.path),
      ];
    }),
  );
}

function timeoutTable(results: readonly FailureResult[]): string[] {
  return table(
    [
      "p",
      "timeouts: ToN, from memory",
      "model",
      "ours",
      "wrong, ours",
      "failed, ours",
      "wrong, model",
    ],
    results.map(({ plan, ours, model }) => [
      `${plan.failedFraction}`,
      quoted[`${plan.failedFraction}`]?.[1] ?? "",
      showCounts(model.timeouts),
      showCounts(ours.timeouts),
      `${ours.wrong}`,
      `${ours.failed}`,
      `${model.wrong}`,
    ]),
  );
}

function patientTable(patient: readonly FailureResult[]): string[] {
  return table(
    ["p", "path", "timeouts", "wrong", "gave up at the deadline", "share"],
    patient.map(({ plan, ours }) => [
      `${plan.failedFraction}`,
      showCounts(ours.path),
      showCounts(ours.timeouts),
      `${ours.wrong}`,
      `${ours.failed}`,
      `${((100 * ours.failed) / plan.lookups).toFixed(1)} %`,
    ]),
  );
}

function theoremSection(results: readonly FailureResult[]): Section {
  const points = (value: (one: FailureResult) => number): Point[] =>
    results.map((one) => [one.plan.nodes, value(one)]);
  const chart = drawChart({
    name: "paper-n-half-dead",
    title: "Half of all nodes dead at once, r = 2 log2 N",
    alt: "With half of the nodes dead paths still grow like log2 N",
    x: { name: "nodes N before the failure", scale: "log2" },
    y: { name: "for a lookup" },
    series: [
      { name: "timeouts, mean", points: points(({ ours }) => ours.timeouts.mean) },
      { name: "path, mean", points: points(({ ours }) => ours.path.mean) },
      { name: "path, 99th percentile", points: points(({ ours }) => ours.path.percentile(0.99)) },
      { name: "path, model", kind: "dashed", points: points(({ model }) => model.path.mean) },
      { name: "log2 N", kind: "dashed", points: points(({ plan }) => Math.log2(plan.nodes)) },
    ],
  });
  const wrong = results.reduce((sum, { ours }) => sum + ours.wrong, 0);
  const lookups = results.reduce((sum, { plan }) => sum + plan.lookups, 0);
  return {
    heading: "N: each node fails with probability one half (theorems 7 and 8)",
    lines: [
      "The theorems: with r = O(log N) and half of all nodes dead, a lookup still finds the" +
        " first living successor with high probability, in O(log N) steps. The last column but" +
        " one is the longest run of neighbours that died together in any of the four rings of" +
        " that size.",
      "",
      ...theoremTable(results),
      "![paper-n-half-dead]",
      "",
      ...results.filter(({ ours }) => ours.failed > 0).map(explainFailed),
    ],
    charts: [chart],
    gates: [
      { text: `N: no wrong owner in ${lookups} lookups`, met: wrong === 0 },
      {
        text: "N: lookups fail only where r neighbours died together, no more than in the model",
        met: results.every(
          ({ plan, ours, model, longestRun }) =>
            ours.failed === 0 || (longestRun >= plan.successors && ours.failed <= model.failed),
        ),
      },
      {
        text: "N: the mean path stays below log2 N",
        met: results.every(({ plan, ours }) => ours.path.mean < Math.log2(plan.nodes)),
      },
    ],
  };
}

function theoremTable(results: readonly FailureResult[]): string[] {
  const head = ["N", "r", "path, model", "path, ours", "timeouts, model", "timeouts, ours"];
  return table(
    [...head, "wrong", "longest dead run", "failed, model / ours"],
    results.map(({ plan, ours, model, longestRun }) => [
      `${plan.nodes}`,
      `${plan.successors}`,
      showCounts(model.path),
      showCounts(ours.path),
      showCounts(model.timeouts),
      showCounts(ours.timeouts),
      `${ours.wrong}`,
      `${longestRun}`,
      `${model.failed} / ${ours.failed}`,
    ]),
  );
}

function explainFailed({ plan, ours, model, longestRun }: FailureResult): string {
  const { nodes, successors } = plan;
  return (
    `At N = ${nodes} one of the rings lost ${longestRun} neighbours in a row, the whole list of` +
    ` r = ${successors} of the node before them, which has a chance of about N / 2^(r+1) in each` +
    ` ring. Keys behind that gap have no way to their owner until stabilization: ${ours.failed}` +
    ` lookups failed (none named a wrong node), and ${model.failed} in the model.\n`
  );
}
