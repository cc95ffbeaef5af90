/**
 * A wrong clock for one process, by libfaketime: it starts `offsetSeconds` off and then runs at
 * `rate` times the true speed, the monotonic clock and the timers too.
 */
import { globSync } from "node:fs";
import { ensureDebianPrograms } from "../cluster/debian-packages.ts";

/** Looked for anew each time, as it may be installed meanwhile. */
function library(): string | undefined {
  // The variant for programs with threads.
  return globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")[0];
}

export function canSkewClocks(): boolean {
  return library() !== undefined;
}

/** Makes sure that clocks can be skewed; to be called before `liveOptions` decides on faults. */
export async function ensureSkewedClocks(): Promise<void> {
  // The library may be there without the program of its package.
  if (!canSkewClocks()) await ensureDebianPrograms(["faketime"]);
}

/** The variables to start a program with. */
export function skewedClock(offsetSeconds: number, rate: number): Record<string, string> {
  const path = library();
  if (path === undefined) {
    throw new Error("clocks are skewed by libfaketime: install the package faketime");
  }
  const sign = offsetSeconds < 0 ? "-" : "+";
  const text = `${sign}${Math.abs(offsetSeconds)}s x${rate.toFixed(2)}`;
  return { LD_PRELOAD: path, FAKETIME: text };
}
