/**
 * Virtual time: a heap of events, run one after the other. Between two events all promises that
 * the first one resolved are carried through, so the order of everything follows from the seed.
 */
import { setImmediate } from "node:timers/promises";
import type { Clock } from "../src/chord/index.ts";

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly callback: () => void;
  cancelled: boolean;
}

export class Scheduler implements Clock {
  #nowMs = 0;
  #sequence = 0;
  readonly #heap: Event[] = [];
  /** Events run so far. */
  count = 0;
  /** Called after each event, with everything it caused done. */
  onSettled: () => void = () => {};

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, callback: () => void): () => void {
    const atMs = this.#nowMs + Math.max(0, ms);
    const event: Event = { atMs, sequence: this.#sequence++, callback, cancelled: false };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Runs everything that is due within the next `ms`. */
  async run(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /** Runs until the condition holds; false when `ms` passed before. Checked every 50 ms. */
  async runUntil(condition: () => boolean, ms: number): Promise<boolean> {
    const endMs = this.#nowMs + ms;
    let checkMs = this.#nowMs;
    await setImmediate();
    for (;;) {
      const event = this.#heap[0];
      const nextMs = event?.atMs ?? Number.POSITIVE_INFINITY;
      while (checkMs <= Math.min(nextMs, endMs)) {
        this.#nowMs = Math.max(this.#nowMs, checkMs);
        if (condition()) return true;
        checkMs += 50;
      }
      if (event === undefined || nextMs > endMs) break;
      this.#pop();
      if (event.cancelled) continue;
      this.#nowMs = nextMs;
      event.callback();
      this.count += 1;
      await setImmediate();
      this.onSettled();
    }
    this.#nowMs = endMs;
    return condition();
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
