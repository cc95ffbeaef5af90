/**
 * What a steady crowd of clients meets while a ring changes: operations arrive on a fixed schedule,
 * half of them puts, each by the client of this project, which repeats what the ring asks it to
 * repeat. A latency counts from the scheduled time to the final answer, all repetitions included.
 *
 * No two operations of one key are under way at once, so it is known what each read must give.
 */
import { setTimeout } from "node:timers/promises";
import { ChordRing } from "../client/index.ts";
import { SeededRandom } from "../../hack/lib/seeded-random.ts";
import { Arrivals } from "./arrivals.ts";
import { LatencyHistogram } from "./latency-histogram.ts";

const VALUE_BYTES = 256;
const BATCH_KEYS = 500;
const TIMEOUT_MS = 10_000;
const TURN_MS = 2;
const CHECKED_AT_ONCE = 32;
/** More would be late all the same, and cost the machine what the ring needs to catch up. */
const UNDER_WAY_MAX = 64;
const PUTS = 0.5;

export interface SteadyLoadOptions {
  readonly urls: readonly string[];
  readonly keys: number;
  /** Operations a second. */
  readonly perSecond: number;
  readonly seed: number;
}

/** What came of the operations that ended in one phase. */
export interface PhaseResult {
  readonly operations: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export function keyNamed(index: number): string {
  return `key-${index}`;
}

export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #ring: ChordRing;
  readonly #random: SeededRandom;
  /** The last acknowledged round of each key. */
  readonly #rounds: Uint32Array;
  readonly #busy = new Set<number>();
  readonly #latencies = new LatencyHistogram();
  readonly #failures: string[] = [];
  readonly #wrong: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #slowestMs = 0;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#ring = new ChordRing({ urls: options.urls, timeoutMs: TIMEOUT_MS });
    this.#random = new SeededRandom(options.seed);
    this.#rounds = new Uint32Array(options.keys);
  }

  /** Operations that the client could not bring to an end. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Reads that did not give what was written last. */
  get wrong(): readonly string[] {
    return this.#wrong;
  }

  /** Stores every key once, many in one request. */
  async fill(told: (share: number) => void): Promise<void> {
    const { keys, urls } = this.#options;
    for (let start = 0; start < keys; start += BATCH_KEYS) {
      const indices = range(start, Math.min(keys, start + BATCH_KEYS));
      const operations = indices.map((index) => {
        return { method: "PUT", key: keyNamed(index), text: textOf(index, 0) };
      });
      const url = `${urls[0] ?? ""}/v1/batch`;
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ operations });
      const response = await fetch(url, { method: "POST", headers, body });
      if (!response.ok) throw new Error(`a batch is refused: ${await response.text()}`);
      const { results } = (await response.json()) as { results: { status: number }[] };
      const refused = results.find(({ status }) => status !== 201);
      if (refused !== undefined) throw new Error(`the ring answers ${refused.status} to a batch`);
      told((start + indices.length) / keys);
    }
  }

  start(): void {
    const arrivals = new Arrivals(performance.now(), this.#options.perSecond);
    this.#timer = setInterval(() => {
      while (this.#busy.size < UNDER_WAY_MAX) {
        const scheduledMs = arrivals.take(performance.now());
        if (scheduledMs === undefined) return;
        void this.#operate(scheduledMs);
      }
    }, TURN_MS);
  }

  /** What came since the last call. */
  phase(): PhaseResult {
    const result = {
      operations: this.#latencies.count,
      p50Ms: this.#latencies.percentileMs(0.5),
      p99Ms: this.#latencies.percentileMs(0.99),
      slowestMs: this.#slowestMs,
    };
    this.#latencies.clear();
    this.#slowestMs = 0;
    return result;
  }

  /** Begins nothing more; resolves when all that was begun has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#busy.size > 0) await setTimeout(TURN_MS);
  }

  /** Reads every key; what is not there with the right bytes joins `wrong`. */
  async checkAll(): Promise<void> {
    const left = range(0, this.#options.keys).values();
    const readers = Array.from({ length: CHECKED_AT_ONCE }, async () => {
      for (const index of left) await this.#read(index);
    });
    await Promise.all(readers);
  }

  async #operate(scheduledMs: number): Promise<void> {
    const index = this.#freeKey();
    this.#busy.add(index);
    const what = this.#random.chance(PUTS) ? "put" : "get";
    try {
      if (what === "put") await this.#write(index);
      else await this.#read(index);
    } catch (error) {
      this.#failures.push(`${what} ${keyNamed(index)}: ${String(error)}`);
    }
    const latencyMs = performance.now() - scheduledMs;
    this.#latencies.recordMs(latencyMs);
    this.#slowestMs = Math.max(this.#slowestMs, latencyMs);
    this.#busy.delete(index);
  }

  async #write(index: number): Promise<void> {
    const round = (this.#rounds[index] as number) + 1;
    await this.#ring.put(keyNamed(index), textOf(index, round));
    this.#rounds[index] = round;
  }

  async #read(index: number): Promise<void> {
    const value = await this.#ring.get(keyNamed(index));
    const expected = textOf(index, this.#rounds[index] as number);
    const found = value === null ? "nothing" : new TextDecoder().decode(value.bytes);
    if (found !== expected) this.#wrong.push(`${keyNamed(index)}: ${found.trim()}`);
  }

  #freeKey(): number {
    for (;;) {
      const index = this.#random.integer(0, this.#options.keys - 1);
      if (!this.#busy.has(index)) return index;
    }
  }
}

function textOf(index: number, round: number): string {
  return `${keyNamed(index)} round ${round}`.padEnd(VALUE_BYTES);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, offset) => from + offset);
}
