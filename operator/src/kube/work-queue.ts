/**
 * The queue of rings that need a look.
 *
 * Invariants: a key waits at most once, however often it is added; a key is never worked on twice
 * at the same time; a key added while it is worked on is worked on once more. A key that fails
 * waits longer each time, and no other key waits with it.
 */
import type { Logger } from "pino";
import { backoffMs } from "./timing.ts";

/** Works on one key; returns after how many milliseconds to look again, or undefined for never. */
export type Work = (key: string) => Promise<number | undefined>;

export interface WorkQueueOptions {
  work: Work;
  workers: number;
  log: Logger;
  onDepth?: (depth: number) => void;
  backoffBaseMs?: number;
  backoffMaxMs?: number;
}

interface Entry {
  state: "idle" | "ready" | "running";
  /** Added again while running. */
  again: boolean;
  failures: number;
  timer: NodeJS.Timeout | undefined;
  dueMs: number;
}

export class WorkQueue {
  readonly #options: Required<WorkQueueOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: string[] = [];
  readonly #running = new Set<Promise<void>>();
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = {
      onDepth: () => undefined,
      backoffBaseMs: 250,
      backoffMaxMs: 15_000,
      ...options,
    };
  }

  /** Keys that wait for a worker now. */
  get depth(): number {
    return this.#ready.length;
  }

  /** Asks for a look at `key` after `delayMs`; an earlier request that stands already wins. */
  add(key: string, delayMs = 0): void {
    if (this.#stopped) return;
    const entry = this.#entry(key);
    if (entry.state === "ready") return;
    if (delayMs > 0) {
      this.#schedule(key, entry, delayMs);
    } else if (entry.state === "running") {
      entry.again = true;
    } else {
      this.#enqueue(key, entry);
    }
  }

  /** Takes no more work and waits for the work at hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const entry of this.#entries.values()) clearTimeout(entry.timer);
    this.#ready.length = 0;
    await Promise.all(this.#running);
  }

  #entry(key: string): Entry {
    const entry = this.#entries.get(key) ?? {
      state: "idle",
      again: false,
      failures: 0,
      timer: undefined,
      dueMs: 0,
    };
    this.#entries.set(key, entry);
    return entry;
  }

  #schedule(key: string, entry: Entry, delayMs: number): void {
    const dueMs = Date.now() + delayMs;
    if (entry.timer !== undefined && entry.dueMs <= dueMs) return;
    clearTimeout(entry.timer);
    entry.dueMs = dueMs;
    entry.timer = setTimeout(() => {
      entry.timer = undefined;
      this.add(key);
    }, delayMs);
  }

  #enqueue(key: string, entry: Entry): void {
    clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.state = "ready";
    this.#ready.push(key);
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#running.size < this.#options.workers) {
      const key = this.#ready.shift();
      if (key === undefined) break;
      const run = this.#run(key);
      this.#running.add(run);
      void run.finally(() => {
        this.#running.delete(run);
        this.#dispatch();
      });
    }
    this.#options.onDepth(this.#ready.length);
  }

  async #run(key: string): Promise<void> {
    const entry = this.#entry(key);
    entry.state = "running";
    let nextMs: number | undefined;
    try {
      nextMs = await this.#options.work(key);
      entry.failures = 0;
    } catch (error) {
      entry.failures += 1;
      const { backoffBaseMs, backoffMaxMs } = this.#options;
      nextMs = backoffMs(entry.failures, backoffBaseMs, backoffMaxMs);
      this.#options.log.warn({ key, err: error, failures: entry.failures }, "Work failed");
    }
    entry.state = "idle";
    this.#settle(key, entry, nextMs);
  }

  #settle(key: string, entry: Entry, nextMs: number | undefined): void {
    if (this.#stopped) return;
    if (entry.again) {
      entry.again = false;
      this.#enqueue(key, entry);
    } else if (nextMs !== undefined) {
      this.#schedule(key, entry, nextMs);
    } else if (entry.timer === undefined) {
      this.#entries.delete(key);
    }
  }
}
