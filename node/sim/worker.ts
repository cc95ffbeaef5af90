/**
 * Runs seeds on a thread of its own. With a mutant, the production file is changed in memory before
 * anything is loaded, so the whole thread lives with the broken protocol.
 */
import { registerHooks } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { type Mutant, mutants } from "./mutants.ts";
import type { FaultRates } from "./plan.ts";

export interface WorkerOptions {
  readonly mutant: string | null;
  readonly rates: FaultRates;
}

/** Refusals and timeouts are the daily bread here; their stacks, read by nobody, cost a tenth. */
Error.stackTraceLimit = 0;

const { mutant, rates } = workerData as WorkerOptions;
if (mutant !== null) breakProtocol(mutant);
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

function breakProtocol(name: string): void {
  const broken = mutants.find((candidate) => candidate.name === name);
  if (broken === undefined) throw new Error(`There is no mutant ${name}`);
  const suffix = `/src/chord/${broken.file}`;
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(suffix) || loaded.source == null) return loaded;
      return { ...loaded, source: edited(sourceText(loaded.source), broken) };
    },
  });
}

function sourceText(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}

function edited(source: string, { name, from, to, file }: Mutant): string {
  if (source.split(from).length !== 2) {
    throw new Error(`Mutant ${name}: its text is not there exactly once in ${file}`);
  }
  return source.replace(from, () => to);
}
