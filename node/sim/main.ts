/** `make sim`: replays one seed with its transcript, or runs many with a progress line. */
import { parseArgs } from "node:util";
import { type RunResult, simulate } from "./run.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, seeds: { type: "string", default: "1..200" } },
});

process.exitCode = values.seed === undefined ? await many(values.seeds) : await one(values.seed);

async function one(seed: string): Promise<number> {
  const result = await simulate(Number(seed));
  console.log(result.transcript.join("\n"));
  console.log(result.failure ?? `seed ${seed} held: ${describe([result])}`);
  return result.failure === null ? 0 : 1;
}

async function many(range: string): Promise<number> {
  const [first = 1, last = first] = range.split("..").map(Number);
  if (!(first <= last)) {
    console.error(`--seeds takes a range such as 1..200, not ${range}`);
    return 64;
  }
  const results: RunResult[] = [];
  let shownMs = 0;
  for (let seed = first; seed <= last; seed++) {
    const result = await simulate(seed);
    results.push(result);
    if (result.failure !== null) report(result);
    if (Date.now() - shownMs < 1000) continue;
    shownMs = Date.now();
    console.error(`simulated ${results.length} of ${last - first + 1} seeds`);
  }
  const failed = results.filter((result) => result.failure !== null).length;
  console.log(describe(results));
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function report(result: RunResult): void {
  console.log(`seed ${result.seed} failed: ${result.failure}`);
  console.log(`replay: make sim SEED=${result.seed}`);
}

function describe(results: readonly RunResult[]): string {
  const events = results.reduce((sum, result) => sum + result.events, 0);
  const hours = results.reduce((sum, result) => sum + result.simulatedMs, 0) / 3_600_000;
  const worstMs = Math.max(...results.map((result) => result.convergedMs));
  return (
    `${events} events, ${hours.toFixed(1)} simulated hours, ` +
    `slowest convergence ${(worstMs / 1000).toFixed(1)} s`
  );
}
