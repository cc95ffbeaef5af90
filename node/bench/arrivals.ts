/**
 * The schedule of an open loop: requests arrive at fixed times, whether or not earlier ones have
 * been answered. A latency counts from the scheduled time, so that waiting for a free connection
 * is part of it; else a server that stands still would delay the requests that would show it.
 */
export class Arrivals {
  readonly #startMs: number;
  readonly #intervalMs: number;
  #taken = 0;

  constructor(startMs: number, perSecond: number) {
    this.#startMs = startMs;
    this.#intervalMs = 1_000 / perSecond;
  }

  /** The scheduled time of the next request; undefined when it lies in the future. */
  take(nowMs: number): number | undefined {
    // From the number, not from the time before, or rounding errors would add up.
    const scheduledMs = this.#startMs + this.#taken * this.#intervalMs;
    if (scheduledMs > nowMs) return undefined;
    this.#taken += 1;
    return scheduledMs;
  }

  /** Requests that are due and not taken yet. */
  waiting(nowMs: number): number {
    const due = Math.floor((nowMs - this.#startMs) / this.#intervalMs) + 1;
    return Math.max(0, due - this.#taken);
  }
}
