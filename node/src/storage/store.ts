/**
 * What the node needs of a disk: values by key, each with a version, changed only by
 * compare-and-set. Two promises carry everything above: a write is durable before its promise
 * resolves, and a read shows nothing that a crash could still take away.
 */
import type { Id } from "../chord/id.ts";

/** A key and its place on the circle. Records lie in the order of `id`, so an arc is contiguous. */
export interface StoreKey {
  readonly id: Id;
  readonly text: string;
}

/** What a client stores. */
export interface Content {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** What a client gets. A version names one write and no other, also after delete and restart. */
export interface StoredValue extends Content {
  readonly version: string;
}

/** Decides on the present version (null: no such key) whether a write may happen. */
export type Precondition = (present: string | null) => boolean;

export type PutResult =
  | { readonly outcome: "stored"; readonly version: string; readonly created: boolean }
  | { readonly outcome: "refused"; readonly present: string | null };

export type DeleteResult =
  | { readonly outcome: "deleted" }
  | { readonly outcome: "absent" }
  | { readonly outcome: "refused"; readonly present: string | null };

export interface Store {
  /** The latest durable value; null if there is none. */
  get(key: StoreKey): StoredValue | null;
  /** Stores if the precondition holds; resolves once the value survives a crash. */
  put(key: StoreKey, content: Content, precondition?: Precondition): Promise<PutResult>;
  /** Deletes if there is something and the precondition holds. */
  delete(key: StoreKey, precondition?: Precondition): Promise<DeleteResult>;
  /** How many keys are stored, and the bytes of their values. */
  counts(): StoreCounts;
  /** False from a failed write until a write succeeds again. */
  writable(): boolean;
  close(): Promise<void>;
}

export interface StoreCounts {
  readonly keys: number;
  readonly bytes: number;
}

/** The disk refused. `uncertain`: the write may have happened; else it has not. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly uncertain: boolean;

  constructor(message: string, options: { cause?: unknown; uncertain?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.uncertain = options.uncertain ?? false;
  }
}

/**
 * A file or a map of records, below the logic of versions: ordered atomic commits, nothing more.
 * Writes are committed in the order of the calls.
 */
export interface Engine {
  /** The state of the last commit; null in a new store. */
  readonly state: Uint8Array | null;
  /** Committed records only. */
  read(key: Uint8Array): Uint8Array | undefined;
  /** Resolves when durable; null deletes. The bytes must not change meanwhile. */
  write(key: Uint8Array, record: Uint8Array | null): Promise<void>;
  /** Gives the state that is committed in one transaction with each group of writes. */
  onCommit(state: () => Uint8Array): void;
  close(): Promise<void>;
}
