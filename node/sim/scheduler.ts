/**
 * Virtual time: a heap of events, run one after the other. Between two events all promises that
 * the first one resolved are carried through, so the order of everything follows from the seed.
 */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../src/chord/index.ts";

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  /** Null once it was cancelled. */
  callback: (() => void) | null;
}

interface Until {
  readonly condition: () => boolean;
  readonly endMs: number;
  /** When the condition is looked at next. */
  checkMs: number;
}

/** Events after which the real event loop gets its turn: for progress lines and signals. */
const burst = 512;

export class Scheduler implements Clock {
  #nowMs = 0;
  #sequence = 0;
  readonly #heap: Event[] = [];
  /** Events run so far: messages that arrived and timers that fired; cancelled ones not. */
  count = 0;
  /** Called after each event, with everything it caused done. */
  onSettled: () => void = () => {};
  #failure: Error | null = null;

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const event: Event = {
      atMs: this.#nowMs + Math.max(0, ms),
      sequence: this.#sequence++,
      callback,
    };
    this.#push(event);
    return () => {
      event.callback = null;
    };
  }

  /** Ends the run with this error: for checks in code that nobody awaits. */
  fail(error: Error): void {
    this.#failure ??= error;
  }

  /** Lets Node report rejections that nobody handled, as it does once a turn; then rejects too. */
  async rejections(): Promise<void> {
    await setImmediate();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Runs everything that is due within the next `ms`. */
  async run(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /** Runs until the condition holds; false when `ms` passed before. Checked every 50 ms. */
  async runUntil(condition: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.#nowMs + ms;
    const until = { condition, endMs, checkMs: this.#nowMs };
    for (;;) {
      const ended = await this.#burst(until);
      if (ended !== null) return ended;
      await setImmediate();
    }
  }

  /**
   * One event a turn: Node runs a tick's callback only when no promise job is left, and a tick
   * asked for by a promise job waits for all jobs behind it. That is far cheaper than a turn of
   * the event loop for each event.
   */
  #burst(until: Until): Promise<boolean | null> {
    return new Promise((resolve, reject) => {
      let left = burst;
      const turn = (): void => {
        try {
          if (left < burst) this.onSettled();
          if (this.#failure !== null) throw this.#failure;
          const ended = left === 0 ? null : this.#step(until);
          if (left === 0 || ended !== undefined) {
            resolve(ended ?? null);
            return;
          }
          left -= 1;
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          return;
        }
        queueMicrotask(next);
      };
      const next = (): void => process.nextTick(turn);
      queueMicrotask(next);
    });
  }

  /** Runs the next event; gives whether the condition held once the time or the wait is over. */
  #step(until: Until): boolean | undefined {
    const event = this.#next();
    const nextMs = event?.atMs ?? Number.POSITIVE_INFINITY;
    while (until.checkMs <= Math.min(nextMs, until.endMs)) {
      this.#nowMs = Math.max(this.#nowMs, until.checkMs);
      if (until.condition()) return true;
      until.checkMs += 50;
    }
    if (event === undefined || nextMs > until.endMs) {
      this.#nowMs = until.endMs;
      return until.condition();
    }
    this.#pop();
    this.#nowMs = nextMs;
    this.count += 1;
    event.callback?.();
    return undefined;
  }

  /** The earliest event that was not cancelled. */
  #next(): Event | undefined {
    for (;;) {
      const event = this.#heap[0];
      if (event === undefined || event.callback !== null) return event;
      this.#pop();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!earlier(event, heap[parent] as Event)) break;
      heap[index] = heap[parent] as Event;
      index = parent;
    }
    heap[index] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, heap[child] as Event)) child += 1;
      if (!earlier(heap[child] as Event, last)) break;
      heap[index] = heap[child] as Event;
      index = child;
    }
    heap[index] = last;
  }
}

function earlier(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}
