/** Real time behind the Clock port: monotonic, so a corrected wall clock moves no timeout. */
import type { Clock } from "../chord/ports.ts";

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    // The listening sockets keep the process alive; maintenance timers must not.
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The host's time of day, in whole milliseconds since the epoch. */
export const systemWallClock = { now: (): number => Date.now() };
