/**
 * A wrong clock for one process, by libfaketime: it starts `offsetSeconds` off and then runs at
 * `rate` times the true speed, the monotonic clock and the timers too.
 */
import { globSync } from "node:fs";

/** The variant for programs with threads. */
const library = globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")[0];

export const canSkewClocks: boolean = library !== undefined;

/** The variables to start a program with. */
export function skewedClock(offsetSeconds: number, rate: number): Record<string, string> {
  if (library === undefined) {
    throw new Error("clocks are skewed by libfaketime: install the package libfaketime");
  }
  const sign = offsetSeconds < 0 ? "-" : "+";
  const text = `${sign}${Math.abs(offsetSeconds)}s x${rate.toFixed(2)}`;
  return { LD_PRELOAD: library, FAKETIME: text };
}
