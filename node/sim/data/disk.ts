/**
 * A disk that outlives the process: what was changed is seen at once and survives a crash only once
 * its group was committed, which takes time. Groups are committed in order, one after the other.
 *
 * The rule is that a crash in the middle of a commit leaves the group whole or not at all, as lmdb
 * does. `torn` asks for less: then any first part of the group may be left, which the contract in
 * node/src/replication/store.ts allows.
 */
import { digestOf } from "../../src/replication/digest.ts";
import type {
  Counts,
  Disk,
  Held,
  NodeRecord,
  ReplicaState,
  ReplicaStore,
  Stamp,
} from "../../src/replication/index.ts";
import { compareKeys } from "../../src/replication/index.ts";
import { isOver } from "../../src/replication/key-operation.ts";
import type { SeededRandom } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";

/** As the real disk tells it: a record is there and is not what was written. */
export class CorruptRecord extends Error {
  override readonly name = "CorruptRecord";
}

class FullDisk extends Error {
  override readonly name = "FullDisk";
}

/** One change, as it was made. */
export type Change =
  | { readonly type: "record"; readonly record: NodeRecord }
  | { readonly type: "state"; readonly partition: number; readonly state: ReplicaState }
  | {
      readonly type: "keep";
      readonly partition: number;
      readonly key: string;
      readonly held: Held;
    }
  | { readonly type: "forget"; readonly partition: number; readonly key: string }
  | { readonly type: "clear"; readonly partition: number };

/** What is damaged of a record: all of it, or only its value, so that listings still name it. */
export type Damage = "record" | "value";

/** What one replica has on the disk. */
export class Stored {
  state: ReplicaState | null = null;
  records = new Map<string, Held>();
  damaged = new Map<string, Damage>();

  copy(): Stored {
    const copy = new Stored();
    copy.state = this.state;
    copy.records = new Map(this.records);
    copy.damaged = new Map(this.damaged);
    return copy;
  }

  apply(change: Exclude<Change, { type: "record" }>): void {
    if (change.type === "state") this.state = change.state;
    else if (change.type === "clear") {
      this.records.clear();
      this.damaged.clear();
    } else {
      this.damaged.delete(change.key);
      if (change.type === "keep") this.records.set(change.key, change.held);
      else this.records.delete(change.key);
    }
  }
}

/** Everything on a disk. */
export class Content {
  record: NodeRecord = { charter: null, roster: null };
  readonly stored = new Map<number, Stored>();

  of(partition: number): Stored {
    let stored = this.stored.get(partition);
    if (stored === undefined) {
      stored = new Stored();
      this.stored.set(partition, stored);
    }
    return stored;
  }

  apply(change: Change): void {
    if (change.type === "record") this.record = change.record;
    else this.of(change.partition).apply(change);
  }
}

/** How a disk behaves just now. */
export interface DiskFaults {
  /** Commits fail. */
  full: boolean;
  /** Added to each commit. */
  slowMs: number;
}

/** The thing itself, which a process opens, and which outlives it. */
export class Platter {
  readonly name: string;
  readonly incarnation: string;
  readonly durable = new Content();
  /** For oracles: the stamps of deletes that were on it and leave no trace, by key. */
  readonly forgotten = new Map<string, Stamp>();
  readonly faults: DiskFaults = { full: false, slowMs: 0 };

  constructor(name: string, incarnation: string) {
    this.name = name;
    this.incarnation = incarnation;
  }
}

export interface DiskParts {
  readonly platter: Platter;
  readonly scheduler: Scheduler;
  readonly random: SeededRandom;
  /** Whether a crash may leave a part of a group. */
  readonly torn: boolean;
  /** Runs something in the process: later if it is paused, never if it has ended. */
  readonly run: (action: () => void) => void;
  /** Called before each change becomes durable. */
  readonly onDurable: (platter: Platter, change: Change) => void;
  /** Called for each change that is made. */
  readonly onChange: (change: Change, before: Stored | null) => void;
}

/** How long a failed commit waits for newer changes before it is tried again. */
const retryMs = 1_000;

interface Group {
  readonly changes: Change[];
  waiting: PromiseWithResolvers<void> | null;
}

/** The disk as one process has it open. */
export class SimulatedDisk implements Disk {
  writable = true;
  readonly #parts: DiskParts;
  readonly #visible = new Content();
  readonly #replicas = new Map<number, ReplicaStore>();
  /** Being committed. */
  #inFlight: Group | null = null;
  /** What the next commit will contain. */
  #open: Group | null = null;
  /** The turn in which the group under way began: all that is changed in it belongs to it. */
  #turn = -1;
  #cancelRetry: (() => void) | null = null;

  constructor(parts: DiskParts) {
    this.#parts = parts;
    const { durable } = parts.platter;
    this.#visible.record = durable.record;
    for (const [partition, stored] of durable.stored) {
      this.#visible.stored.set(partition, stored.copy());
    }
  }

  get incarnation(): string {
    return this.#parts.platter.incarnation;
  }

  get record(): NodeRecord {
    return this.#visible.record;
  }

  saveRecord(record: NodeRecord): void {
    this.#change({ type: "record", record });
  }

