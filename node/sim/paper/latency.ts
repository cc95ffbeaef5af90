/**
 * Row I: the latency of a lookup on a wide-area network (SIGCOMM 2001, 6.6, figure 13), as
 * exchanges: each forward is one, and asking the owner itself is the last.
 */
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Section, table } from "./experiment.ts";
import { LiveRing, LookupLog, paperOptions } from "./live-ring.ts";
import { quantile, showCounts } from "./statistics.ts";

/** 15 ms for each message at either end, and the network's own 0.2 to 1.2 ms: 61 ms both ways. */
const slowMs = 15;
const roundTripMs = 61.4;
/** As the paper's lookups: 16 from each of 10 sites, one by one. */
const lookupCount = 160;

interface Latency {
  readonly nodes: number;
  readonly successors: number;
  readonly log: LookupLog;
  readonly ascendingMs: readonly number[];
}

export const latency: Experiment = {
  rows: ["I"],
  title: "latency",
  async run(scale) {
    const sizes = scale.quick ? [10, 40] : [10, 20, 40, 60, 80, 100, 120, 140, 160, 180];
    const results: Latency[] = [];
    for (const nodes of sizes) {
      for (const successors of [1, 4]) {
        scale.progress(`${nodes} nodes, r = ${successors}`);
        results.push(await measure(nodes, successors));
      }
    }
    return [section(results)];
  },
};

async function measure(nodes: number, successors: number): Promise<Latency> {
  const ring = new LiveRing({
    seed: nodes + successors,
    nodes,
    successors,
    stabilizeIntervalMs: 30_000,
    options: paperOptions,
    slowMs: () => slowMs,
  });
  const log = new LookupLog();
  for (let i = 0; i < lookupCount; i++) {
    ring.lookup(log);
    await ring.world.scheduler.runUntil(() => log.count > i, 60_000);
  }
  const ascendingMs = log.durationsMs.sort((a, b) => a - b);
  return { nodes, successors, log, ascendingMs };
}

function draw(results: readonly Latency[]): Chart {
  const curve = (successors: number, fraction: number): Point[] =>
    results
      .filter((one) => one.successors === successors)
      .map((one) => [one.nodes, quantile(one.ascendingMs, fraction)]);
  return drawChart({
    name: "paper-i-latency",
    title: "Latency of a lookup, round trips of 60 ms",
    alt: "The median latency grows slowly with the number of nodes",
    x: { name: "nodes", min: 0 },
    y: { name: "milliseconds" },
    series: [
      { name: "median, r = 1", points: curve(1, 0.5) },
      { name: "median, r = 4", points: curve(4, 0.5) },
      { name: "95th percentile, r = 1", points: curve(1, 0.95) },
      {
        name: "median, published ends",
        kind: "points",
        points: [
          [10, 180],
          [180, 285],
        ],
      },
    ],
  });
}

function section(results: readonly Latency[]): Section {
  const published: Readonly<Record<number, string>> = { 10: "180", 180: "285" };
  const last = results.findLast((one) => one.successors === 1);
  const exchanges = last?.log.path.mean ?? 0;
  return {
    heading: "I: latency (SIGCOMM figure 13)",
    lines: [
      "The paper's prototype: up to 180 nodes on ten sites, median 180 to 285 ms; at 180 nodes" +
        " five exchanges, four of the lookup and the final one, at round trips of about 60 ms." +
        ` Ours: the same count of lookups (${lookupCount}, one by one) on a virtual network` +
        ` with round trips of ${roundTripMs} ms between any two nodes. Exchanges are forwards` +
        " and the last one, to the owner; the asking node may own the key itself, which takes" +
        " none.",
      "",
      ...table(
        [
          "nodes",
          "r",
          "published median, ms",
          "exchanges (p1,p99)",
          "expected: exchanges · 61 ms",
          "median",
          "p5",
          "p95",
        ],
        results.map(({ nodes, successors, log, ascendingMs }) => [
          `${nodes}`,
          `${successors}`,
          published[nodes] ?? "",
          showCounts(log.path),
          (log.path.mean * roundTripMs).toFixed(0),
          quantile(ascendingMs, 0.5).toFixed(0),
          quantile(ascendingMs, 0.05).toFixed(0),
          quantile(ascendingMs, 0.95).toFixed(0),
        ]),
      ),
      "![paper-i-latency]",
      "",
      "With equal round trips a latency is a multiple of 61 ms, and so is the median: at ten" +
        " nodes ours, 123 ms, stands for two exchanges where the paper's 180 ms are three. The" +
        " mean, 2.6 exchanges, is what ½ log2 10 forwards and the last exchange make.",
    ],
    charts: [draw(results)],
    gates: [
      {
        text: "I: at the largest size with r = 1 a lookup takes 5 exchanges within one",
        met: last !== undefined && (last.nodes < 180 || Math.abs(exchanges - 5) <= 1),
      },
      {
        text: "I: every lookup finds the right owner",
        met: results.every(({ log }) => log.count === lookupCount && log.failed + log.wrong === 0),
      },
    ],
  };
}
