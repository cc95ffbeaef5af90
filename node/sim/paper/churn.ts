/**
 * Rows H and K: lookups while nodes come and go (SIGCOMM 2001 figure 12, ToN 2003 table III). Whole
 * production nodes in virtual time; joins and failures are Poisson, each at the given rate.
 */
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Scale, type Section, table } from "./experiment.ts";
import { LiveRing, LookupLog, paperOptions } from "./live-ring.ts";
import { interval, type Interval, proportionBounds, showCounts } from "./statistics.ts";

interface ChurnPlan {
  readonly seed: number;
  readonly nodes: number;
  readonly successors: number;
  /** Joins a second, and as many failures. */
  readonly rate: number;
  readonly lookupsPerSecond: number;
  readonly measuredMs: number;
}

interface ChurnResult {
  readonly rate: number;
  /** One log for each run. */
  readonly logs: readonly LookupLog[];
}

const stabilizeIntervalMs = 30_000;
/** Long enough for the first fingers that died to have been met. */
const warmUpMs = 600_000;

/** In 10,000 lookups: twice the largest remembered value of ToN's table. */
const failuresMax = 32;

/** ToN table III: path mean / timeouts / failures in 10,000; the last column is of `rings`. */
const quoted: Readonly<Record<string, readonly [string, string]>> = {
  "0.05": ["3.90 / .05 / 0", "3.90 / .08 / 6"],
  "0.1": ["3.83 / .11 / 0", ""],
  "0.15": ["3.84 / .16 / 2", ""],
  "0.2": ["3.81 / .23 / 5", ""],
  "0.25": ["3.83 / .30 / 6", ""],
  "0.3": ["3.91 / .34 / 8", ""],
  "0.35": ["3.94 / .42 / 16", ""],
  "0.4": ["4.06 / .46 / 15", "4.39 / .67 / 59"],
};

export const churnFigure: Experiment = {
  rows: ["H"],
  title: "lookups during churn, SIGCOMM",
  run: async (scale) => [await figureTwelve(scale)],
};

export const churnTable: Experiment = {
  rows: ["K"],
  title: "lookups during churn, ToN",
  run: async (scale) => [await tableThree(scale)],
};

async function runChurn(plan: ChurnPlan): Promise<LookupLog> {
  const { seed, nodes, successors, rate } = plan;
  const ring = new LiveRing({
    seed,
    nodes,
    successors,
    stabilizeIntervalMs,
    options: paperOptions,
  });
  ring.poisson(rate, () => ring.join());
  ring.poisson(rate, () => ring.crash());
  await ring.run(warmUpMs);
  const log = new LookupLog();
  const stop = ring.poisson(plan.lookupsPerSecond, () => ring.lookup(log));
  await ring.run(plan.measuredMs);
  stop();
  await ring.run(60_000);
  return log;
}

async function runAll(
  plan: Omit<ChurnPlan, "seed" | "rate">,
  rates: readonly number[],
  runs: number,
  scale: Scale,
): Promise<ChurnResult[]> {
  const results: ChurnResult[] = [];
  for (const rate of rates) {
    const logs: LookupLog[] = [];
    for (let run = 0; run < runs; run++) {
      scale.progress(`${plan.nodes} nodes, ${rate} joins and failures a second, run ${run + 1}`);
      logs.push(await runChurn({ ...plan, rate, seed: 1 + run }));
    }
    results.push({ rate, logs });
  }
  return results;
}

/** Failed or wrong, as a share of all lookups. */
const lossOf = (log: LookupLog): number => (log.failed + log.wrong) / log.count;

interface Loss extends ChurnResult, Interval {
  readonly predicted: number;
}

/** The paper's: k failures in a period leave about 5k/N of the lookups astray. */
const rule = (rate: number, nodes: number): number => (5 * rate * 30) / nodes;

