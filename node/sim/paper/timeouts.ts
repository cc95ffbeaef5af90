/**
 * What measured timeouts are good for: the production rule (srtt + 4 rttvar within bounds) against
 * fixed ones, on a network of near and far nodes while some die; and how often a living neighbour
 * is suspected when messages get lost, come late, or a process stands still.
 */
import type { ChordOptions } from "../../src/chord/index.ts";
import type { SimulatedNode } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Scale, type Section, table } from "./experiment.ts";
import { LiveRing, LookupLog } from "./live-ring.ts";
import { quantile } from "./statistics.ts";
import { TrafficMeter } from "./traffic-meter.ts";

const stabilizeIntervalMs = 1000;
const bootstrapIntervalMs = 1000;

export const timeouts: Experiment = {
  rows: ["timeouts", "suspicions"],
  title: "timeouts and suspicions",
  async run(scale) {
    return [await ruleSection(scale), await suspicionSection(scale)];
  },
};

// --- adaptive against fixed -------------------------------------------------------------------

interface Rule {
  readonly name: string;
  readonly options: Partial<ChordOptions>;
}

interface RuleResult {
  readonly rule: Rule;
  readonly log: LookupLog;
  readonly timeoutsOfLiving: number;
  readonly requests: number;
  readonly suspicions: number;
}

const fixed = (ms: number): Rule => ({
  name: `fixed, ${ms} ms`,
  options: { timeoutMinMs: ms, timeoutMaxMs: ms, timeoutInitialMs: ms },
});

const rules: readonly Rule[] = [
  { name: "measured", options: {} },
  fixed(100),
  fixed(200),
  fixed(500),
  fixed(1000),
];

const ascending = ({ log }: RuleResult): number[] => log.durationsMs.sort((a, b) => a - b);

function draw(results: readonly RuleResult[]): Chart {
  const bars = (fraction: number): Point[] =>
    results.map((one, index) => [index, quantile(ascending(one), fraction)]);
  return drawChart({
    name: "paper-timeouts",
    title: "Latency of lookups under churn, by timeout rule",
    alt: "Measured timeouts give short lookups and few false alarms",
    x: {
      name: "timeout rule (measured: production)",
      categories: results.map(({ rule }) => rule.name),
    },
    y: { name: "milliseconds", scale: "log10" },
    series: [
      { name: "median", kind: "bar", points: bars(0.5) },
      { name: "95th percentile", kind: "bar", points: bars(0.95) },
      { name: "99th percentile", kind: "bar", points: bars(0.99) },
    ],
  });
}

async function ruleSection(scale: Scale): Promise<Section> {
  const nodes = scale.quick ? 40 : 100;
  const minutes = scale.quick ? 3 : 20;
  const results: RuleResult[] = [];
  for (const rule of rules) {
    scale.progress(rule.name);
    results.push(await measureRule(rule, { nodes, minutes }));
  }
  const hours = (nodes * minutes) / 60;
  return {
    heading: "Timeouts: measured against fixed",
    lines: [
      `${nodes} nodes with production defaults (stabilization every second, r = 4), ${minutes}` +
        " minutes, a silent crash and a join every ten seconds each, two lookups a second. Each" +
        " node is at its own distance: exponential with a mean of 20 ms for each message at" +
        " either end, so that a round trip takes 80 ms on average and beyond 200 ms for one" +
        " pair in twenty-five; and one message in a hundred takes up to 300 ms more. A lookup" +
        " that meets a dead owner waits until its suspicion is certain, whatever the timeouts;" +
        " that is the tail of every row.",
      "",
      ...table(
        [
          "rule",
          "median",
          "p95",
          "p99",
          "timeouts / lookup",
          "requests to living nodes that timed out",
          "living successors dropped / node-hour",
          "named nobody",
          "wrong",
        ],
        results.map((one) => [
          one.rule.name,
          ...[0.5, 0.95, 0.99].map((p) => `${quantile(ascending(one), p).toFixed(0)} ms`),
          one.log.timeouts.mean.toFixed(3),
          `${((100 * one.timeoutsOfLiving) / one.requests).toFixed(2)} %`,
          (one.suspicions / hours).toFixed(3),
          `${one.log.failed} of ${one.log.count}`,
          `${one.log.wrongSettled}`,
        ]),
      ),
      "![paper-timeouts]",
      "",
      "A fixed timeout is right for one network only: too short, and it takes the living for dead" +
        " until lookups name wrong owners; too long, and each dead node costs all of it. The" +
        " measured ones do as well as the best of these without being told the network.",
    ],
    charts: [draw(results)],
    gates: [],
  };
}

async function measureRule(
  rule: Rule,
  size: { readonly nodes: number; readonly minutes: number },
): Promise<RuleResult> {
  const ring = new LiveRing({
    seed: 7,
    nodes: size.nodes,
    successors: 4,
    stabilizeIntervalMs,
    options: { bootstrapIntervalMs, ...rule.options },
    slowMs: (random) => -20 * Math.log(1 - random.next()),
  });
  Object.assign(ring.world.network.faults, { late: 0.01, tailMs: 300 });
  await ring.run(60_000);
  const watch = new SuspicionWatch(ring);
  const meter = new TrafficMeter(ring.world.network);
  ring.world.network.observer = meter;
  const log = new LookupLog();
  const stops = [
    ring.poisson(0.1, () => watch.follow(ring.join())),
    ring.poisson(0.1, () => ring.crash()),
    ring.poisson(2, () => ring.lookup(log)),
  ];
  await ring.run(size.minutes * 60_000);
  for (const stop of stops) stop();
  const { requests } = meter.take();
  const { timeoutsOfLiving } = meter;
  await ring.run(20_000);
  return { rule, log, timeoutsOfLiving, requests, suspicions: watch.count };
}

