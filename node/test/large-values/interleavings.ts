/**
 * Random lives of large values: the production code of uploads, downloads, collectors and of what
 * an operation makes of a key, over a store that is linearizable and does everything else badly.
 * Operations fail, happen late, happen though nobody hears of it, and whoever asked may be dead by
 * then. All follows from the seed.
 */
import { Scheduler } from "../../sim/scheduler.ts";
import { SeededRandom } from "../../sim/random.ts";
import { silentLog } from "../../sim/silent-ports.ts";
import {
  Collector,
  Downloads,
  type LargeValueParts,
  MissingChunk,
  Uploads,
} from "../../src/large-values/index.ts";
import { parseChunkKey } from "../../src/large-values/chunk-key.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import {
  compareKeys,
  isReserved,
  type KeyOperation,
  type KeyPage,
  type KeyQuery,
  type Manifest,
  noPreconditions,
  type Outcome,
  type Preconditions,
  ReplicationError,
} from "../../src/replication/index.ts";
import { type Decision, decide } from "../../src/replication/key-operation.ts";
import { type KeyState, partitionOf } from "../../src/replication/record.ts";

export type Decide = typeof decide;

const PARTITIONS = 2;
const CHUNK_BYTES = 4;
const PAGE_KEYS = 3;
const hash = sha1Hash();

/** What is promised and was not kept. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** The store: one state for each key, changed in one step. */
class Store {
  readonly #keys = new Map<string, KeyState>();
  readonly #decide: Decide;
  #writes = 0;

  constructor(decideHow: Decide) {
    this.#decide = decideHow;
  }

  apply(operation: KeyOperation, nowMs: number): Outcome {
    const { text } = operation.key;
    this.#writes += 1;
    const version = `1-1-${this.#writes}`;
    const state = this.#keys.get(text) ?? null;
    const decision: Decision = this.#decide(operation, state, { version, answeredMax: 8, nowMs });
    if (decision.next !== null) this.#keys.set(text, decision.next);
    if ((decision.next?.fence ?? 0) < (state?.fence ?? 0) && decision.next !== null) {
      throw new Violation(`the fence of ${text} fell`);
    }
    if (isReserved(text)) this.#checkOwner(text);
    else this.#checkWhole(text);
    return decision.outcome;
  }

  state(text: string): KeyState | null {
    return this.#keys.get(text) ?? null;
  }

  /** Reserved keys that hold something. */
  get chunks(): readonly string[] {
    return [...this.#keys].flatMap(([key, { content }]) =>
      isReserved(key) && content !== null ? [key] : [],
    );
  }

  /** Chunks that no key holds. */
  get orphans(): readonly string[] {
    return this.chunks.filter((key) => {
      const name = parseChunkKey(key);
      const held = name === null ? null : this.#manifestOf(name.owner);
      return held?.upload !== name?.upload;
    });
  }

  page(partition: number, { prefix, after, limit }: KeyQuery): KeyPage {
    const keys = [...this.#keys.keys()]
      .filter((key) => key.startsWith(prefix) && (after === null || compareKeys(key, after) > 0))
      .filter((key) => partitionOf(hash.idOf(key), PARTITIONS) === partition)
      .sort(compareKeys);
    const some = keys.slice(0, Math.min(limit, PAGE_KEYS));
    const listed = some.filter((key) => this.#keys.get(key)?.content !== null);
    return {
      keys: listed.map((key) => ({ key, bytes: 0 })),
      after: some.length < keys.length ? (some.at(-1) ?? null) : null,
    };
  }

  #manifestOf(owner: string): Manifest | undefined {
    return this.#keys.get(owner)?.content?.manifest;
  }

  #checkOwner(chunk: string): void {
    const name = parseChunkKey(chunk);
    if (name !== null) this.#checkWhole(name.owner);
  }

  /** Never a manifest without its chunks. */
  #checkWhole(owner: string): void {
    const manifest = this.#manifestOf(owner);
    if (manifest === undefined) return;
    const there = this.chunks.flatMap((key) => {
      const name = parseChunkKey(key);
      return name?.upload === manifest.upload ? [name.index] : [];
    });
    const count = Math.ceil(manifest.length / manifest.chunkBytes);
    if (new Set(there).size === count) return;
    throw new Violation(`${owner} holds ${count} chunks of which ${there.length} are there`);
  }
}

export interface LifeCounts {
  /** Large values that were acknowledged, refused for the fence, read whole. */
  stored: number;
  fenced: number;
  read: number;
  /** Chunks that were stored in vain or for a time. */
  orphaned: number;
}

