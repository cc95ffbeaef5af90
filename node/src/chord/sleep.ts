import type { Clock } from "./ports.ts";

/** Resolves when so many milliseconds have passed on the clock, on which time may be virtual. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
