/** What the simulators' command lines have in common: seeds, ranges of them, rates of faults. */
import { randomInt } from "node:crypto";

export class UsageError extends Error {}

/** Runs a program whose result is its exit code; wrong usage is 64. */
export async function runMain(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    process.exitCode = 64;
  }
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${text} is not a whole number`);
  return Number(text);
}

export function rangeOf(text: string): [number, number] {
  const [first, last = first] = text.split("..").map((part) => wholeNumber(part));
  if (first === undefined || last === undefined || first > last) {
    throw new UsageError(`--seeds takes a range such as 1..200, not ${text}`);
  }
  return [first, last];
}

/** New seeds for each run, far from the fixed ones; they are printed, so that they can be rerun. */
export function freshRange(count: number): [number, number] {
  const first = randomInt(1_000_000, 2 ** 40);
  return [first, first + count - 1];
}

export interface SeedWords {
  readonly seeds?: string | undefined;
  readonly fixed: boolean;
  readonly fresh?: string | undefined;
}

/** The ranges that were asked for; the first 200 seeds without a word. */
export function rangesOf(words: SeedWords, fixedSeedCount: number): [number, number][] {
  const ranges: [number, number][] = [];
  if (words.seeds !== undefined) ranges.push(rangeOf(words.seeds));
  if (words.fixed) ranges.push([1, fixedSeedCount]);
  if (words.fresh !== undefined) ranges.push(freshRange(wholeNumber(words.fresh)));
  return ranges.length > 0 ? ranges : [[1, 200]];
}

/** How often each kind of fault is drawn: `cut=5,loss=0` beside the defaults. */
export function ratesOf<Kind extends string>(
  text: string,
  defaults: Readonly<Record<Kind, number>>,
): Readonly<Record<Kind, number>> {
  const rates: Record<string, number> = { ...defaults };
  for (const part of text.split(",").filter((entry) => entry !== "")) {
    const [kind = "", rate = ""] = part.split("=");
    if (!(kind in defaults) || !/^\d+(\.\d+)?$/.test(rate)) {
      const known = Object.keys(defaults).join(", ");
      throw new UsageError(`--rates takes kind=number,…; not ${part}. Kinds: ${known}`);
    }
    rates[kind] = Number(rate);
  }
  return rates as Record<Kind, number>;
}