/** One life. Throws what was not kept. */
export async function live(seed: number, decideHow: Decide = decide): Promise<LifeCounts> {
  const life = new Life(seed, decideHow);
  await life.run();
  return life.counts;
}

const CHAOS_MS = 6_000;
const REST_MS = 60_000;
const keys = ["a", "b"].map((text) => ({ text, id: hash.idOf(text) }));
type Key = (typeof keys)[number];

class Life {
  readonly counts: LifeCounts = { stored: 0, fenced: 0, read: 0, orphaned: 0 };
  readonly #scheduler = new Scheduler();
  readonly #random: SeededRandom;
  readonly #store: Store;
  /** What each upload's bytes are, by a character of its own. */
  #values = 0;
  #calm = false;

  constructor(seed: number, decideHow: Decide) {
    this.#random = new SeededRandom(seed);
    this.#store = new Store(decideHow);
  }

  async run(): Promise<void> {
    const scheduler = this.#scheduler;
    const collectors = Array.from({ length: 3 }, () => this.#collector());
    for (let index = 0; index < 3; index += 1) this.#goOn(() => this.#write());
    for (let index = 0; index < 2; index += 1) this.#goOn(() => this.#read());
    for (const collector of collectors) this.#goOn(() => collector.sweep());
    await scheduler.run(CHAOS_MS);
    this.#calm = true;
    const clean = (): boolean => this.#store.orphans.length === 0;
    this.counts.orphaned = this.#store.orphans.length;
    await scheduler.run(5_000);
    if (!(await scheduler.runUntil(clean, REST_MS))) {
      throw new Violation(`${this.#store.orphans.length} chunks that no key holds stay`);
    }
    await this.#readAll();
  }

  /** Every key that holds something is read whole at last. */
  async #readAll(): Promise<void> {
    let open = keys.length;
    for (const key of keys) {
      this.#readOnce(key).then(
        () => {
          open -= 1;
        },
        (error: unknown) => this.#scheduler.fail(error as Error),
      );
    }
    if (!(await this.#scheduler.runUntil(() => open === 0, 20_000))) {
      throw new Violation("a key cannot be read at rest");
    }
  }

