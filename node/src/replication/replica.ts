/**
 * One replica of one partition: what it holds, and when it may answer. It is the acceptor of
 * node/model/replication.pml: a proposer that has its promise may write and read, and a decision on
 * the next view seals it for good.
 *
 * Every method is one synchronous step that either throws and has changed nothing, or has given
 * all its changes to the store. The answer may go out only when `store.durable()` has resolved
 * after it: a promise, a record, a seal that a crash takes back would break what was built on it.
 */
import { type Ballot, compareBallots, compareStamps, type Stamp } from "./ballot.ts";
import { isMember, type Member, noView, type View } from "./view.ts";

/** What a key holds. A delete is kept as a state without content: it is newer than what was. */
export interface KeyState {
  /** Grows by one with each write of the key. */
  readonly version: number;
  readonly content: { readonly contentType: string; readonly bytes: Uint8Array } | null;
}

/** A key's state with the age of the write that brought it here. */
export interface Held {
  readonly stamp: Stamp;
  readonly state: KeyState;
}

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
  readonly promised: Ballot | null;
  /** The same for proposals of the view after that one, and what it accepted of them. */
  readonly changePromised: Ballot | null;
  readonly changeAccepted: AcceptedChange | null;
}

/** A replica's part of the disk. Changes become durable in the order of the calls. */
export interface ReplicaStore {
  /** What was saved last; null on a new disk. */
  readonly state: ReplicaState | null;
  save(state: ReplicaState): void;
  held(key: string): Held | null;
  keep(key: string, held: Held): void;
  /** Keys behind `after` (null: from the first) in a fixed order, at most `limit`. */
  keys(after: string | null, limit: number): readonly string[];
  /** Forgets every record. */
  clear(): void;
  /** Resolves when all changes made so far survive a crash. Rejects if one is lost. */
  durable(): Promise<void>;
}

export type ReplicaErrorCode =
  /** The asker's view is not this replica's; `view` tells which is. */
  | "other-view"
  /** The next view is being decided, or is: nothing happens in this one any more. */
  | "sealed"
  /** A higher ballot was promised; `promised` tells which. */
  | "outranked";

export class ReplicaError extends Error {
  override readonly name = "ReplicaError";
  readonly code: ReplicaErrorCode;
  readonly view: View;
  readonly promised: Ballot | null;

  constructor(code: ReplicaErrorCode, state: ReplicaState, promised = state.promised) {
    super(`${code}: the replica is in view ${state.view.epoch}`);
    this.code = code;
    this.view = state.view;
    this.promised = promised;
  }
}

/** Records in the order of their keys; `after` is where the next page begins, null at the end. */
export interface Page {
  readonly records: readonly { readonly key: string; readonly held: Held }[];
  readonly after: string | null;
}

const initial: ReplicaState = {
  view: noView,
  sealed: false,
  promised: null,
  changePromised: null,
  changeAccepted: null,
};

export class Replica {
  readonly self: Member;
  readonly #store: ReplicaStore;
  #state: ReplicaState;

  constructor(self: Member, store: ReplicaStore) {
    this.self = self;
    this.#store = store;
    this.#state = store.state ?? initial;
  }

  get view(): View {
    return this.#state.view;
  }

  /** Whether it answers proposers of its view. */
  get active(): boolean {
    return !this.#state.sealed && isMember(this.#state.view, this.self);
  }

  // --- proposers ------------------------------------------------------------------------------

  /** Follows this proposer from now on and none below it. To promise twice is to promise once. */
  promise(epoch: number, ballot: Ballot): void {
    this.#mustBeActive(epoch);
    this.#mustNotOutrank(ballot);
    this.#save({ promised: ballot });
  }

  /** A record for the proposer that it follows; what it holds now no other proposer can replace. */
  read(epoch: number, ballot: Ballot, key: string): Held | null {
    this.#mustFollow(epoch, ballot);
    return this.#store.held(key);
  }

  /** Whether it still follows this proposer: a majority of such answers allows it to read. */
  confirm(epoch: number, ballot: Ballot): void {
    this.#mustFollow(epoch, ballot);
  }

