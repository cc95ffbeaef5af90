/** Waiting and jitter: the few lines of timing that the whole runtime shares. */
import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

const RANDOM_STEPS = 1_000_000;

/** `ms` spread evenly over ±`fraction`, so that many timers do not fire together. */
export function jittered(ms: number, fraction: number): number {
  const spread = (randomInt(RANDOM_STEPS) / RANDOM_STEPS) * 2 - 1;
  return ms * (1 + spread * fraction);
}

/** The wait before attempt `failures + 1`: doubling from `baseMs`, at most `maxMs`, jittered. */
export function backoffMs(failures: number, baseMs: number, maxMs: number): number {
  const exponent = Math.min(Math.max(failures - 1, 0), 30);
  return jittered(Math.min(baseMs * 2 ** exponent, maxMs), 0.2);
}

/** Waits; ends early, without an error, when `signal` fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