  replica(partition: number): ReplicaStore {
    let replica = this.#replicas.get(partition);
    if (replica === undefined) {
      const stored = this.#visible.of(partition);
      replica = new SimulatedStore(partition, stored, (change) => this.#change(change));
      this.#replicas.set(partition, replica);
    }
    return replica;
  }

  /** What the process sees, durable or not. */
  visible(partition: number): Stored {
    return this.#visible.of(partition);
  }

  durable(): Promise<void> {
    const group = this.#open ?? this.#inFlight;
    if (group === null) return Promise.resolve();
    if (group.waiting === null) {
      group.waiting = Promise.withResolvers();
      // Whoever asked may have ended.
      group.waiting.promise.catch(() => undefined);
    }
    return group.waiting.promise;
  }

  /** The process ends: what was being committed may be on the disk, wholly, in part or not. */
  crash(): void {
    const { random, torn } = this.#parts;
    this.#cancelRetry?.();
    const { changes } = this.#inFlight ?? { changes: [] };
    this.#inFlight = null;
    this.#open = null;
    if (changes.length === 0 || this.#parts.platter.faults.full) return;
    const count = torn ? random.integer(0, changes.length) : random.pick([0, changes.length]);
    this.#apply(changes.slice(0, count));
  }

  #change(change: Change): void {
    const { scheduler, onChange } = this.#parts;
    onChange(change, change.type === "record" ? null : this.visible(change.partition));
    this.#visible.apply(change);
    if (this.#inFlight !== null && this.#turn === scheduler.count) {
      this.#inFlight.changes.push(change);
      return;
    }
    this.#open ??= { changes: [], waiting: null };
    this.#open.changes.push(change);
    this.#start();
  }

  #start(): void {
    if (this.#inFlight !== null || this.#open === null) return;
    const { scheduler, random, platter } = this.#parts;
    this.#cancelRetry?.();
    const group = this.#open;
    this.#open = null;
    this.#inFlight = group;
    this.#turn = scheduler.count;
    const { slowMs } = platter.faults;
    const commitMs = 0.3 + 2 * random.next() + slowMs * random.next();
    scheduler.after(commitMs, () => this.#finish(group));
  }

  #finish(group: Group): void {
    if (this.#inFlight !== group) return;
    const { platter, run } = this.#parts;
    if (platter.faults.full) {
      // A process that stands still learns of it first thing: nothing newer may come before.
      run(() => {
        this.#inFlight = null;
        this.#failed(group);
      });
      return;
    }
    this.#inFlight = null;
    this.#apply(group.changes);
    run(() => {
      this.writable = true;
      group.waiting?.resolve();
    });
    this.#start();
  }

  /** What failed is tried again with what came after it. */
  #failed(group: Group): void {
    const { scheduler, run } = this.#parts;
    this.writable = false;
    group.waiting?.reject(new FullDisk("no space is left on the disk"));
    const newer = this.#open !== null;
    const changes = [...group.changes, ...(this.#open?.changes ?? [])];
    this.#open = { changes, waiting: this.#open?.waiting ?? null };
    if (newer) this.#start();
    else this.#cancelRetry = scheduler.after(retryMs, () => run(() => this.#start()));
  }

  #apply(changes: readonly Change[]): void {
    const { platter, onDurable } = this.#parts;
    for (const change of changes) {
      onDurable(platter, change);
      platter.durable.apply(change);
    }
  }
}

class SimulatedStore implements ReplicaStore {
  readonly #partition: number;
  readonly #stored: Stored;
  readonly #change: (change: Change) => void;

  constructor(partition: number, stored: Stored, change: (change: Change) => void) {
    this.#partition = partition;
    this.#stored = stored;
    this.#change = change;
  }

  get state(): ReplicaState | null {
    return this.#stored.state;
  }

  save(state: ReplicaState): void {
    this.#change({ type: "state", partition: this.#partition, state });
  }

  held(key: string): Held | null {
    if (this.#stored.damaged.has(key)) throw new CorruptRecord(`the record of ${key} is damaged`);
    return this.#stored.records.get(key) ?? null;
  }

  lengthOf(key: string): number | null {
    return this.#stored.records.get(key)?.state.content?.bytes.length ?? null;
  }

  keep(key: string, held: Held): void {
    this.#change({ type: "keep", partition: this.#partition, key, held });
  }

  forget(key: string): void {
    this.#change({ type: "forget", partition: this.#partition, key });
  }

  entries(after: string | null, limit: number): { key: string; stamp: Held["stamp"] }[] {
    const behind = [...this.#stored.records.keys()]
      .filter((key) => after === null || compareKeys(key, after) > 0)
      .sort(compareKeys);
    return behind.slice(0, limit).map((key) => {
      if (this.#stored.damaged.get(key) === "record") {
        throw new CorruptRecord(`the record of ${key} is damaged`);
      }
      return { key, stamp: (this.#stored.records.get(key) as Held).stamp };
    });
  }

  expired(nowMs: number, limit: number): readonly string[] {
    const over = [...this.#stored.records].filter(([, { state }]) => isOver(state.content, nowMs));
    return over.slice(0, limit).map(([key]) => key);
  }

  counts(): Counts {
    let [keys, bytes] = [0, 0];
    for (const { state } of this.#stored.records.values()) {
      if (state.content === null) continue;
      keys += 1;
      bytes += state.content.bytes.length;
    }
    return { keys, bytes };
  }

  digest(): string | null {
    return digestOf(this.#stored.records);
  }

  clear(): void {
    this.#change({ type: "clear", partition: this.#partition });
  }
}
