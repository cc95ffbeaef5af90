/**
 * How fast a leader has records moved: as fast as its clients hardly notice.
 *
 * Operations of clients are timed in windows. How long they take while nothing moves is the
 * measure: while they take not much longer than that the rate rises window by window. Where they do
 * it is halved, whatever the reason: the processor, the disk, the network, more clients, or moving.
 * That is how TCP finds the rate of a way that it shares (AIMD; with a measure of delay as in
 * LEDBAT, RFC 6817). Without clients there is nobody to give way to, and no limit.
 *
 * There is a least rate, so that moving comes to its end under any load; it is higher where copies
 * are missing, as one loss more may be one too many.
 */
import type { Clock } from "../chord/ports.ts";
import { sleep } from "../chord/sleep.ts";

/** Why records move: copies are missing, or shall only be elsewhere. */
export type MoveReason = "mending" | "placing";

const WINDOW_MS = 500;
/** Operations in a window without which it tells nothing. */
const FEW = 5;
/** So many times as long as in calm windows operations may take. */
const TOLERATED = 1.5;
/** What one calm window changes of the measure. */
const LEARNED = 0.1;
const RISE = 1.25;
const FALL = 0.5;
/** Records a second. */
const LEAST: Readonly<Record<MoveReason, number>> = { placing: 100, mending: 1_000 };
const MOST = 100_000;
/** Records asked for at once are those of so long, and not fewer or more than that. */
const ASKED_MS = 250;
const ASKED_MIN = 8;
const ASKED_MAX = 10_000;

export class Pace {
  readonly #clock: Clock;
  /** Operations under way. */
  #serving = 0;
  #window = { sinceMs: 0, count: 0, sumMs: 0, moved: false };
  /** Mean time of an operation while nothing moves; null until that was seen. */
  #calmMs: number | null = null;
  /** Records a second; null without clients. */
  #rate: number | null = null;
  #freeMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#window.sinceMs = clock.now();
  }

  /** Carries out a client's operation, and takes its time if it succeeds. */
  async serve<T>(operation: () => Promise<T>): Promise<T> {
    this.#look();
    const startedMs = this.#clock.now();
    this.#serving += 1;
    try {
      const outcome = await operation();
      this.#window.count += 1;
      this.#window.sumMs += this.#clock.now() - startedMs;
      return outcome;
    } finally {
      this.#serving -= 1;
    }
  }

  /** Whether somebody has to be given way to. */
  get busy(): boolean {
    this.#look();
    return this.#rate !== null;
  }

  /** How many records to ask for next. */
  asked(reason: MoveReason): number {
    const rate = this.#rateFor(reason);
    if (rate === null) return ASKED_MAX;
    return Math.min(ASKED_MAX, Math.max(ASKED_MIN, Math.round((rate * ASKED_MS) / 1_000)));
  }

  /** So many records were moved. Resolves when the next may be. */
  async moved(records: number, reason: MoveReason): Promise<void> {
    const rate = this.#rateFor(reason);
    this.#window.moved ||= records > 0;
    if (rate === null) return;
    const nowMs = this.#clock.now();
    // What several moves do at the same time is followed by the waits of all, one after the other.
    this.#freeMs = Math.max(this.#freeMs, nowMs) + (1_000 * records) / rate;
    const waitMs = this.#freeMs - nowMs;
    if (waitMs >= 1) await sleep(this.#clock, waitMs);
  }

  #rateFor(reason: MoveReason): number | null {
    this.#look();
    return this.#rate === null ? null : Math.max(this.#rate, LEAST[reason]);
  }

  /** Draws what there is to learn from a window that is over. */
  #look(): void {
    const nowMs = this.#clock.now();
    const { sinceMs, count, sumMs, moved } = this.#window;
    const lastedMs = nowMs - sinceMs;
    if (lastedMs < WINDOW_MS) return;
    this.#window = { sinceMs: nowMs, count: 0, sumMs: 0, moved: false };
    if (count >= FEW) this.#learn(sumMs / count, moved);
    // Who waits and gets nothing is not absent.
    else if (this.#serving > 0) this.#learn(lastedMs, moved);
    else this.#rate = null;
  }

  #learn(meanMs: number, moved: boolean): void {
    if (!moved) {
      this.#calmMs = meanMs * LEARNED + (this.#calmMs ?? meanMs) * (1 - LEARNED);
    }
    if (this.#rate === null) this.#rate = LEAST.placing;
    if (!moved) return;
    this.#calmMs ??= meanMs;
    const factor = meanMs > TOLERATED * this.#calmMs ? FALL : RISE;
    this.#rate = Math.min(MOST, Math.max(LEAST.placing, this.#rate * factor));
  }
}
