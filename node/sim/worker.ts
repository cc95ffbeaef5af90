/**
 * Runs seeds on a thread of its own. With a mutant, the production file is changed in memory before
 * anything is loaded, so the whole thread lives with the broken protocol.
 */
import { parentPort, workerData } from "node:worker_threads";
import { applyMutant } from "./breakage.ts";
import { mutants } from "./mutants.ts";
import type { FaultRates } from "./plan.ts";

export interface WorkerOptions {
  readonly mutant: string | null;
  readonly rates: FaultRates;
}

/** Refusals and timeouts are the daily bread here; their stacks, read by nobody, cost a tenth. */
Error.stackTraceLimit = 0;

const { mutant, rates } = workerData as WorkerOptions;
if (mutant !== null) applyMutant(mutants, mutant, "src/chord");
const { live } = await import("./life.ts");
const { planOf } = await import("./plan.ts");

parentPort?.on("message", (seeds: readonly number[]) => {
  void run(seeds);
});

async function run(seeds: readonly number[]): Promise<void> {
  for (const seed of seeds) {
    const result = await live(planOf(seed, rates), { recording: false });
    parentPort?.postMessage(result);
  }
}
