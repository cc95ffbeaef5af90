/** Turns of one system under one load, and the medians that stand for them. */
import type { LoadResult } from "./load-job.ts";

/** The work of a turn in which no client asks. */
export const IDLE = "idle";

export interface Measurement {
  readonly system: string;
  /** What is done: an operation, or a kind of lookup. */
  readonly work: string;
  /** The rate of an open loop; null: closed. */
  readonly perSecond: number | null;
  readonly rounds: readonly LoadResult[];
}

export interface Row {
  readonly system: string;
  readonly work: string;
  readonly perSecond: number | null;
  readonly operationsPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly writeCalls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Cores that all servers used together. */
  readonly coresUsed: number;
  /** Share of the operations that another node was asked for. */
  readonly forwardedShare: number;
  readonly generatorCoresUsed: number;
  readonly latenessP99Ms: number;
  /** Sums over all turns, as one of these is one too many. */
  readonly failures: number;
  readonly waiting: number;
  readonly firstFailure: string | null;
}

/** The middle, which one disturbed turn does not move. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

export function rowOf({ system, work, perSecond, rounds }: Measurement): Row {
  const middle = (of: (result: LoadResult) => number): number => median(rounds.map(of));
  const sum = (of: (result: LoadResult) => number): number =>
    rounds.reduce((all, result) => all + of(result), 0);
  return {
    system,
    work,
    perSecond,
    operationsPerSecond: middle((result) => result.operationsPerSecond),
    cpuMicroseconds: middle((result) => result.cpuMicrosecondsPerOperation),
    writeCalls: middle((result) => result.writeCallsPerOperation),
    p50Ms: middle((result) => result.p50Ms),
    p99Ms: middle((result) => result.p99Ms),
    p999Ms: middle((result) => result.p999Ms),
    coresUsed: middle(({ coresUsed }) => coresUsed.reduce((all, one) => all + one, 0)),
    forwardedShare: sum((result) => result.forwarded) / sum((result) => result.operations),
    generatorCoresUsed: middle((result) => result.generatorCoresUsed),
    latenessP99Ms: middle((result) => result.latenessP99Ms),
    failures: sum((result) => result.failures),
    waiting: sum((result) => result.waiting),
    firstFailure: rounds.find(({ firstFailure }) => firstFailure !== null)?.firstFailure ?? null,
  };
}
