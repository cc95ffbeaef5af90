/** The disk as the data layer sees it. */
import type { Ballot } from "./ballot.ts";
import type { Charter } from "./charter.ts";
import type { Entry, Held } from "./record.ts";
import type { Roster } from "./roster.ts";
import type { Member, View } from "./view.ts";

/** Somebody's proposal of the next view, as accepted by a replica. */
export interface AcceptedChange {
  readonly ballot: Ballot;
  readonly members: readonly Member[];
}

/** All that a replica must remember beside its records. */
export interface ReplicaState {
  /** The view that it is, or was last, active in. */
  readonly view: View;
  /** It answers no proposer of that view any more. */
  readonly sealed: boolean;
  /** The highest proposer of that view that it promised to follow. */
  readonly promised: Ballot;
  /** The same for proposals of the view after that one, and what it accepted of them. */
  readonly changePromised: Ballot;
  readonly changeAccepted: AcceptedChange | null;
}

export interface Counts {
  /** Clients' keys that hold something: tombstones are not counted. */
  readonly keys: number;
  /** Of their values, those in chunks included. */
  readonly bytes: number;
}

/** A replica's part of the disk. What was changed is seen at once, though not yet durable. */
export interface ReplicaStore {
  /** What was saved last; null for a partition that this disk never had. */
  readonly state: ReplicaState | null;
  save(state: ReplicaState): void;
  held(key: string): Held | null;
  /** Bytes of the value as clients see it, without reading it; null if the key holds nothing. */
  lengthOf(key: string): number | null;
  keep(key: string, held: Held): void;
  /** Removes a record without a trace. */
  forget(key: string): void;
  /** Records behind `after` (null: from the first) in the order of `compareKeys`. */
  entries(after: string | null, limit: number): readonly Entry[];
  /**
   * Keys whose values' time is over, in no order. `nowMs` is a wall clock's, since the epoch. Cheap
   * enough to be asked again and again: it must not look at every record.
   */
  expired(nowMs: number, limit: number): readonly string[];
  counts(): Counts;
  /** Stands for all entries (digest.ts); null if some record is known to be damaged. */
  digest(): string | null;
  /** Forgets every record. */
  clear(): void;
}

/** What a node keeps beside its replicas. */
export interface NodeRecord {
  readonly charter: Charter | null;
  readonly roster: Roster | null;
}

/**
 * One node's disk. Changes become durable in the order in which they were made, whichever replica
 * they belong to. A change that could not be made durable is tried again with those after it.
 */
export interface Disk {
  /** Made with the disk: a disk that was lost comes back as another member. */
  readonly incarnation: string;
  readonly record: NodeRecord;
  saveRecord(record: NodeRecord): void;
  replica(partition: number): ReplicaStore;
  /** Resolves when all changes made so far survive a crash. Rejects if they do not now. */
  durable(): Promise<void>;
  /** False from a failed commit until one succeeds again. */
  readonly writable: boolean;
}
