/** Waiting for a state of the world, the only way these tests wait. */
import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 5;
const LIMIT_MS = 8_000;

/**
 * Waits until `holds` is true, or resolves with true; fails with `what` when it does not become
 * true in time.
 */
export async function until(what: string, holds: () => unknown, limitMs = LIMIT_MS): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`did not come about within ${limitMs} ms: ${what}`);
    await delay(STEP_MS);
  }
}