/** Counts first successors that a node dropped although they were alive and in the ring. */
class SuspicionWatch {
  count = 0;
  readonly #ring: LiveRing;

  constructor(ring: LiveRing) {
    this.#ring = ring;
    for (const node of ring.nodes) this.follow(node);
  }

  follow(node: SimulatedNode): void {
    const { chord } = node;
    const { onChange } = chord;
    let first = chord.successors[0];
    chord.onChange = () => {
      onChange();
      const before = first;
      first = chord.successors[0];
      if (before === undefined || !chord.ring.member) return;
      if (chord.successors.some((one) => one.address === before.address)) return;
      const host = this.#ring.world.running.get(before.name);
      if (host?.address === before.address && host.chord.ring.member) this.count += 1;
    };
  }
}

// --- suspicions of the living -----------------------------------------------------------------

interface Trouble {
  readonly name: string;
  readonly faults: { readonly lost?: number; readonly late?: number; readonly tailMs?: number };
  /** Pauses of a whole process: how often for each node, and how long at most. */
  readonly pauses?: { readonly perNodeHour: number; readonly msMax: number };
}

const troubles: readonly Trouble[] = [
  { name: "calm", faults: {} },
  { name: "1 % of messages lost", faults: { lost: 0.01 } },
  { name: "5 % lost", faults: { lost: 0.05 } },
  { name: "10 % lost", faults: { lost: 0.1 } },
  { name: "20 % lost", faults: { lost: 0.2 } },
  { name: "5 % take up to 2 s more", faults: { late: 0.05, tailMs: 2000 } },
  { name: "pauses up to 1 s, 60 an hour", faults: {}, pauses: { perNodeHour: 60, msMax: 1000 } },
  { name: "pauses up to 3 s, 60 an hour", faults: {}, pauses: { perNodeHour: 60, msMax: 3000 } },
];

async function suspicionSection(scale: Scale): Promise<Section> {
  const nodes = scale.quick ? 20 : 64;
  const minutes = scale.quick ? 5 : 30;
  const rows: string[][] = [];
  let calm = 0;
  for (const trouble of troubles) {
    scale.progress(trouble.name);
    const one = await measureTrouble(trouble, { nodes, minutes });
    if (trouble.name === "calm") calm = one.suspicions;
    const nodeHours = (nodes * minutes) / 60;
    rows.push([
      trouble.name,
      `${one.suspicions}`,
      (one.suspicions / nodeHours).toFixed(3),
      `${((100 * one.timeoutsOfLiving) / one.requests).toFixed(2)} %`,
      `${one.log.failed} of ${one.log.count}`,
      `${one.log.wrong}`,
    ]);
  }
  return {
    heading: "False suspicions",
    lines: [
      `${nodes} nodes that all live, production defaults (three failed probes over two seconds` +
        ` before a suspicion), ${minutes} minutes, one lookup a second. Counted are first` +
        " successors that a node dropped although they were alive and in the ring.",
      "",
      ...table(
        [
          "trouble",
          "false suspicions",
          "per node and hour",
          "requests that timed out",
          "lookups that named nobody",
          "wrong owner",
        ],
        rows,
      ),
      "A lost message is lost here. A node's transport is HTTP over TCP, which resends what got" +
        " lost, so loss shows there as delay: the row of late messages. The rows of heavy loss" +
        " show where the suspicion rule ends.",
    ],
    charts: [],
    gates: [{ text: "Suspicions: none in a calm network", met: calm === 0 }],
  };
}

async function measureTrouble(
  trouble: Trouble,
  size: { readonly nodes: number; readonly minutes: number },
): Promise<{ suspicions: number; timeoutsOfLiving: number; requests: number; log: LookupLog }> {
  const { nodes, minutes } = size;
  const ring = new LiveRing({
    seed: 11,
    nodes,
    successors: 4,
    stabilizeIntervalMs,
    options: { bootstrapIntervalMs },
  });
  await ring.run(60_000);
  Object.assign(ring.world.network.faults, trouble.faults);
  const watch = new SuspicionWatch(ring);
  const meter = new TrafficMeter(ring.world.network);
  ring.world.network.observer = meter;
  const log = new LookupLog();
  const { perNodeHour = 0, msMax = 0 } = trouble.pauses ?? {};
  const stops = [
    ring.poisson(1, () => ring.lookup(log)),
    ring.poisson((perNodeHour * nodes) / 3600, () => {
      const node = ring.random.pick(ring.nodes);
      if (node !== undefined) ring.world.pause(node.name, ring.random.next() * msMax);
    }),
  ];
  await ring.run(minutes * 60_000);
  for (const stop of stops) stop();
  const { requests } = meter.take();
  await ring.run(20_000);
  return { suspicions: watch.count, timeoutsOfLiving: meter.timeoutsOfLiving, requests, log };
}
