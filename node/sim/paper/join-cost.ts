/**
 * Row M: what a join and a leave cost in messages (SIGCOMM 2001, theorem 3: O(log^2 N)). A join is
 * over when the newcomer's fingers are right; what the rest of the ring sends more than it would
 * have sent anyway is measured as the difference to the same time without the change.
 */
import type { RequestType } from "../../src/chord/index.ts";
import type { SimulatedNode } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Scale, type Section, table } from "./experiment.ts";
import { LiveRing, paperOptions } from "./live-ring.ts";
import { interval, type Interval } from "./statistics.ts";
import { TrafficMeter } from "./traffic-meter.ts";

const stabilizeIntervalMs = 30_000;
/** Periods in which a change is certainly over, fingers of the newcomer included. */
const windowPeriods = 20;
const successors = 4;

interface Cost {
  readonly nodes: number;
  /** Requests of the newcomer until its fingers are right, without discovery. */
  readonly own: Interval;
  /** Of these: lookups, so the part that theorem 3 counts. */
  readonly lookups: Interval;
  /** Hello to the addresses that name service gives: at most 256, and no part of Chord. */
  readonly discovery: Interval;
  /** Requests of all nodes in the window more than without a join, for each join. */
  readonly joinExtra: Interval;
  readonly leaveExtra: Interval;
  readonly crashExtra: Interval;
}

export const joinCost: Experiment = {
  rows: ["M"],
  title: "join and leave cost",
  async run(scale) {
    const exponents = scale.quick ? [4, 5] : [4, 5, 6, 7, 8, 9];
    const results: Cost[] = [];
    for (const exponent of exponents) results.push(await measure(2 ** exponent, scale));
    return [section(results)];
  },
};

async function measure(nodes: number, scale: Scale): Promise<Cost> {
  const runs = scale.quick ? 2 : 4;
  const own: number[] = [];
  const lookups: number[] = [];
  const discovery: number[] = [];
  for (let run = 0; run < (scale.quick ? 2 : 12); run++) {
    scale.progress(`${nodes} nodes, join ${run + 1}`);
    const sent = await newcomersRequests(nodes, run);
    const hello = sent.get("hello") ?? 0;
    const all = [...sent.values()].reduce((sum, count) => sum + count, 0);
    own.push(all - hello);
    lookups.push(sent.get("next") ?? 0);
    discovery.push(hello);
  }
  const extra = async (change: Change): Promise<Interval> => {
    const values: number[] = [];
    for (let run = 0; run < runs; run++) {
      scale.progress(`${nodes} nodes, ${change}, run ${run + 1}`);
      values.push(await extraRequests(nodes, change, run));
    }
    return interval(values);
  };
  return {
    nodes,
    own: interval(own),
    lookups: interval(lookups),
    discovery: interval(discovery),
    joinExtra: await extra("join"),
    leaveExtra: await extra("leave"),
    crashExtra: await extra("crash"),
  };
}

function newRing(nodes: number, seed: number): LiveRing {
  const options = { ...paperOptions, bootstrapIntervalMs: stabilizeIntervalMs };
  return new LiveRing({ seed, nodes, successors, stabilizeIntervalMs, options });
}

/** What one newcomer sends, by type, until its neighbours and its fingers are right. */
async function newcomersRequests(
  nodes: number,
  seed: number,
): Promise<ReadonlyMap<RequestType, number>> {
  const ring = newRing(nodes, seed);
  await ring.run(stabilizeIntervalMs);
  const newcomer = ring.join();
  const meter = new TrafficMeter(ring.world.network, { from: new Set([newcomer.address]) });
  ring.world.network.observer = meter;
  for (let tenth = 0; tenth < 10 * windowPeriods; tenth++) {
    await ring.run(stabilizeIntervalMs / 10);
    if (ring.neighboursRight() && fingersRight(ring, newcomer)) break;
  }
  return meter.take().byType;
}

