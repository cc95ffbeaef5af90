/**
 * One partition of an lmdb file. What was changed and is not yet durable lies above the file, one
 * entry for each key, and is what everybody sees; a commit takes it away again.
 *
 * How much a partition holds is counted when it is opened and kept from then on. To store that with
 * each group would cost every write a page more, while to count 100,000 records takes a tenth of a
 * second, whatever their values' lengths. Which values expire is gathered on the way.
 */
import type { Stamp } from "../replication/ballot.ts";
import { Digest } from "../replication/digest.ts";
import { compareKeys, type Entry, type Held, lengthOfValue } from "../replication/record.ts";
import { isReserved } from "../replication/reserved-keys.ts";
import type { Counts, ReplicaState, ReplicaStore } from "../replication/store.ts";
import { CorruptRecord } from "./disk-errors.ts";
import {
  bodyKey,
  checkPartition,
  cleared,
  generationKey,
  isOfReserved,
  keyText,
  recordKey,
  records,
  stateKey,
} from "./disk-key.ts";
import {
  heldWithin,
  liesApart,
  openHeld,
  openJson,
  openStamp,
  sealedExpiry,
  sealedValueLength,
  sealedWholeLength,
  sealHeld,
  sealJson,
} from "./disk-record.ts";
import { ExpiryQueue } from "./expiry-queue.ts";
import type { LmdbFile, Write } from "./lmdb-file.ts";
import type { RecordCache } from "./record-cache.ts";

/** A change of one key that is not durable yet. */
interface Pending extends Write {
  readonly replica: LmdbReplica;
  readonly generation: number;
  readonly key: string;
  /** What the key holds now; null if it was forgotten. */
  held: Held | null;
  /** The same as it is stored. */
  value: Buffer | null;
  /** The file may have a value apart from the record that the record does not have any more. */
  dropsBody: boolean;
  /** It is being committed: the next change of the key is another one. */
  inFlight: boolean;
}

/** What a group changes. */
export interface Changes {
  readonly records: Pending[];
  readonly states: Set<LmdbReplica>;
  readonly cleared: Set<LmdbReplica>;
  nodeRecord: boolean;
}

export function noChanges(): Changes {
  return { records: [], states: new Set(), cleared: new Set(), nodeRecord: false };
}

/** Of a value; or one of these, where there is none. */
type Size = number;
const ABSENT: Size = -2;
const TOMBSTONE: Size = -1;

function sizeOf(held: Held | null): Size {
  if (held === null) return ABSENT;
  return held.state.content?.bytes.length ?? TOMBSTONE;
}

/** What is known of a record without its value. */
interface Stored {
  readonly size: Size;
  /** Null where there is no record, or one that is damaged. */
  readonly stamp: Stamp | null;
}

function storedOf(held: Held | null): Stored {
  return { size: sizeOf(held), stamp: held?.stamp ?? null };
}

function stampIn(at: Buffer, sealed: Buffer): Stamp | null {
  try {
    return openStamp(at, sealed);
  } catch {
    return null;
  }
}

export interface ReplicaParts {
  readonly file: LmdbFile;
  /** Gives the group that takes changes now. */
  readonly changes: () => Changes;
  readonly cache: RecordCache;
}

export class LmdbReplica implements ReplicaStore {
  readonly #partition: number;
  readonly #file: LmdbFile;
  /** Gives the group that takes changes now. */
  readonly #changes: () => Changes;
  /** Of records in the file with a value in them. */
  readonly #cache: RecordCache;
  readonly #pending = new Map<string, Pending>();
  readonly #expiries = new ExpiryQueue();
  /** undefined: not read yet. */
  #state: ReplicaState | null | undefined;
  #generation: number;
  #keys = 0;
  #bytes = 0;
  readonly #digest = new Digest();
  /** A record was found that is not what was written. */
  #damaged = false;
  /** Whether there may be records. Most partitions of a node have none, and are asked often. */
  #mayHold = false;
  /** What the file has for the key looked at last: who looks often writes next. */
  #lastRead: { readonly key: string; readonly at: Buffer; readonly stored: Stored } | undefined;

