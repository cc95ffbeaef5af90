/** Runs many seeds of the data layer on all cores, and hands over every result. */
import { runThreads } from "../pool.ts";
import type { LifeResult } from "./life.ts";
import { defaultRates, type FaultRates } from "./plan.ts";
import type { WorkerOptions } from "./worker.ts";

export interface PoolOptions {
  readonly mutant?: string;
  readonly rates?: FaultRates;
  readonly workers?: number;
  /** Called with each result, in no particular order. True ends the whole run. */
  readonly onResult: (result: LifeResult) => boolean;
}

export async function runSeeds(seeds: Iterable<number>, options: PoolOptions): Promise<void> {
  const workerData: WorkerOptions = {
    mutant: options.mutant ?? null,
    rates: options.rates ?? defaultRates,
  };
  const program = new URL("./worker.ts", import.meta.url);
  const { workers, onResult } = options;
  await runThreads(seeds, { program, workerData, workers, onResult });
}