  /** Again and again, with a pause of chance. One that died is followed by another. */
  #goOn(act: () => Promise<unknown>): void {
    const again = (): void => {
      this.#scheduler.after(this.#random.next() * 200, () => this.#goOn(act));
    };
    let over = false;
    const end = (): void => {
      if (!over) again();
      over = true;
    };
    // Whoever died does not come to an end.
    this.#scheduler.after(5_000, end);
    act().then(end, (error: unknown) => {
      if (error instanceof ReplicationError || error instanceof GaveUp) end();
      else this.#scheduler.fail(error as Error);
    });
  }

  // --- who asks ---------------------------------------------------------------------------------

  /** What an entry node or a collector has, until it dies. */
  #parts(): LargeValueParts {
    const dies = !this.#calm && this.#random.chance(0.15);
    let left = dies ? this.#random.integer(0, 8) : Number.POSITIVE_INFINITY;
    return {
      execute: async (operation) => {
        left -= 1;
        if (left < 0) await new Promise(nothing);
        return { outcome: await this.#execute(operation), leader: "one", hops: 0 };
      },
      clock: this.#scheduler,
      random: this.#random,
      hash,
    };
  }

  #collector(): Pick<Collector, "sweep"> {
    const leaseMs = this.#random.integer(50, 800);
    const born = (): Collector => {
      const { execute } = this.#parts();
      const ring = {
        led: () => [0, 1],
        listKeys: async (partition: number, query: KeyQuery): Promise<KeyPage> => {
          await this.#delay();
          this.#mayFail();
          return this.#store.page(partition, query);
        },
        execute: async (operation: KeyOperation) => (await execute(operation)).outcome,
      };
      const metrics = { collected: (): void => undefined };
      const ports = { clock: this.#scheduler, random: this.#random, hash, log: silentLog };
      const parts = { ring, metrics, ...ports };
      return new Collector(parts, { leaseMs });
    };
    let collector = born();
    return {
      sweep: () => {
        // A process that starts anew remembers no lease.
        if (this.#random.chance(0.1)) collector = born();
        return collector.sweep();
      },
    };
  }

  async #write(): Promise<void> {
    if (this.#calm) return;
    const key = this.#random.pick(keys) as Key;
    const { execute } = this.#parts();
    const kind = this.#random.next();
    const common = { key, preconditions: this.#preconditions(), requestId: null };
    if (kind < 0.1) {
      await execute({ ...common, type: "delete" });
      return;
    }
    const contentType = "text/plain";
    if (kind < 0.25) {
      const content = { contentType, bytes: this.#newValue(1) };
      await execute({ ...common, type: "put", content });
      return;
    }
    const uploads = new Uploads(
      { execute, clock: this.#scheduler, random: this.#random, hash },
      { chunkBytes: CHUNK_BYTES },
    );
    const requestId = this.#random.chance(0.3) ? `id-${this.#random.integer(0, 3)}` : null;
    const bytes = this.#newValue(this.#random.integer(CHUNK_BYTES + 1, 6 * CHUNK_BYTES));
    const put = { ...common, requestId, contentType };
    const { outcome } = await uploads.store(put, this.#sent(bytes));
    if (outcome.type === "stored") this.counts.stored += 1;
    if (outcome.type === "fenced") this.counts.fenced += 1;
  }

  #preconditions(): Preconditions {
    return (
      this.#random.pick([noPreconditions, noPreconditions, { ifNoneMatch: "*" as const }]) ?? {}
    );
  }

  #newValue(length: number): Uint8Array {
    this.#values += 1;
    return new Uint8Array(length).fill(this.#values % 256);
  }

  /** As the client sends them: with pauses, and sometimes not to their end. */
  async *#sent(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
    const slow = this.#random.chance(0.3) ? 1_000 : 50;
    for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
      await this.#wait(this.#random.next() * slow);
      if (this.#random.chance(0.03)) throw new GaveUp("the client went away");
      yield bytes.subarray(start, start + CHUNK_BYTES);
    }
  }

  async #read(): Promise<void> {
    await this.#readOnce(this.#random.pick(keys) as Key);
  }

  async #readOnce(key: Key): Promise<void> {
    const parts = this.#parts();
    const get = { type: "get", key, preconditions: noPreconditions, head: false } as const;
    const { outcome } = await parts.execute(get);
    if (outcome.type !== "value" || outcome.manifest === undefined) return;
    const read = await this.#readChunks(parts, key, outcome.manifest);
    if (read === null) return;
    if (read.length !== outcome.length || new Set(read).size !== 1) {
      throw new Violation(`${key.text} is a mixture: ${read.join(" ")}`);
    }
    this.counts.read += 1;
  }

  /** Null if the value was replaced meanwhile. */
  async #readChunks(
    parts: LargeValueParts,
    key: Key,
    manifest: Manifest,
  ): Promise<readonly number[] | null> {
    const span = { first: 0, last: manifest.length - 1 };
    const read: number[] = [];
    try {
      const pieces = new Downloads(parts).read({ owner: key.text, manifest, span });
      for await (const piece of pieces) read.push(...piece);
      return read;
    } catch (error) {
      if (!(error instanceof MissingChunk)) throw error;
      const present = this.#store.state(key.text);
      if (present?.content?.manifest?.upload !== manifest.upload) return null;
      throw new Violation(`${key.text} has a manifest and lacks a chunk`);
    }
  }

  // --- the ring ---------------------------------------------------------------------------------

  /** One operation with all that can happen to it. */
  async #execute(operation: KeyOperation): Promise<Outcome> {
    await this.#delay();
    this.#mayFail();
    if (!this.#calm && this.#random.chance(0.05)) {
      // It happens later, or never, and nobody hears of it.
      if (this.#random.chance(0.7)) this.#later(operation);
      throw new ReplicationError("unknown-outcome", "as drawn");
    }
    const outcome = this.#store.apply(operation, this.#scheduler.now());
    await this.#delay();
    if (this.#calm || this.#random.chance(0.95)) return outcome;
    throw new ReplicationError("unknown-outcome", "as drawn");
  }

  #later(operation: KeyOperation): void {
    this.#scheduler.after(this.#random.next() ** 2 * 3_000, () => {
      try {
        this.#store.apply(operation, this.#scheduler.now());
      } catch (error) {
        this.#scheduler.fail(error as Error);
      }
    });
  }

  #mayFail(): void {
    if (this.#calm || this.#random.chance(0.95)) return;
    throw new ReplicationError("unavailable", "as drawn");
  }

  #delay(): Promise<void> {
    return this.#wait(this.#random.next() ** 3 * 100);
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#scheduler.after(ms, resolve);
    });
  }
}

/** The end of who died: its promises are never kept. */
function nothing(): void {}

/** A client that does not send its whole value. */
class GaveUp extends Error {}
