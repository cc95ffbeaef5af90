/**
 * What a ring says to itself: requests and bytes for each node and minute, when nothing happens,
 * under churn, and while it doubles. Production defaults.
 */
import type { RequestType } from "../../src/chord/index.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Experiment, type Section, table } from "./experiment.ts";
import { LiveRing } from "./live-ring.ts";
import { type Traffic, TrafficMeter } from "./traffic-meter.ts";

const stabilizeIntervalMs = 1000;
const minutes = 5;

interface Situation {
  readonly name: string;
  /** Joins a second, and as many silent crashes. */
  readonly churn: number;
  readonly doubles: boolean;
}

interface Measured {
  readonly situation: Situation;
  readonly nodes: number;
  /** For each node and minute. */
  readonly requests: number;
  readonly bytes: number;
  readonly byType: ReadonlyMap<RequestType, number>;
}

const types: readonly RequestType[] = ["state", "notify", "next", "ping", "hint", "hello"];

export const traffic: Experiment = {
  rows: ["traffic"],
  title: "messages and bytes",
  async run(scale) {
    const sizes = scale.quick ? [8, 32] : [8, 32, 128];
    const results: Measured[] = [];
    for (const nodes of sizes) {
      for (const situation of situationsFor(nodes)) {
        scale.progress(`${nodes} nodes, ${situation.name}`);
        results.push(await measure(nodes, situation));
      }
    }
    return [section(results)];
  },
};

/** Churn in proportion to the ring: each node lives for about ten minutes. */
function situationsFor(nodes: number): Situation[] {
  return [
    { name: "idle", churn: 0, doubles: false },
    { name: "churn", churn: nodes / 600, doubles: false },
    { name: "join storm", churn: 0, doubles: true },
  ];
}

async function measure(nodes: number, situation: Situation): Promise<Measured> {
  const ring = new LiveRing({ seed: nodes, nodes, successors: 4, stabilizeIntervalMs });
  await ring.run(120_000);
  const meter = new TrafficMeter(ring.world.network, { bytes: true });
  ring.world.network.observer = meter;
  const stops = [
    ring.poisson(situation.churn, () => ring.join()),
    ring.poisson(situation.churn, () => ring.crash()),
  ];
  const measuredMinutes = situation.doubles ? 1 : minutes;
  if (situation.doubles) for (let i = 0; i < nodes; i++) ring.join();
  const startNodes = ring.nodes.length;
  await ring.run(measuredMinutes * 60_000);
  for (const stop of stops) stop();
  const nodeMinutes = ((startNodes + ring.nodes.length) / 2) * measuredMinutes;
  return { situation, nodes, ...perNodeMinute(meter.take(), nodeMinutes) };
}

function perNodeMinute(
  { requests, bytes, byType }: Traffic,
  nodeMinutes: number,
): Pick<Measured, "requests" | "bytes" | "byType"> {
  return {
    requests: requests / nodeMinutes,
    bytes: bytes / nodeMinutes,
    byType: new Map([...byType].map(([type, count]) => [type, count / nodeMinutes])),
  };
}

function section(results: readonly Measured[]): Section {
  const sizes = [...new Set(results.map(({ nodes }) => nodes))];
  const bars = (name: string): Point[] =>
    sizes.map((nodes, index) => {
      const one = results.find((it) => it.nodes === nodes && it.situation.name === name);
      return [index, (one?.bytes ?? 0) / 1024];
    });
  const chart = drawChart({
    name: "paper-traffic",
    title: "Bytes for each node and minute, production defaults",
    alt: "An idle ring sends little; churn and a join storm send more",
    x: { name: "nodes (before the storm)", categories: sizes.map(String) },
    y: { name: "KiB for each node and minute" },
    series: ["idle", "churn", "join storm"].map((name) => ({
      name,
      kind: "bar" as const,
      points: bars(name),
    })),
  });
  return {
    heading: "Messages and bytes",
    lines: [
      "Production defaults: stabilization every second, r = 4. Requests with their replies, for" +
        " each node and minute; bytes are the JSON of both as on the wire, one message to a" +
        " request, without HTTP's headers. Churn: each node lives for ten minutes on average," +
        ` and dies without a word; measured over ${minutes} minutes. Join storm: the ring` +
        " doubles in one step; the minute from then on. No client asks for anything.",
      "",
      ...table(
        ["nodes", "situation", "requests", "KiB", "bytes / s", ...types],
        results.map((one) => [
          `${one.nodes}`,
          one.situation.name,
          one.requests.toFixed(0),
          (one.bytes / 1024).toFixed(1),
          (one.bytes / 60).toFixed(0),
          ...types.map((type) => (one.byType.get(type) ?? 0).toFixed(1)),
        ]),
      ),
      "![paper-traffic]",
    ],
    charts: [chart],
    gates: [],
  };
}
