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
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { faultKinds } from "./faults.ts";
import { live, type LifeResult } from "./life.ts";
import { huntMutants } from "./mutant-table.ts";
import { defaultRates, type FaultRates, fixedSeedCount, planOf } from "./plan.ts";
import { range, runSeeds } from "./pool.ts";
import { add, describe, describeFailure, describePlan, emptySummary } from "./report.ts";

/** Failing seeds whose faults are cut down; the others are only named. */
const describedCountMax = 3;
const failureCountMax = 20;

class UsageError extends Error {}

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

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 64;
}

async function main(): Promise<number> {
  const rates = ratesOf(values.rates);
  if (values.mutants) return await huntMutants({ write: values.write });
  if (values.seed !== undefined) return await one(wholeNumber(values.seed), rates);
  const ranges: [number, number][] = [];
  if (values.seeds !== undefined) ranges.push(rangeOf(values.seeds));
  if (values.fixed) ranges.push([1, fixedSeedCount]);
  if (values.fresh !== undefined) ranges.push(freshRange(wholeNumber(values.fresh)));
  if (ranges.length === 0) ranges.push([1, 200]);
  return await many(ranges, rates);
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

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${text} is not a whole number`);
  return Number(text);
}

function rangeOf(text: string): [number, number] {
  const [first, last = first] = text.split("..").map((part) => wholeNumber(part));
  if (first === undefined || last === undefined || first > last) {
    throw new UsageError(`--seeds takes a range such as 1..200, not ${text}`);
  }
  return [first, last];
}

/** New seeds for each run, far from the fixed ones; they are printed, so that they can be rerun. */
function freshRange(count: number): [number, number] {
  const first = randomInt(1_000_000, 2 ** 40);
  return [first, first + count - 1];
}

function ratesOf(text: string): FaultRates {
  const rates: Record<string, number> = { ...defaultRates };
  for (const part of text.split(",").filter((entry) => entry !== "")) {
    const [kind = "", rate = ""] = part.split("=");
    if (!(kind in faultKinds) || !/^\d+(\.\d+)?$/.test(rate)) {
      const known = Object.keys(faultKinds).join(", ");
      throw new UsageError(`--rates takes kind=number,…; not ${part}. Kinds: ${known}`);
    }
    rates[kind] = Number(rate);
  }
  return rates as FaultRates;
}
