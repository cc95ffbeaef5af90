/**
 * A task that runs again and again: first after a random part of the interval, then at 50 % to
 * 150 % of it, so that nodes that start together do not stay in step. Never two runs at once.
 */
import type { Clock, Random } from "./ports.ts";

export class Periodic {
  readonly #ports: { readonly clock: Clock; readonly random: Random };
  readonly #intervalMs: number;
  readonly #task: () => Promise<void>;
  #cancel: (() => void) | null = null;
  #dueMs = Number.POSITIVE_INFINITY;
  #running = false;
  #stopped = true;
  #soonMs: number | null = null;

  constructor(
    ports: { readonly clock: Clock; readonly random: Random },
    intervalMs: number,
    task: () => Promise<void>,
  ) {
    this.#ports = ports;
    this.#intervalMs = intervalMs;
    this.#task = task;
  }

  start(): void {
    this.#stopped = false;
    this.#schedule(this.#intervalMs * this.#ports.random.next());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Brings the next run forward to at most `ms` from now; after the current run if one is on. */
  soon(ms: number): void {
    if (this.#stopped) return;
    if (this.#running) {
      this.#soonMs = Math.min(this.#soonMs ?? ms, ms);
      return;
    }
    if (this.#dueMs - this.#ports.clock.now() > ms) this.#schedule(ms);
  }

  #schedule(ms: number): void {
    this.#cancel?.();
    this.#dueMs = this.#ports.clock.now() + ms;
    this.#cancel = this.#ports.clock.after(ms, () => void this.#run());
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      await this.#task();
    } finally {
      this.#running = false;
      const regularMs = this.#intervalMs * (0.5 + this.#ports.random.next());
      const nextMs = Math.min(this.#soonMs ?? regularMs, regularMs);
      this.#soonMs = null;
      if (!this.#stopped) this.#schedule(nextMs);
    }
  }
}
