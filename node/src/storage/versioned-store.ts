/**
 * Versions, compare-and-set and counts over any engine.
 *
 * A write is checked and handed to the engine in one synchronous step, against the latest state of
 * its key, in flight or committed; the engine commits in that order, so writes of one key are
 * serial without a lock. What is answered is always durable: a refusal that rests on a write in
 * flight waits for that write, and a success that rests on one that failed is not acknowledged.
 */
import { randomBytes } from "node:crypto";
import {
  decodeRecord,
  decodeState,
  decodeVersion,
  encodeKey,
  encodeRecord,
  encodeState,
  valueBytes,
} from "./record.ts";
import type {
  Content,
  DeleteResult,
  Engine,
  Precondition,
  PutResult,
  Store,
  StoreCounts,
  StoredValue,
  StoreKey,
} from "./store.ts";
import { StoreError } from "./store.ts";

/** The newest state of a key while a write of it is not durable yet. */
interface InFlight {
  /** null: the write deletes. */
  readonly version: string | null;
  readonly bytes: number;
  readonly done: Promise<void>;
  failed: boolean;
}

/** What a write is checked against. */
interface Present {
  readonly version: string | null;
  readonly bytes: number;
  readonly inFlight: InFlight | undefined;
}

const always: Precondition = () => true;

/**
 * A refusal may have to wait for writes of others this often before the caller is told to retry.
 */
const WAITS_MAX = 64;

export class VersionedStore implements Store {
  readonly #engine: Engine;
  readonly #incarnation: string;
  readonly #inFlight = new Map<string, InFlight>();
  #sequence: number;
  #keys: number;
  #bytes: number;
  #writable = true;

  constructor(engine: Engine) {
    this.#engine = engine;
    const state = engine.state === null ? null : decodeState(engine.state);
    this.#incarnation = state?.incarnation ?? randomBytes(4).toString("hex");
    this.#sequence = state?.sequence ?? 0;
    this.#keys = state?.keys ?? 0;
    this.#bytes = state?.bytes ?? 0;
    engine.onCommit(() =>
      encodeState({
        incarnation: this.#incarnation,
        sequence: this.#sequence,
        keys: this.#keys,
        bytes: this.#bytes,
      }),
    );
  }

  get(key: StoreKey): StoredValue | null {
    const record = this.#engine.read(encodeKey(key));
    return record === undefined ? null : decodeRecord(record);
  }

  async put(key: StoreKey, content: Content, precondition = always): Promise<PutResult> {
    const encodedKey = encodeKey(key);
    const present = this.#present(key, encodedKey);
    if (!precondition(present.version)) {
      const settled = await this.#settledRefusal(key, encodedKey, precondition);
      if (settled !== undefined) return { outcome: "refused", present: settled };
      return this.put(key, content, precondition);
    }
    this.#sequence += 1;
    const version = `${this.#incarnation}-${this.#sequence}`;
    await this.#write({
      key,
      encodedKey,
      present,
      version,
      record: encodeRecord(version, content),
      conditional: precondition !== always,
    });
    return { outcome: "stored", version, created: present.version === null };
  }

  async delete(key: StoreKey, precondition = always): Promise<DeleteResult> {
    const encodedKey = encodeKey(key);
    const present = this.#present(key, encodedKey);
    if (!precondition(present.version) || present.version === null) {
      const mayDelete: Precondition = (version) => precondition(version) && version !== null;
      const settled = await this.#settledRefusal(key, encodedKey, mayDelete);
      if (settled === undefined) return this.delete(key, precondition);
      return precondition(settled)
        ? { outcome: "absent" }
        : { outcome: "refused", present: settled };
    }
    // The deletion takes a number too, so that the sequence is durable beyond all it removes.
    this.#sequence += 1;
    await this.#write({
      key,
      encodedKey,
      present,
      version: null,
      record: null,
      conditional: precondition !== always,
    });
    return { outcome: "deleted" };
  }

  counts(): StoreCounts {
    return { keys: this.#keys, bytes: this.#bytes };
  }

  writable(): boolean {
    return this.#writable;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#inFlight.values()].map((write) => write.done));
    await this.#engine.close();
  }

  #present(key: StoreKey, encodedKey: Uint8Array): Present {
    const inFlight = this.#inFlight.get(key.text);
    if (inFlight !== undefined) return { ...inFlight, inFlight };
    const record = this.#engine.read(encodedKey);
    if (record === undefined) return { version: null, bytes: 0, inFlight };
    return { version: decodeVersion(record), bytes: valueBytes(record), inFlight };
  }

  /** The durable version that is the reason to refuse; undefined if there is none any more. */
  async #settledRefusal(
    key: StoreKey,
    encodedKey: Uint8Array,
    precondition: Precondition,
  ): Promise<string | null | undefined> {
    for (let wait = 0; wait < WAITS_MAX; wait += 1) {
      const present = this.#present(key, encodedKey);
      if (precondition(present.version)) return undefined;
      if (present.inFlight === undefined) return present.version;
      // A failure is the business of its own caller; here it only means: look again.
      await present.inFlight.done.catch(() => undefined);
      if (!present.inFlight.failed) return present.inFlight.version;
    }
    throw new StoreError("writes of this key keep failing: try again later");
  }

  async #write(write: {
    readonly key: StoreKey;
    readonly encodedKey: Uint8Array;
    readonly present: Present;
    readonly version: string | null;
    readonly record: Uint8Array | null;
    readonly conditional: boolean;
  }): Promise<void> {
    const { key, present, version, record } = write;
    const base = present.inFlight;
    const bytes = record === null ? 0 : valueBytes(record);
    const addedKeys = Number(version !== null) - Number(present.version !== null);
    const addedBytes = bytes - present.bytes;
    this.#count(addedKeys, addedBytes);
    const done = this.#engine.write(write.encodedKey, record);
    const inFlight: InFlight = { version, bytes, done, failed: false };
    this.#inFlight.set(key.text, inFlight);
    try {
      await done;
      this.#writable = true;
    } catch (error) {
      inFlight.failed = true;
      this.#writable = false;
      this.#count(-addedKeys, -addedBytes);
      throw error;
    } finally {
      if (this.#inFlight.get(key.text) === inFlight) this.#inFlight.delete(key.text);
    }
    if (base?.failed === true && write.conditional) {
      throw new StoreError("a write that this one rested on failed", { uncertain: true });
    }
  }

  #count(keys: number, bytes: number): void {
    this.#keys += keys;
    this.#bytes += bytes;
  }
}