function drawLoss(nodes: number, loss: readonly Loss[]): Chart {
  return drawChart({
    name: "paper-h-churn",
    title: `Lookups that went astray during churn, ${nodes} nodes`,
    alt: "Failed lookups grow with churn and stay below the paper's rule",
    x: { name: "failures (and joins) in a stabilization period of 30 s", min: 0 },
    y: { name: "% of lookups" },
    series: [
      {
        name: "ours, failed or wrong owner",
        points: loss.map(({ rate, mean }): Point => [rate * 30, 100 * mean]),
      },
      {
        name: "the paper's prediction",
        kind: "dashed",
        points: loss.map(({ rate, predicted }): Point => [rate * 30, 100 * predicted]),
      },
    ],
  });
}

function lossTable(loss: readonly Loss[]): string[] {
  const head = ["R", "failures / period", "predicted", "ours", "named nobody"];
  return table(
    [...head, "newcomer not noticed", "other wrong owner", "timeouts / lookup", "path"],
    loss.map(({ rate, logs, predicted, mean, halfWidth }) => [
      `${rate}`,
      (rate * 30).toFixed(1),
      `${(100 * predicted).toFixed(2)} %`,
      `${(100 * mean).toFixed(3)} ± ${(100 * halfWidth).toFixed(3)} %`,
      `${sum(logs, (log) => log.failed)}`,
      `${sum(logs, (log) => log.wrong - log.wrongSettled)}`,
      `${sum(logs, (log) => log.wrongSettled)}`,
      interval(logs.map((log) => log.timeouts.mean)).mean.toFixed(3),
      interval(logs.map((log) => log.path.mean)).mean.toFixed(2),
    ]),
  );
}

async function figureTwelve(scale: Scale): Promise<Section> {
  const plan = scale.quick
    ? { nodes: 60, successors: 4, lookupsPerSecond: 1, measuredMs: 900_000 }
    : { nodes: 500, successors: 4, lookupsPerSecond: 1, measuredMs: 3_600_000 };
  const rates = scale.quick ? [0.01, 0.05] : [0.01, 0.02, 0.04, 0.06, 0.08, 0.1];
  const results = await runAll(plan, rates, 2, scale);
  const loss = results.map(({ rate, logs }): Loss => {
    return { rate, logs, predicted: rule(rate, plan.nodes), ...interval(logs.map(lossOf)) };
  });
  return {
    heading: "H: lookups during churn (SIGCOMM figure 12)",
    lines: [
      "The paper: 500 nodes, joins and failures at R a second each, stabilization every 30 s on" +
        " average, one lookup a second, two hours. It predicts 5k/500 of the lookups to fail at" +
        " k failures in a period and measured slightly more, without retries. Ours:" +
        ` ${plan.nodes} nodes, r = ${plan.successors}, ${plan.measuredMs / 3_600_000} h,` +
        ` ${results[0]?.logs.length ?? 0} runs. One timeout proves a death, as in the paper; a` +
        " lookup goes round dead nodes, and asks the owner it names. Failures of nodes are" +
        " silent. A lookup is astray when it names nobody, or another node than the key's" +
        " successor among all living members, newcomers included from the moment they join.",
      "",
      ...lossTable(loss),
      "![paper-h-churn]",
      "",
      "Ours stays below the prediction because a lookup goes round the dead and asks the owner" +
        " itself; what remains are keys of newcomers that the ring has not noticed yet.",
    ],
    charts: [drawLoss(plan.nodes, loss)],
    gates: [
      {
        text: "H: lookups astray are at most twice the paper's prediction at every rate",
        met: loss.every(({ mean, predicted }) => mean <= 2 * predicted),
      },
    ],
  };
}

function sum(logs: readonly LookupLog[], value: (log: LookupLog) => number): number {
  return logs.reduce((total, log) => total + value(log), 0);
}

interface ChurnRow {
  readonly rate: number;
  readonly log: LookupLog;
}

const per10k = (log: LookupLog): number => 10_000 * lossOf(log);

function drawChurn(nodes: number, successors: number, rows: readonly ChurnRow[]): Chart {
  const rates = rows.map(({ rate }) => rate);
  return drawChart({
    name: "paper-k-churn",
    title: `Lookups during churn, ${nodes} nodes, r = ${successors}`,
    alt: "Timeouts grow in proportion to churn, failures stay rare",
    x: { name: "joins (and as many failures) a second", min: 0 },
    y: { name: "for a lookup" },
    series: [
      { name: "path, ours", points: rows.map(({ rate, log }): Point => [rate, log.path.mean]) },
      {
        name: "timeouts, ours",
        points: rows.map(({ rate, log }): Point => [rate, log.timeouts.mean]),
      },
      { name: "path, ToN from memory", kind: "points", points: remembered(rates, 0) },
      { name: "timeouts, ToN from memory", kind: "points", points: remembered(rates, 1) },
    ],
  });
}

