/**
 * `make sim`: lives of rings in virtual time.
 *
 *   --seed 7             one life, its whole transcript; if it fails, its smallest faults too
 *   --seeds 1..200       many, on all cores
 *   --fixed              those that make test always runs, and on which each mutant dies
 *   --fresh 2000         as many new ones, after a number drawn now
 *   --rates cut=5,hostile=0   how often each kind of fault is drawn
 *   --mutants [--write]  every breakage must die; --write puts the table into docs/simulation.md
 */
import { parseArgs } from "node:util";
import { rangesOf, ratesOf, runMain, wholeNumber } from "./arguments.ts";
import { live, type LifeResult } from "./life.ts";
import { type Hunt, huntMutants } from "./mutant-table.ts";
import { mutants } from "./mutants.ts";
import { defaultRates, type FaultRates, fixedSeedCount, planOf } from "./plan.ts";
import { range, runSeeds } from "./pool.ts";
import { add, describe, describeFailure, describePlan, emptySummary } from "./report.ts";
import { tables } from "./simulation-page.ts";

const hunt: Hunt = {
  mutants,
  seedCount: fixedSeedCount,
  run: (mutant, onResult) => runSeeds(range(1, fixedSeedCount), { mutant, workers: 1, onResult }),
  tables,
};

/** Failing seeds whose faults are cut down; the others are only named. */
const describedCountMax = 3;
const failureCountMax = 20;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    fixed: { type: "boolean", default: false },
    fresh: { type: "string" },
    rates: { type: "string", default: "" },
    mutants: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

await runMain(main);

async function main(): Promise<number> {
  const rates = ratesOf(values.rates, defaultRates);
  if (values.mutants) return await huntMutants(hunt, { write: values.write });
  if (values.seed !== undefined) return await one(wholeNumber(values.seed), rates);
  return await many(rangesOf(values, fixedSeedCount), rates);
}

async function one(seed: number, rates: FaultRates): Promise<number> {
  const plan = planOf(seed, rates);
  const result = await live(plan, { recording: true });
  console.log([...describePlan(plan), ...result.transcript].join("\n"));
  if (result.failure !== null) console.log(await describeFailure(result));
  else console.log(`seed ${seed} held: ${describe(add(emptySummary, result))}`);
  return result.failure === null ? 0 : 1;
}

async function many(ranges: readonly [number, number][], rates: FaultRates): Promise<number> {
  const total = ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const failed: LifeResult[] = [];
  let summary = emptySummary;
  let shownMs = Date.now();
  const onResult = (result: LifeResult): boolean => {
    summary = add(summary, result);
    if (result.failure !== null) {
      failed.push(result);
      console.log(`seed ${result.plan.seed} broke ${result.failure.problem}`);
    }
    if (Date.now() - shownMs >= 2000) {
      shownMs = Date.now();
      console.error(`simulated ${summary.lives} of ${total} lives, ${summary.failed} failed`);
    }
    return failed.length >= failureCountMax;
  };
  for (const [first, last] of ranges) {
    console.log(`seeds ${first}..${last}`);
    await runSeeds(range(first, last), { rates, onResult });
  }
  failed.sort((a, b) => a.plan.seed - b.plan.seed);
  for (const result of failed.slice(0, describedCountMax)) {
    console.log(await describeFailure(result));
  }
  console.log(describe(summary));
  console.log(`${summary.lives - summary.failed} passed, ${summary.failed} failed`);
  return summary.failed === 0 ? 0 : 1;
}