  /** A write, which implies the promise. One that comes after a later one changes nothing. */
  accept(key: string, held: Held): void {
    const { epoch, ballot } = held.stamp;
    this.#mustBeActive(epoch);
    this.#mustNotOutrank(ballot);
    if (compareBallots(this.#state.promised, ballot) !== 0) this.#save({ promised: ballot });
    this.#keepNewer(key, held);
  }

  // --- the next view --------------------------------------------------------------------------

  /** First phase of the decision on view `epoch` + 1: what it has accepted, if anything. */
  promiseChange(epoch: number, ballot: Ballot): AcceptedChange | null {
    this.#mustVote(epoch, ballot);
    this.#save({ changePromised: ballot });
    return this.#state.changeAccepted;
  }

  /** Second phase. Accepting any proposal seals: a majority that accepted can write no more. */
  acceptChange(epoch: number, ballot: Ballot, members: readonly Member[]): void {
    this.#mustVote(epoch, ballot);
    this.#save({
      changePromised: ballot,
      changeAccepted: { ballot, members },
      sealed: true,
    });
  }

  /**
   * A page of records for a member of `next`, which was decided. Being asked for them is how a
   * replica that missed the decision learns of it. One that is in `next` already may be asked too.
   */
  show(next: View, after: string | null, limit: number): Page {
    const { view } = this.#state;
    if (view.epoch !== next.epoch && view.epoch !== next.epoch - 1) throw this.#error("other-view");
    if (!isMember(view, this.self)) throw this.#error("other-view");
    if (view.epoch < next.epoch && !this.#state.sealed) this.#save({ sealed: true });
    const keys = this.#store.keys(after, limit);
    const records = keys.flatMap((key) => {
      const held = this.#store.held(key);
      return held === null ? [] : [{ key, held }];
    });
    return { records, after: keys.length < limit ? null : (keys.at(-1) ?? null) };
  }

  /** A record from another replica. The newer one stays, whichever comes first. */
  merge(key: string, held: Held): void {
    this.#keepNewer(key, held);
  }

  /**
   * Begins in a decided view. The caller has merged all records that a majority of the view before
   * it showed for it, itself among them or not.
   */
  activate(next: View): void {
    if (next.epoch <= this.#state.view.epoch || !isMember(next, this.self)) {
      throw this.#error("other-view");
    }
    this.#save({ ...initial, view: next });
  }

  /** Forgets all records, once every member of `next`, in which it is not, is active. */
  retire(next: View): void {
    if (next.epoch <= this.#state.view.epoch || isMember(next, this.self)) {
      throw this.#error("other-view");
    }
    this.#store.clear();
    this.#save({ ...initial, view: next });
  }

  // --------------------------------------------------------------------------------------------

  #mustBeMember(epoch: number): void {
    const { view } = this.#state;
    if (epoch !== view.epoch || !isMember(view, this.self)) throw this.#error("other-view");
  }

  #mustBeActive(epoch: number): void {
    this.#mustBeMember(epoch);
    if (this.#state.sealed) throw this.#error("sealed");
  }

  #mustNotOutrank(ballot: Ballot): void {
    if (compareBallots(this.#state.promised, ballot) > 0) throw this.#error("outranked");
  }

  #mustFollow(epoch: number, ballot: Ballot): void {
    this.#mustBeActive(epoch);
    if (compareBallots(this.#state.promised, ballot) !== 0) throw this.#error("outranked");
  }

  /** Only who is active in a view votes on the next one: it has all that was acknowledged. */
  #mustVote(epoch: number, ballot: Ballot): void {
    this.#mustBeMember(epoch);
    const { changePromised } = this.#state;
    if (compareBallots(changePromised, ballot) > 0) {
      throw new ReplicaError("outranked", this.#state, changePromised);
    }
  }

  #keepNewer(key: string, held: Held): void {
    const present = this.#store.held(key);
    if (compareStamps(held.stamp, present?.stamp ?? null) > 0) this.#store.keep(key, held);
  }

  #save(change: Partial<ReplicaState>): void {
    this.#state = { ...this.#state, ...change };
    this.#store.save(this.#state);
  }

  #error(code: ReplicaErrorCode): ReplicaError {
    return new ReplicaError(code, this.#state);
  }
}
