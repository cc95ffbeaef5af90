/**
 * Waiting for states, never for seconds: every wait is bounded, and one that ends in vain shows
 * the last state that was seen.
 */
import { setTimeout as delay } from "node:timers/promises";

export const secondMs = 1_000;
export const minuteMs = 60_000;

const INTERVAL_MS = 250;

/**
 * Looks again and again until `look` no longer throws, and answers what it answered. What it threw
 * last, usually an assertion on the state it saw, is the reason given when time is over.
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => Promise<T>,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await look();
    } catch (cause) {
      if (Date.now() >= deadlineMs) throw notSo(what, withinMs, cause);
    }
    await delay(INTERVAL_MS);
  }
}

function notSo(what: string, withinMs: number, cause: unknown): Error {
  const seen = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${what}: not so within ${withinMs / secondMs} s; last seen: ${seen}`, {
    cause,
  });
}

/** Looks every so often for `durationMs`, and fails as soon as `look` throws. */
export async function throughout(durationMs: number, look: () => Promise<void>): Promise<void> {
  const endMs = Date.now() + durationMs;
  for (;;) {
    await look();
    if (Date.now() >= endMs) return;
    await delay(Math.min(5 * secondMs, Math.max(0, endMs - Date.now())));
  }
}

/** A pause between two requests of a load; tests themselves wait for states. */
export async function pause(durationMs: number): Promise<void> {
  await delay(durationMs);
}