function fingersRight(ring: LiveRing, node: SimulatedNode): boolean {
  const { fingers, self } = node.chord.ring;
  const ids = ring.nodes.map(({ chord }) => chord.self.id).sort();
  for (let exponent = 0; exponent < fingers.size; exponent++) {
    const start = fingers.start(exponent);
    const right = ids.find((id) => id >= start) ?? ids[0];
    if (right !== (fingers.get(exponent)?.id ?? self.id)) return false;
  }
  return true;
}

type Change = "join" | "leave" | "crash";

/** Requests of the whole ring in the window after some changes, less those of a calm window. */
async function extraRequests(nodes: number, change: Change, seed: number): Promise<number> {
  const changes = Math.max(1, nodes / 16);
  const counts: number[] = [];
  for (const changed of [true, false]) {
    const ring = newRing(nodes, seed);
    await ring.run(stabilizeIntervalMs);
    const meter = new TrafficMeter(ring.world.network);
    ring.world.network.observer = meter;
    if (changed) for (let i = 0; i < changes; i++) applyChange(ring, change);
    await ring.run(windowPeriods * stabilizeIntervalMs);
    const { requests, byType } = meter.take();
    counts.push(requests - (byType.get("hello") ?? 0));
  }
  const [after = 0, calm = 0] = counts;
  // More nodes, or fewer, also send more or less from then on: that is no cost of the change.
  const ratio = change === "join" ? 1 + changes / nodes : 1 - changes / nodes;
  return (after - calm * ratio) / changes;
}

function applyChange(ring: LiveRing, change: Change): void {
  if (change === "join") {
    ring.join();
    return;
  }
  const node = ring.random.pick(ring.world.ready());
  if (node === undefined) return;
  if (change === "leave") void node.chord.leave();
  else ring.crash(node);
}

const square = (nodes: number): number => Math.log2(nodes) ** 2;

function draw(results: readonly Cost[]): Chart {
  const curve = (value: (one: Cost) => number): Point[] =>
    results.map((one) => [one.nodes, value(one)]);
  return drawChart({
    name: "paper-m-join-cost",
    title: "Requests that one join costs, r = 4",
    alt: "The requests of a join grow more slowly than the square of log2 N",
    x: { name: "nodes N", scale: "log2" },
    y: { name: "requests", min: 0 },
    series: [
      { name: "of the newcomer", points: curve((one) => one.own.mean) },
      { name: "of these, steps of lookups", points: curve((one) => one.lookups.mean) },
      { name: "log2² N", kind: "dashed", points: curve((one) => square(one.nodes)) },
    ],
  });
}

function section(results: readonly Cost[]): Section {
  const show = ({ mean, halfWidth }: Interval): string =>
    `${mean.toFixed(0)} ± ${halfWidth.toFixed(0)}`;
  const constants = results.map((one) => one.lookups.mean / square(one.nodes));
  return {
    heading: "M: cost of a join and of a leave (theorem 3)",
    lines: [
      "The theorem: O(log² N) messages with high probability re-establish everything after a" +
        " join or a leave. A request and its reply count once. The newcomer's requests are" +
        " those until its neighbours know it and all its fingers are right; those to find the" +
        " ring at all (hello to what name service gives, at most 256 addresses) are apart," +
        " since the papers leave that out. The last columns are what the whole ring sent in the" +
        " 20 periods after the change beyond a calm time, for each of N/16 changes at once.",
      "",
      ...table(
        [
          "N",
          "log2² N",
          "newcomer's requests",
          "steps of lookups",
          "/ log2² N",
          "discovery",
          "ring, join",
          "ring, leave",
          "ring, crash",
        ],
        results.map((one) => [
          `${one.nodes}`,
          square(one.nodes).toFixed(0),
          show(one.own),
          show(one.lookups),
          (one.lookups.mean / square(one.nodes)).toFixed(2),
          show(one.discovery),
          show(one.joinExtra),
          show(one.leaveExtra),
          show(one.crashExtra),
        ]),
      ),
      "![paper-m-join-cost]",
    ],
    charts: [draw(results)],
    gates: [
      {
        text: "M: a newcomer's lookup steps stay below 2 log2² N at every size",
        met: constants.every((constant) => constant <= 2),
      },
    ],
  };
}