  constructor(partition: number, { file, changes, cache }: ReplicaParts) {
    checkPartition(partition);
    this.#partition = partition;
    this.#file = file;
    this.#changes = changes;
    this.#cache = cache;
    this.#generation = Number(this.#readJson(generationKey(partition)));
    file.visit(records(partition, this.#generation), (at, sealed) => {
      this.#mayHold = true;
      const key = keyText(at);
      this.#count(isOfReserved(at), ABSENT, sealedValueLength(sealed) ?? TOMBSTONE);
      const expiresMs = sealedExpiry(sealed);
      if (expiresMs !== null) this.#expiries.set(key, expiresMs);
      const stamp = stampIn(at, sealed);
      if (stamp === null) this.#damaged = true;
      else this.#digest.add(key, stamp);
      return true;
    });
  }

  get state(): ReplicaState | null {
    if (this.#state === undefined) {
      this.#state = this.#readJson(stateKey(this.#partition)) as ReplicaState | null;
    }
    return this.#state;
  }

  save(state: ReplicaState): void {
    this.#changes().states.add(this);
    this.#state = state;
  }

  held(key: string): Held | null {
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.held;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached.held;
    const at = recordKey(this.#partition, this.#generation, key);
    const sealed = this.#file.get(at);
    const held = sealed === undefined ? null : this.#openHeld(key, at, sealed);
    if (held === null || liesApart(sizeOf(held))) {
      this.#lastRead = { key, at, stored: storedOf(held) };
    } else this.#cache.set(key, { at, held });
    return held;
  }

  lengthOf(key: string): number | null {
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      const content = pending.held?.state.content ?? null;
      return content === null ? null : lengthOfValue(content);
    }
    const sealed = this.#file.peek(recordKey(this.#partition, this.#generation, key));
    return sealed === undefined ? null : sealedWholeLength(sealed);
  }

  keep(key: string, held: Held): void {
    const at = this.#keyOf(key);
    this.#change({ key, at, held, value: sealHeld(at, held) });
  }

  forget(key: string): void {
    this.#change({ key, at: this.#keyOf(key), held: null, value: null });
  }

