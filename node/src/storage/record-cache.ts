/**
 * Records that were read or written lately, as they are in the file, so that who looks at a key
 * again need not read and decode it again: a write looks at what it replaces, on every copy.
 *
 * There are two generations. What is used goes to the young one; when that is full it becomes the
 * old one, and the old one is forgotten. That costs nothing when nothing is found.
 */
import type { Held } from "../replication/record.ts";

export interface CachedRecord {
  /** Its key in the file. */
  readonly at: Buffer;
  readonly held: Held;
}

/** What a record takes beside its value: objects, texts, its key. */
const RECORD_WEIGHT = 768;

/** What the caches of all partitions of a disk may take together, in bytes. */
export class CacheBudget {
  readonly #bytesMax: number;
  readonly #caches: RecordCache[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  newCache(): RecordCache {
    const cache = new RecordCache((bytes) => this.#take(bytes));
    this.#caches.push(cache);
    return cache;
  }

  /** Of a young generation. */
  #take(bytes: number): void {
    this.#bytes += bytes;
    if (2 * this.#bytes <= this.#bytesMax) return;
    this.#bytes = 0;
    for (const cache of this.#caches) cache.age();
  }
}

export class RecordCache {
  readonly #take: (bytes: number) => void;
  #young = new Map<string, CachedRecord>();
  #old = new Map<string, CachedRecord>();

  constructor(take: (bytes: number) => void) {
    this.#take = take;
  }

  get(key: string): CachedRecord | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, record: CachedRecord): void {
    if (!this.#young.has(key)) {
      this.#take(RECORD_WEIGHT + (record.held.state.content?.bytes.length ?? 0));
    }
    this.#young.set(key, record);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }

  age(): void {
    if (this.#young.size === 0 && this.#old.size === 0) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
