/**
 * Which faults come when: drawn from a seed alone, so that the same seed gives the same schedule.
 *
 * Faults of processes and faults of links run in two lanes beside each other, so that a node may
 * die while the network is cut; within a lane one follows the other.
 */
import { SeededRandom } from "../lib/seeded-random.ts";

export const processFaults = [
  "kill",
  "pause",
  "restart",
  "rolling",
  "replace",
  "scale",
  "skew",
] as const;
export const linkFaults = ["cut", "one-way", "isolate", "split", "slow"] as const;

export type ProcessFaultKind = (typeof processFaults)[number];
export type LinkFaultKind = (typeof linkFaults)[number];
export type FaultKind = ProcessFaultKind | LinkFaultKind;

/** All by which a node's process or disk suffers. Nodes are named by their number. */
export type ProcessFault =
  /** kill -9, and a start after `forMs`. */
  | { readonly kind: "kill"; readonly nodes: readonly number[]; readonly forMs: number }
  /** SIGSTOP, and SIGCONT after `forMs`. */
  | { readonly kind: "pause"; readonly nodes: readonly number[]; readonly forMs: number }
  /** SIGTERM, and a start once it has ended. */
  | { readonly kind: "restart"; readonly node: number }
  /** The same to all nodes, one after the other. */
  | { readonly kind: "rolling" }
  /** kill -9, and a start with an empty disk, once the ring is said to be repaired. */
  | { readonly kind: "replace"; readonly node: number }
  /** A node's copies move away and it leaves the ring; after `forMs` all of it comes back. */
  | { readonly kind: "scale"; readonly node: number; readonly forMs: number }
  /** A restart with a clock that is wrong and runs wrongly, until the next one. */
  | {
      readonly kind: "skew";
      readonly node: number;
      readonly offsetSeconds: number;
      readonly rate: number;
    };

/** Directions of links: everything that the first node sends to the second. */
export interface LinkFault {
  readonly kind: LinkFaultKind;
  readonly directions: readonly (readonly [from: number, to: number])[];
  readonly state: "silent" | "refused" | "open";
  readonly delayMs: number;
  readonly forMs: number;
}

export interface Planned<Fault> {
  /** After the start of the test. It may come later, where the lane waits for the ring. */
  readonly atMs: number;
  /** It begins only when all nodes are ready, or have had their time: most faults come alone. */
  readonly waits: boolean;
  readonly fault: Fault;
}

export interface Schedule {
  readonly processes: readonly Planned<ProcessFault>[];
  readonly links: readonly Planned<LinkFault>[];
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly durationMs: number;
  readonly kinds: readonly FaultKind[];
  /** The longest time for which a fault lasts. */
  readonly outageMsMax: number;
}

const GAP_MIN_MS = 500;
const GAP_MAX_MS = 4_000;
const OUTAGE_MIN_MS = 100;
/** Of the faults. If none waited, half of the nodes would always be down, and little tested. */
const WAITS_SHARE = 0.75;
/** Streams of the seed; the workload has its own. */
const PROCESS_STREAM = 1;
const LINK_STREAM = 2;

export function scheduleOf(options: ScheduleOptions): Schedule {
  const processKinds = processFaults.filter((kind) => options.kinds.includes(kind));
  const linkKinds = linkFaults.filter((kind) => options.kinds.includes(kind));
  return {
    processes: lane(options, PROCESS_STREAM, processKinds, processFaultOf),
    links: lane(options, LINK_STREAM, linkKinds, linkFaultOf),
  };
}

/** Faults with pauses between them, until the time is over. */
function lane<Kind, Fault extends object>(
  options: ScheduleOptions,
  stream: number,
  kinds: readonly Kind[],
  draw: (kind: Kind, random: SeededRandom, options: ScheduleOptions) => Fault,
): Planned<Fault>[] {
  const random = new SeededRandom(options.seed, stream);
  const planned: Planned<Fault>[] = [];
  if (kinds.length === 0) return planned;
  let atMs = random.integer(GAP_MIN_MS, GAP_MAX_MS);
  while (atMs < options.durationMs) {
    const fault = draw(random.pick(kinds), random, options);
    planned.push({ atMs, waits: random.chance(WAITS_SHARE), fault });
    const forMs = "forMs" in fault ? Number(fault.forMs) : 0;
    atMs += forMs + random.integer(GAP_MIN_MS, GAP_MAX_MS);
  }
  return planned;
}

function processFaultOf(
  kind: ProcessFaultKind,
  random: SeededRandom,
  options: ScheduleOptions,
): ProcessFault {
  const node = random.integer(0, options.nodes - 1);
  const forMs = random.integer(OUTAGE_MIN_MS, options.outageMsMax);
  switch (kind) {
    case "kill":
    case "pause":
      return { kind, nodes: nodesOf(random, options), forMs };
    case "scale":
      return { kind, node, forMs };
    case "skew": {
      const offsetSeconds = random.integer(-60, 60);
      return { kind, node, offsetSeconds, rate: random.integer(80, 125) / 100 };
    }
    case "rolling":
      return { kind };
    case "restart":
    case "replace":
      return { kind, node };
  }
}

/** Mostly one, at times some, seldom all. */
function nodesOf(random: SeededRandom, { nodes }: ScheduleOptions): number[] {
  const all = Array.from({ length: nodes }, (_, node) => node);
  const share = random.next();
  const some = random.integer(2, Math.max(2, nodes - 1));
  if (share < 0.7) return random.sample(all, 1);
  return random.sample(all, share < 0.93 ? some : nodes);
}

function linkFaultOf(
  kind: LinkFaultKind,
  random: SeededRandom,
  options: ScheduleOptions,
): LinkFault {
  const forMs = random.integer(OUTAGE_MIN_MS, options.outageMsMax);
  const state = random.chance(0.7) ? "silent" : "refused";
  const delayMs = random.integer(20, 800);
  const directions = directionsOf(kind, random, options.nodes);
  if (kind === "slow") return { kind, directions, state: "open", delayMs, forMs };
  return { kind, directions, state, delayMs: 0, forMs };
}

function directionsOf(
  kind: LinkFaultKind,
  random: SeededRandom,
  nodes: number,
): readonly (readonly [number, number])[] {
  const shuffled = random.sample(
    Array.from({ length: nodes }, (_, node) => node),
    nodes,
  );
  const size = random.integer(1, Math.max(1, Math.floor(nodes / 2)));
  const [first, second] = [shuffled.slice(0, 1), shuffled.slice(1, 2)];
  switch (kind) {
    case "cut":
      return both(first, second);
    case "one-way":
      return between(first, random.chance(0.5) ? second : shuffled.slice(1));
    case "slow":
    case "isolate":
      return both(first, shuffled.slice(1));
    case "split":
      return both(shuffled.slice(0, size), shuffled.slice(size));
  }
}

function between(from: readonly number[], to: readonly number[]): [number, number][] {
  return from.flatMap((one) => to.map((other): [number, number] => [one, other]));
}

function both(side: readonly number[], other: readonly number[]): [number, number][] {
  return [...between(side, other), ...between(other, side)];
}