  entries(after: string | null, limit: number): readonly Entry[] {
    if (!this.#mayHold) return [];
    const entries: Entry[] = [];
    const pending = this.#pendingBehind(after);
    let next = 0;
    const addPendingBefore = (key: string | null): void => {
      for (let first = pending[next]; first !== undefined; first = pending[next]) {
        const due = key === null || compareKeys(first.key, key) < 0;
        if (!due || entries.length >= limit) return;
        if (first.held !== null) entries.push({ key: first.key, stamp: first.held.stamp });
        next += 1;
      }
    };
    this.#file.visit(this.#rangeFrom(after), (at, sealed) => {
      const key = keyText(at);
      if (key === after) return true;
      addPendingBefore(key);
      // A pending change of this very key stands for it and is added before the next one.
      if (entries.length < limit && pending[next]?.key !== key) {
        entries.push({ key, stamp: this.#checked(key, () => openStamp(at, sealed)) });
      }
      return entries.length < limit;
    });
    addPendingBefore(null);
    return entries;
  }

  expired(nowMs: number, limit: number): readonly string[] {
    return this.#expiries.over(nowMs, limit);
  }

  counts(): Counts {
    return { keys: this.#keys, bytes: this.#bytes };
  }

  digest(): string | null {
    return this.#damaged ? null : this.#digest.toString();
  }

  clear(): void {
    this.#changes().cleared.add(this);
    // Under the next generation nothing lies; what lies under this one is removed bit by bit.
    this.#generation += 1;
    this.#pending.clear();
    this.#cache.clear();
    this.#mayHold = false;
    this.#lastRead = undefined;
    this.#keys = 0;
    this.#bytes = 0;
    this.#digest.clear();
    this.#damaged = false;
    this.#expiries.clear();
  }

  // --- for the disk ---------------------------------------------------------------------------

  /** Adds what a commit has to write of a pending change: nothing if it was cleared since. */
  addWrites(pending: Pending, writes: Write[]): void {
    if (pending.generation !== this.#generation) return;
    pending.inFlight = true;
    writes.push(pending);
    const value = pending.held?.state.content?.bytes ?? null;
    if (value !== null && liesApart(value.length)) writes.push({ at: bodyKey(pending.at), value });
    else if (pending.dropsBody) writes.push({ at: bodyKey(pending.at), value: null });
  }

  stateWrite(): Write {
    return this.#jsonWrite(stateKey(this.#partition), this.#state);
  }

  generationWrite(): Write {
    return this.#jsonWrite(generationKey(this.#partition), this.#generation);
  }

  /** Keys in the file of records that were cleared. */
  clearedKeys(limit: number): readonly Buffer[] {
    if (this.#generation === 0) return [];
    for (const range of cleared(this.#partition, this.#generation)) {
      const keys = this.#file.keys(range, limit);
      if (keys.length > 0) return keys;
    }
    return [];
  }

  /** The change is in the file. */
  settle(pending: Pending): void {
    const { key, at, held, value } = pending;
    if (this.#pending.get(key) !== pending) return;
    this.#pending.delete(key);
    if (held === null || value === null || liesApart(sizeOf(held))) this.#cache.delete(key);
    else this.#cache.set(key, { at, held: heldWithin(value, held) });
  }

  /** Whether the change is to be tried again: not if a later one replaced it. */
  takeBack(pending: Pending): boolean {
    pending.inFlight = false;
    return this.#pending.get(pending.key) === pending;
  }

  // --------------------------------------------------------------------------------------------

  #keyOf(key: string): Buffer {
    if (this.#lastRead?.key === key) return this.#lastRead.at;
    const { at } = this.#pending.get(key) ?? this.#cache.get(key) ?? {};
    return at ?? recordKey(this.#partition, this.#generation, key);
  }

  #change(change: Pick<Pending, "key" | "at" | "held" | "value">): void {
    const { key, at, held, value } = change;
    const before = this.#pending.get(key);
    const stored = before === undefined ? this.#stored(key, at) : storedOf(before.held);
    const mayHaveBody = liesApart(stored.size) || before?.dropsBody === true;
    const dropsBody = mayHaveBody && !liesApart(sizeOf(held));
    const group = this.#changes();
    this.#lastRead = undefined;
    this.#account(key, stored, held);
    if (before !== undefined && !before.inFlight) {
      before.held = held;
      before.value = value;
      before.dropsBody = dropsBody;
      return;
    }
    const generation = this.#generation;
    const pending: Pending = {
      at,
      value,
      replica: this,
      generation,
      key,
      held,
      dropsBody,
      inFlight: false,
    };
    this.#pending.set(key, pending);
    group.records.push(pending);
  }

  #stored(key: string, at: Buffer): Stored {
    if (this.#lastRead?.key === key) return this.#lastRead.stored;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return storedOf(cached.held);
    const sealed = this.#file.peek(at);
    if (sealed === undefined) return storedOf(null);
    const stamp = stampIn(at, sealed);
    this.#damaged ||= stamp === null;
    return { size: sealedValueLength(sealed) ?? TOMBSTONE, stamp };
  }

  /** Keeps up all that is known of the records together. */
  #account(key: string, stored: Stored, held: Held | null): void {
    this.#mayHold ||= held !== null;
    this.#count(isReserved(key), stored.size, sizeOf(held));
    if (stored.stamp !== null) this.#digest.remove(key, stored.stamp);
    if (held !== null) this.#digest.add(key, held.stamp);
    this.#expiries.set(key, held?.state.content?.expiresMs);
  }

  #count(reserved: boolean, sizeBefore: Size, size: Size): void {
    if (!reserved) this.#keys += Number(size >= 0) - Number(sizeBefore >= 0);
    this.#bytes += Math.max(size, 0) - Math.max(sizeBefore, 0);
  }

  #pendingBehind(after: string | null): readonly Pending[] {
    const behind: Pending[] = [];
    for (const pending of this.#pending.values()) {
      if (after === null || compareKeys(pending.key, after) > 0) behind.push(pending);
    }
    return behind.sort((a, b) => compareKeys(a.key, b.key));
  }

  #rangeFrom(after: string | null): ReturnType<typeof records> {
    const range = records(this.#partition, this.#generation);
    if (after === null) return range;
    return { ...range, start: recordKey(this.#partition, this.#generation, after) };
  }

  #openHeld(key: string, at: Buffer, sealed: Buffer): Held {
    return this.#checked(key, () => openHeld(at, sealed, () => this.#file.get(bodyKey(at))));
  }

  #jsonWrite(at: Buffer, value: unknown): Write {
    return { at, value: sealJson(at, value) };
  }

  #readJson(at: Buffer): unknown {
    const sealed = this.#file.get(at);
    return sealed === undefined ? null : this.#checked(null, () => openJson(at, sealed));
  }

  #checked<T>(key: string | null, read: () => T): T {
    try {
      return read();
    } catch (cause) {
      this.#damaged = true;
      throw new CorruptRecord({ path: this.#file.path, partition: this.#partition, key }, cause);
    }
  }
}
