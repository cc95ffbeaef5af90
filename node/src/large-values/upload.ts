/** Stores a value in chunks, and commits it by the one write of its manifest. */
import type { Clock, Hash, Random } from "../chord/index.ts";
import {
  type KeyOperation,
  mayWrite,
  noPreconditions,
  type Outcome,
  type Put,
  type Routed,
  type StoreKey,
} from "../replication/index.ts";
import { chunkKey } from "./chunk-key.ts";
import { persist } from "./patience.ts";

export interface LargeValueParts {
  /** Carries an operation out on the ring. Rejects with `ReplicationError`. */
  readonly execute: (operation: KeyOperation) => Promise<Routed>;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
}

/** A PUT whose bytes are still to come. */
export interface LargePut extends Omit<Put, "type" | "content"> {
  readonly contentType: string;
}

/** Chunks of one upload that are stored at once. One more is read meanwhile. */
export const CHUNKS_UNDER_WAY = 4;
/** How long the ring may go without a majority before an upload is given up. */
const PATIENCE_MS = 10_000;
const CHUNK_TYPE = "application/octet-stream";
const noBytes = new Uint8Array();

export class Uploads {
  readonly #parts: LargeValueParts;
  readonly #chunkBytes: number;

  constructor(parts: LargeValueParts, options: { readonly chunkBytes: number }) {
    this.#parts = parts;
    this.#chunkBytes = options.chunkBytes;
  }

  /**
   * Takes the value's chunks, all as long as they shall be but the last, as fast as it stores them.
   * Whatever fails before the last step leaves the key as it was, and chunks for the collector.
   */
  async store(put: LargePut, chunks: AsyncIterable<Uint8Array>): Promise<Routed> {
    const { contentType, ...rest } = put;
    const refused = await this.#refused(put);
    if (refused !== null) return refused;
    const fence = await this.#fenceOf(put.key);
    const upload = newUpload(this.#parts.random);
    const length = await this.#storeAll(chunks, { upload, fence, owner: put.key.text });
    const manifest = { upload, fence, length, chunkBytes: this.#chunkBytes };
    const content = { contentType, bytes: noBytes, manifest };
    return await this.#parts.execute({ ...rest, type: "put", content });
  }

  /**
   * A condition that does not hold now is told before all the bytes are sent. Whoever repeats a
   * PUT by its id may have changed the key itself: only the commit knows it again.
   */
  async #refused({ key, preconditions, requestId }: LargePut): Promise<Routed | null> {
    const { ifMatch, ifNoneMatch } = preconditions;
    if (requestId !== null || (ifMatch ?? ifNoneMatch) === undefined) return null;
    const look = { type: "get", key, preconditions: noPreconditions, head: true } as const;
    const { outcome, ...route } = await this.#parts.execute(look);
    const version = outcome.type === "value" ? outcome.version : null;
    if (mayWrite(preconditions, version)) return null;
    return { ...route, outcome: { type: "precondition-failed", version } };
  }

  async #fenceOf(key: StoreKey): Promise<number> {
    const { outcome } = await this.#parts.execute({ type: "fence", key, upload: null, past: -1 });
    if (outcome.type === "fenced") return outcome.fence;
    throw unexpected(outcome);
  }

  /** Gives how many bytes they are. */
  async #storeAll(
    chunks: AsyncIterable<Uint8Array>,
    name: { readonly upload: string; readonly fence: number; readonly owner: string },
  ): Promise<number> {
    const underWay = new Set<Promise<void>>();
    let index = 0;
    let length = 0;
    for await (const bytes of chunks) {
      // The first to fail ends it.
      if (underWay.size >= CHUNKS_UNDER_WAY) await Promise.race(underWay);
      const stored = this.#storeChunk(chunkKey({ ...name, index }), bytes);
      underWay.add(stored);
      // What fails stays in the set, for the next who waits.
      stored.then(() => underWay.delete(stored)).catch(() => undefined);
      index += 1;
      length += bytes.length;
    }
    await Promise.all(underWay);
    return length;
  }

  async #storeChunk(text: string, bytes: Uint8Array): Promise<void> {
    const { clock, hash, execute } = this.#parts;
    const operation: Put = {
      type: "put",
      key: { text, id: hash.idOf(text) },
      preconditions: noPreconditions,
      content: { contentType: CHUNK_TYPE, bytes },
      requestId: null,
    };
    // Whether it is stored once or twice, or again after it was removed, makes no difference.
    const { outcome } = await persist(clock, PATIENCE_MS, () => execute(operation));
    if (outcome.type !== "stored") throw unexpected(outcome);
  }
}

/** 128 random bits: no two uploads are ever called the same. */
function newUpload(random: Random): string {
  const words = Array.from({ length: 4 }, () => Math.floor(random.next() * 2 ** 32));
  return words.map((word) => word.toString(16).padStart(8, "0")).join("");
}

function unexpected({ type }: Outcome): TypeError {
  return new TypeError(`${type} is no outcome of this operation`);
}
