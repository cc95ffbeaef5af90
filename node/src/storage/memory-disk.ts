/**
 * A disk without a disk, for tests: commits come on a later turn of the event loop, fail when they
 * are told to, and what was not committed when another process takes over is lost.
 */
import { digestOf } from "../replication/digest.ts";
import { isOver } from "../replication/key-operation.ts";
import { compareKeys, type Entry, type Held, lengthOfValue } from "../replication/record.ts";
import { isReserved } from "../replication/reserved-keys.ts";
import type { Counts, Disk, NodeRecord, ReplicaState, ReplicaStore } from "../replication/store.ts";
import { DiskError } from "./disk-errors.ts";
import { GroupCommit } from "./group-commit.ts";

/** What a restart finds: held apart from the disk, so that a second disk over it is a restart. */
export interface Kept {
  readonly incarnation: string;
  record: NodeRecord;
  readonly replicas: Map<number, KeptReplica>;
  /** While true every commit fails, as on a full volume. */
  full: boolean;
  /** The processes that had it so far: only the last one can still write. */
  lives: number;
}

interface KeptReplica {
  state: ReplicaState | null;
  readonly records: Map<string, Held>;
}

export function emptyKept(incarnation: string): Kept {
  const record: NodeRecord = { charter: null, roster: null };
  return { incarnation, record, replicas: new Map(), full: false, lives: 0 };
}

/** Changes in their order. */
interface Changes {
  steps: (() => void)[];
}

export class MemoryDisk implements Disk {
  readonly incarnation: string;
  record: NodeRecord;
  readonly #kept: Kept;
  readonly #life: number;
  readonly #replicas = new Map<number, MemoryReplica>();
  readonly #groups: GroupCommit<Changes>;

  constructor(kept: Kept) {
    kept.lives += 1;
    this.#kept = kept;
    this.#life = kept.lives;
    this.incarnation = kept.incarnation;
    this.record = kept.record;
    this.#groups = new GroupCommit({
      empty: () => ({ steps: [] }),
      commit: ({ steps }) => this.#commit(steps),
      rejoin: (failed, later) => {
        later.steps = [...failed.steps, ...later.steps];
      },
    });
  }

  saveRecord(record: NodeRecord): void {
    this.#change(() => {
      this.#kept.record = record;
    });
    this.record = record;
  }

  replica(partition: number): ReplicaStore {
    let replica = this.#replicas.get(partition);
    if (replica === undefined) {
      const kept = this.#keptReplica(partition);
      replica = new MemoryReplica(kept, (step) => this.#change(() => step(kept)));
      this.#replicas.set(partition, replica);
    }
    return replica;
  }

  durable(): Promise<void> {
    return this.#groups.durable();
  }

  get writable(): boolean {
    return this.#groups.writable;
  }

  close(): Promise<void> {
    return this.#groups.close();
  }

  #keptReplica(partition: number): KeptReplica {
    const { replicas } = this.#kept;
    const kept = replicas.get(partition) ?? { state: null, records: new Map<string, Held>() };
    replicas.set(partition, kept);
    return kept;
  }

  #change(step: () => void): void {
    this.#groups.changes().steps.push(step);
  }

  async #commit(steps: readonly (() => void)[]): Promise<void> {
    const { full } = this.#kept;
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        // Nobody hears any more from a process that is gone.
        if (this.#life === this.#kept.lives) resolve();
      });
    });
    if (full) throw new DiskError("cannot write to memory: it is full; make room");
    for (const step of steps) step();
  }
}

class MemoryReplica implements ReplicaStore {
  state: ReplicaState | null;
  #records: Map<string, Held>;
  readonly #change: (step: (kept: KeptReplica) => void) => void;

  constructor(kept: KeptReplica, change: (step: (kept: KeptReplica) => void) => void) {
    this.state = kept.state;
    this.#records = new Map(kept.records);
    this.#change = change;
  }

  save(state: ReplicaState): void {
    this.#change((kept) => {
      kept.state = state;
    });
    this.state = state;
  }

  held(key: string): Held | null {
    return this.#records.get(key) ?? null;
  }

  lengthOf(key: string): number | null {
    const content = this.held(key)?.state.content ?? null;
    return content === null ? null : lengthOfValue(content);
  }

  keep(key: string, held: Held): void {
    this.#change((kept) => kept.records.set(key, held));
    this.#records.set(key, held);
  }

  forget(key: string): void {
    this.#change((kept) => kept.records.delete(key));
    this.#records.delete(key);
  }

  entries(after: string | null, limit: number): readonly Entry[] {
    return [...this.#records]
      .filter(([key]) => after === null || compareKeys(key, after) > 0)
      .sort(([a], [b]) => compareKeys(a, b))
      .slice(0, limit)
      .map(([key, { stamp }]) => ({ key, stamp }));
  }

  expired(nowMs: number, limit: number): readonly string[] {
    const over = [...this.#records].filter(([, { state }]) => isOver(state.content, nowMs));
    return over.slice(0, limit).map(([key]) => key);
  }

  counts(): Counts {
    let keys = 0;
    let bytes = 0;
    for (const [key, { state }] of this.#records) {
      keys += Number(state.content !== null && !isReserved(key));
      bytes += state.content?.bytes.length ?? 0;
    }
    return { keys, bytes };
  }

  digest(): string | null {
    return digestOf(this.#records);
  }

  clear(): void {
    this.#change((kept) => kept.records.clear());
    this.#records = new Map();
  }
}