function tableLines(rows: readonly ChurnRow[]): string[] {
  return table(
    [
      "rate",
      "ToN, from memory: path / timeouts / failures",
      "rings, abrupt leaves",
      "ours: path (p1,p99)",
      "timeouts (p1,p99)",
      "failures in 10,000 (95 %)",
      "not counting unnoticed newcomers",
    ],
    rows.map(({ rate, log }) => {
      const { low, high } = proportionBounds(log.failed + log.wrong, log.count);
      const settled = (10_000 * (log.failed + log.wrongSettled)) / log.count;
      return [
        `${rate}`,
        quoted[`${rate}`]?.[0] ?? "",
        quoted[`${rate}`]?.[1] ?? "",
        showCounts(log.path),
        showCounts(log.timeouts),
        `${per10k(log).toFixed(1)} (${(1e4 * low).toFixed(1)} to ${(1e4 * high).toFixed(1)})`,
        settled.toFixed(1),
      ];
    }),
  );
}

/** Why failures are more than remembered, where newcomers are the reason. */
function unnoticed(rows: readonly ChurnRow[]): string[] {
  const wrong = rows.reduce((sum, { log }) => sum + log.wrong, 0);
  const settled = rows.reduce((sum, { log }) => sum + log.wrongSettled, 0);
  if (wrong < 4 * settled || rows.every(({ log }) => per10k(log) <= failuresMax)) return [];
  return [
    `Failures are more than the remembered ones. Of ${wrong} wrong owners in all rows` +
      ` ${wrong - settled} were the successor of a newcomer that had joined and not yet said so:` +
      " a node stabilizes, and so notifies, up to a quarter of a period after its join. The last" +
      " column is without them.",
  ];
}

async function tableThree(scale: Scale): Promise<Section> {
  const plan = scale.quick
    ? { nodes: 100, successors: 13, lookupsPerSecond: 2, measuredMs: 600_000 }
    : { nodes: 1000, successors: 20, lookupsPerSecond: 4, measuredMs: 2_500_000 };
  // As much churn for each node as in the large ring.
  const rates = scale.quick ? [0.005, 0.02] : [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4];
  const results = await runAll(plan, rates, 1, scale);
  const rows = results.map(({ rate, logs }) => ({ rate, log: logs[0] ?? new LookupLog() }));
  return {
    heading: "K: lookups during churn (ToN table III)",
    lines: [
      "The paper: about 1000 nodes, r = 20, stabilization at uniformly 15 to 45 s, one lookup a" +
        ` second, joins and leaves at the given rate each. Ours: ${plan.nodes} nodes,` +
        ` ${plan.lookupsPerSecond} lookups a second for ${plan.measuredMs / 1000} s at each` +
        " rate; every leave is a silent crash. Path counts nodes, the owner included. Failures" +
        " are counted as for row H, in 10,000.",
      "",
      ...tableLines(rows),
      "![paper-k-churn]",
      "",
      "Timeouts are fewer than the remembered ones. A node here goes over its fingers again soon" +
        " after every change near it, and offers those last that did not answer it last time; how" +
        " much each of the two does is not measured.",
      "",
      ...unnoticed(rows),
    ],
    charts: [drawChurn(plan.nodes, plan.successors, rows)],
    gates: [
      {
        text: "K: failures in 10,000 stay below twice ToN's largest remembered value, 16",
        met: rows.every(({ log }) => per10k(log) <= failuresMax),
      },
    ],
  };
}

/** A number of the remembered cells. */
function remembered(rates: readonly number[], index: 0 | 1): Point[] {
  return rates.map((rate) => {
    const cell = quoted[`${rate}`]?.[0].split(" / ")[index] ?? "0";
    return [rate, Number(cell)];
  });
}
