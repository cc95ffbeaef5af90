/**
 * Asks again and again: at a steady pace while answers come and someone looks, ever more rarely
 * while they fail, not at all while the page is hidden. One request is under way at most.
 */

import { ApiError } from "./api.js";

const INTERVAL_MS = 1_500;
const BACK_OFF_MAX_MS = 12_000;

/**
 * @param {() => Promise<void>} ask
 * @param {(error: unknown, retryAt: number) => void} onFailure told when it will ask again
 * @returns {{now: () => void}} `now` asks at once, unless a request is under way
 */
export function poll(ask, onFailure) {
  let failures = 0;
  let timer = 0;
  let asking = false;

  /** @param {number} delayMs */
  const schedule = (delayMs) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(step, delayMs);
  };

  const step = async () => {
    if (asking || document.hidden) return;
    asking = true;
    window.clearTimeout(timer);
    try {
      await ask();
      failures = 0;
      schedule(INTERVAL_MS);
    } catch (error) {
      // A node that answers, if only to say that it cannot serve yet, may soon be able to.
      const answers = error instanceof ApiError && error.status !== 0;
      failures = answers ? 1 : failures + 1;
      const delayMs = Math.min(BACK_OFF_MAX_MS, INTERVAL_MS * 2 ** (failures - 1));
      schedule(delayMs);
      onFailure(error, Date.now() + delayMs);
    } finally {
      asking = false;
    }
  };

  document.addEventListener("visibilitychange", () => void step());
  void step();
  return { now: () => void step() };
}
