/**
 * Counts of test cases, and how they travel: as the line `N passed, N failed`,
 * which a program prints last or leaves in a file.
 */
import { readFileSync, writeFileSync } from "node:fs";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export const noCases: Tally = { passed: 0, failed: 0 };

export function addTallies(left: Tally, right: Tally): Tally {
  return { passed: left.passed + right.passed, failed: left.failed + right.failed };
}

/** The one line that people and CI look for. */
export function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed`;
}

/** The last such line of a text, or undefined when it has none. */
export function parseTally(text: string): Tally | undefined {
  const last = [...text.matchAll(/^\s*(\d+) passed, (\d+) failed\s*$/gm)].at(-1);
  return last === undefined ? undefined : { passed: Number(last[1]), failed: Number(last[2]) };
}

export function writeTally(path: string, tally: Tally): void {
  writeFileSync(path, tallyLine(tally));
}

/** What a finished stage left at `path`, or undefined when it never got so far. */
export function readTally(path: string): Tally | undefined {
  try {
    return parseTally(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
