/** Reads a value's chunks in order, some of them ahead. */
import { type Get, type Manifest, noPreconditions } from "../replication/index.ts";
import { chunkKey } from "./chunk-key.ts";
import { persist } from "./patience.ts";
import type { LargeValueParts } from "./upload.ts";

/** Bytes of a value, the last one included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface Download {
  readonly owner: string;
  readonly manifest: Manifest;
  readonly span: Span;
}

/**
 * A chunk is not there as the manifest says. So the value was replaced since the manifest was read,
 * longer ago than the collector waits, or it was read from a copy that is old.
 */
export class MissingChunk extends Error {
  override readonly name = "MissingChunk";
}

/** Chunks read before they are asked for. */
const CHUNKS_AHEAD = 3;
/** How long the ring may go without a majority before a download is given up. */
const PATIENCE_MS = 10_000;

export class Downloads {
  readonly #parts: Pick<LargeValueParts, "execute" | "clock" | "hash">;

  constructor(parts: Pick<LargeValueParts, "execute" | "clock" | "hash">) {
    this.#parts = parts;
  }

  /** The bytes asked for, piece by piece. Throws `MissingChunk`, or `ReplicationError`. */
  async *read({ owner, manifest, span }: Download): AsyncGenerator<Uint8Array, void> {
    const { chunkBytes } = manifest;
    const end = Math.floor(span.last / chunkBytes) + 1;
    const ahead: Promise<Uint8Array>[] = [];
    let next = Math.floor(span.first / chunkBytes);
    for (let index = next; index < end; index += 1) {
      for (; next < end && ahead.length <= CHUNKS_AHEAD; next += 1) {
        const chunk = this.#chunk(owner, manifest, next);
        // Who stops in the middle waits for none of those ahead.
        chunk.catch(() => undefined);
        ahead.push(chunk);
      }
      const bytes = (await ahead.shift()) as Uint8Array;
      const start = index * chunkBytes;
      yield bytes.subarray(Math.max(0, span.first - start), span.last + 1 - start);
    }
  }

  async #chunk(owner: string, manifest: Manifest, index: number): Promise<Uint8Array> {
    const { clock, hash, execute } = this.#parts;
    const { upload, fence, length, chunkBytes } = manifest;
    const text = chunkKey({ upload, fence, index, owner });
    const key = { text, id: hash.idOf(text) };
    const get: Get = { type: "get", key, preconditions: noPreconditions, head: false };
    const { outcome } = await persist(clock, PATIENCE_MS, () => execute(get));
    const expected = Math.min(chunkBytes, length - index * chunkBytes);
    if (outcome.type === "value" && outcome.bytes.length === expected) return outcome.bytes;
    throw new MissingChunk(`chunk ${index} of a value is not there as its manifest says`);
  }
}
