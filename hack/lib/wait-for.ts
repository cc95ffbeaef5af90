/**
 * Waits for a state instead of sleeping: asks again until the answer is yes or the time is over.
 */
import { setTimeout as delay } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Pause between two questions; default 250 ms. */
  readonly intervalMs?: number;
}

/**
 * Resolves with the first answer of `probe` that is neither undefined nor false.
 * A probe that throws counts as "not yet"; its last error becomes the cause of the timeout.
 */
export async function waitFor<T>(
  description: string,
  probe: () => Promise<T | undefined | false>,
  options: WaitOptions,
): Promise<T> {
  const deadlineMs = Date.now() + options.timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() >= deadlineMs) break;
    await delay(options.intervalMs ?? 250);
  }
  const reason = lastError instanceof Error ? ` (${lastError.message})` : "";
  const waited = Math.round(options.timeoutMs / 1_000);
  throw new Error(`${description}: not so after ${waited} s${reason}`, { cause: lastError });
}
