/** What a key holds, and how old that is. */
import type { Id } from "../chord/id.ts";
import type { Stamp } from "./ballot.ts";

/** A key and its place on the circle, which decides on its partition. */
export interface StoreKey {
  readonly id: Id;
  readonly text: string;
}

/** Where the bytes of a value lie that is too large for one key: in chunks, which are keys, too. */
export interface Manifest {
  /** Names the upload that stored the chunks, and no other, ever. */
  readonly upload: string;
  /** The key's when the upload began: while it is, nobody has removed any of the chunks. */
  readonly fence: number;
  /** Bytes of the whole value. */
  readonly length: number;
  /** Bytes of each chunk but the last. */
  readonly chunkBytes: number;
}

/** What a client stores. */
export interface Content {
  readonly contentType: string;
  /** None beside a manifest. */
  readonly bytes: Uint8Array;
  readonly manifest?: Manifest;
}

/** The same with the time from which on it may be deleted. */
export interface KeptContent extends Content {
  /** Milliseconds since the epoch, as the leader's wall clock counted them; absent: it stays. */
  readonly expiresMs?: number;
}

/** A write that had an id, remembered so that its repetition changes nothing. */
export interface AnsweredRequest {
  readonly id: string;
  readonly outcome: "created" | "replaced" | "deleted";
  /** The version that it made. */
  readonly version: string;
}

/** What a key holds. A delete is kept as a state without content: it is newer than what was. */
export interface KeyState {
  /** Names the write that made this state, and no other of this key, ever. */
  readonly version: string;
  readonly content: KeptContent | null;
  /** The last writes of this key that had ids, the newest first. */
  readonly answered: readonly AnsweredRequest[];
  /** Uploads that began at a lower one come to nothing any more. Absent: 0; it never falls. */
  readonly fence?: number;
}

/** A key's state with the age of the write that brought it here. */
export interface Held {
  readonly stamp: Stamp;
  readonly state: KeyState;
}

/** What a delete leaves, if there is nothing else to remember of the key. */
export function isTombstone({ state }: Held): boolean {
  return state.content === null && (state.fence ?? 0) === 0;
}

export interface KeyedRecord {
  readonly key: string;
  readonly held: Held;
}

/** Bytes of a key and its value, most of what the record takes in a message. */
export function sizeOf({ key, held }: KeyedRecord): number {
  return key.length + (held.state.content?.bytes.length ?? 0);
}

/** Bytes of a value as clients see it, wherever they lie. */
export function lengthOfValue({ bytes, manifest }: Content): number {
  return manifest?.length ?? bytes.length;
}

/** A record without what it holds. */
export interface Entry {
  readonly key: string;
  readonly stamp: Stamp;
}

/** A write's stamp as a version. A record that is written again keeps its version. */
export function versionOf({ epoch, ballot, count }: Stamp): string {
  return `${epoch}-${ballot}-${count}`;
}

/**
 * The order of keys on every disk and in every listing: that of their UTF-8 bytes. It differs from
 * the order of UTF-16 units where one key has a surrogate pair and the other a unit above it.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all other units. */
function rank(unit: number): number {
  const surrogate = unit >= 0xd800 && unit <= 0xdfff;
  return surrogate ? unit + 0x10000 : unit;
}

/** The partition of an identifier: the circle is cut into `partitions` equal arcs. */
export function partitionOf(id: Id, partitions: number): number {
  const head = Number.parseInt(id.slice(0, 8).padEnd(8, "0"), 16);
  return Math.floor((head / 0x100000000) * partitions);
}
