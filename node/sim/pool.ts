/** Runs many seeds on all cores, each as a life of its own, and hands over every result. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
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

export interface ThreadOptions<Result> {
  /** The program of each thread: it gets seeds as messages, and answers each with a result. */
  readonly program: URL;
  readonly workerData: unknown;
  readonly workers: number | undefined;
  /** Called with each result, in no particular order. True ends the whole run. */
  readonly onResult: (result: Result) => boolean;
}

/** Seeds handed out at once: few, so that the last ones are shared evenly. */
const batchSize = 8;

export async function runSeeds(seeds: Iterable<number>, options: PoolOptions): Promise<void> {
  const workerData: WorkerOptions = {
    mutant: options.mutant ?? null,
    rates: options.rates ?? defaultRates,
  };
  const program = new URL("./worker.ts", import.meta.url);
  const { workers, onResult } = options;
  await runThreads(seeds, { program, workerData, workers, onResult });
}

export async function runThreads<Result>(
  seeds: Iterable<number>,
  options: ThreadOptions<Result>,
): Promise<void> {
  const queue = seeds[Symbol.iterator]();
  const count = options.workers ?? availableParallelism();
  let ended = false;
  const runWorker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(options.program, {
        workerData: options.workerData,
        // A life leaves nearly nothing behind: with room for the young, few are looked at twice.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      });
      let pending = 0;
      const next = (): void => {
        const batch = ended ? [] : take(queue, batchSize);
        pending = batch.length;
        if (batch.length > 0) worker.postMessage(batch);
        else void worker.terminate().then(() => resolve());
      };
      worker.on("error", reject);
      worker.on("message", (result: Result) => {
        pending -= 1;
        if (!ended) ended = options.onResult(result);
        if (pending === 0 || ended) next();
      });
      next();
    });
  await Promise.all(Array.from({ length: count }, runWorker));
}

function take(queue: Iterator<number>, count: number): number[] {
  const batch: number[] = [];
  while (batch.length < count) {
    const next = queue.next();
    if (next.done === true) break;
    batch.push(next.value);
  }
  return batch;
}

/** The whole numbers from first to last. */
export function* range(first: number, last: number): Iterable<number> {
  for (let seed = first; seed <= last; seed++) yield seed;
}
