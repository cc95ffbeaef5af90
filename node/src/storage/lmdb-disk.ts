/**
 * A node's disk in one lmdb file. All partitions share its commits: whatever changes while one is
 * under way becomes durable with the next.
 */
import type { Disk, NodeRecord } from "../replication/store.ts";
import { CorruptRecord } from "./disk-errors.ts";
import { NODE_RECORD_KEY } from "./disk-key.ts";
import { openJson, sealJson } from "./disk-record.ts";
import { GroupCommit } from "./group-commit.ts";
import { LmdbFile, type Write } from "./lmdb-file.ts";
import { CacheBudget } from "./record-cache.ts";
import { type Changes, LmdbReplica, noChanges } from "./lmdb-replica.ts";

/** Of records that were read or written lately: some 20,000 small ones. */
const CACHE_BYTES = 16 * 1024 * 1024;

/** Cleared records that one commit removes: few enough for nobody to notice. */
const SWEPT_RECORDS_MAX = 500;

const nothingRecorded: NodeRecord = { charter: null, roster: null };

export class LmdbDisk implements Disk {
  readonly incarnation: string;
  readonly #file: LmdbFile;
  readonly #groups: GroupCommit<Changes>;
  readonly #replicas = new Map<number, LmdbReplica>();
  readonly #cacheBudget = new CacheBudget(CACHE_BYTES);
  /** Replicas that may have cleared records in the file. */
  readonly #sweeps = new Set<LmdbReplica>();
  /** undefined: not read yet. */
  #record: NodeRecord | undefined;

  /** Opens the file in the directory, or makes one. */
  constructor(directory: string, file = new LmdbFile(directory)) {
    this.#file = file;
    this.incarnation = file.incarnation;
    this.#groups = new GroupCommit({
      empty: noChanges,
      commit: (changes) => this.#commit(changes),
      rejoin,
    });
  }

  get record(): NodeRecord {
    this.#record ??= this.#readRecord();
    return this.#record;
  }

  saveRecord(record: NodeRecord): void {
    this.#groups.changes().nodeRecord = true;
    this.#record = record;
  }

  replica(partition: number): LmdbReplica {
    let replica = this.#replicas.get(partition);
    if (replica === undefined) {
      replica = new LmdbReplica(partition, {
        file: this.#file,
        changes: () => this.#groups.changes(),
        cache: this.#cacheBudget.newCache(),
      });
      this.#replicas.set(partition, replica);
      // The last process may have ended before it had removed all.
      if (replica.clearedKeys(1).length > 0) this.#sweeps.add(replica);
    }
    return replica;
  }

  durable(): Promise<void> {
    return this.#groups.durable();
  }

  get writable(): boolean {
    return this.#groups.writable;
  }

  /** Commits what waits, if the disk takes it, and closes the file. */
  async close(): Promise<void> {
    await this.#groups.close();
    await this.#file.close();
  }

  async #commit(changes: Changes): Promise<void> {
    const writes: Write[] = [];
    for (const pending of changes.records) pending.replica.addWrites(pending, writes);
    for (const replica of changes.states) writes.push(replica.stateWrite());
    for (const replica of changes.cleared) {
      writes.push(replica.generationWrite());
      this.#sweeps.add(replica);
    }
    if (changes.nodeRecord) {
      writes.push({ at: NODE_RECORD_KEY, value: sealJson(NODE_RECORD_KEY, this.#record) });
    }
    for (const at of this.#sweptKeys()) writes.push({ at, value: null });
    if (writes.length > 0) await this.#file.commit(writes);
    for (const pending of changes.records) pending.replica.settle(pending);
    if (this.#sweeps.size > 0) this.#groups.goOn();
  }

  /** Only on a disk that takes writes: what waits for one that is full needs every page. */
  #sweptKeys(): readonly Buffer[] {
    if (!this.writable) return [];
    for (const replica of this.#sweeps) {
      const keys = replica.clearedKeys(SWEPT_RECORDS_MAX);
      if (keys.length > 0) return keys;
      this.#sweeps.delete(replica);
    }
    return [];
  }

  #readRecord(): NodeRecord {
    const sealed = this.#file.get(NODE_RECORD_KEY);
    if (sealed === undefined) return nothingRecorded;
    try {
      return openJson(NODE_RECORD_KEY, sealed) as NodeRecord;
    } catch (cause) {
      throw new CorruptRecord({ path: this.#file.path, partition: null, key: null }, cause);
    }
  }
}

function rejoin(failed: Changes, later: Changes): void {
  for (const pending of failed.records) {
    if (pending.replica.takeBack(pending)) later.records.push(pending);
  }
  for (const replica of failed.states) later.states.add(replica);
  for (const replica of failed.cleared) later.cleared.add(replica);
  later.nodeRecord ||= failed.nodeRecord;
}
