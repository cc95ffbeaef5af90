/**
 * One replica of one partition: what it holds, and when it may answer. It is the acceptor of
 * node/model/replication.pml: a proposer that has its promise may write and read, and a decision on
 * the next view seals it for good.
 *
 * Every method is one synchronous step that either throws and has changed nothing, or has given
 * all its changes to the store. The answer may go out only when the disk's `durable()` has resolved
 * after it: a promise, a record, a seal that a crash takes back would break what was built on it.
 */
import { type Ballot, compareStamps, noBallot } from "./ballot.ts";
import { ReplicationError, type ReplicationErrorCode } from "./errors.ts";
import { type KeyQuery, lookAt, type LookedAt } from "./key-listing.ts";
import type { Lead, Listing } from "./messages.ts";
import { type Entry, type Held, isTombstone, type KeyedRecord } from "./record.ts";
import type { AcceptedChange, ReplicaState, ReplicaStore } from "./store.ts";
import { isMember, type Member, noView, type View } from "./view.ts";

const initial: ReplicaState = {
  view: noView,
  sealed: false,
  promised: noBallot,
  changePromised: noBallot,
  changeAccepted: null,
};

export class Replica {
  readonly self: Member;
  readonly #store: ReplicaStore;
  #state: ReplicaState;
  #member: boolean;

  constructor(self: Member, store: ReplicaStore) {
    this.self = self;
    this.#store = store;
    this.#state = store.state ?? initial;
    this.#member = isMember(this.#state.view, self);
  }

  get view(): View {
    return this.#state.view;
  }

  /** The highest proposer of its view that it promised to follow. */
  get promised(): Ballot {
    return this.#state.promised;
  }

  /** The highest proposal of a next view that it promised to follow. */
  get changePromised(): Ballot {
    return this.#state.changePromised;
  }

  get member(): boolean {
    return this.#member;
  }

  get sealed(): boolean {
    return this.#state.sealed;
  }

  /** Whether it answers proposers of its view. */
  get active(): boolean {
    return !this.#state.sealed && this.member;
  }

  // --- proposers ------------------------------------------------------------------------------

  /** Follows this proposer from now on and none below it. To promise twice is to promise once. */
  promise(epoch: number, ballot: Ballot): void {
    this.#mustBeActive(epoch);
    this.#mustNotOutrank(ballot);
    if (this.#state.promised !== ballot) this.#save({ promised: ballot });
  }

  /** A record for the proposer that it follows; what it holds now no other proposer can replace. */
  read(epoch: number, ballot: Ballot, key: string): Held | null {
    this.confirm(epoch, ballot);
    return this.#store.held(key);
  }

  /** Whether it still follows this proposer: a majority of such answers allows it to read. */
  confirm(epoch: number, ballot: Ballot): void {
    this.#mustBeActive(epoch);
    if (this.#state.promised !== ballot) throw this.#error("outranked");
  }

  /** A write, which implies the promise. One that comes after a later one changes nothing. */
  accept(key: string, held: Held): void {
    this.promise(held.stamp.epoch, held.stamp.ballot);
    this.#keepNewer(key, held);
  }

  /**
   * Records that the proposer which it follows holds. From one that is over they may be a write
   * that came to nothing, and must not change what a later proposer has read here.
   */
  repair({ epoch, ballot }: Pick<Lead, "epoch" | "ballot">, records: readonly KeyedRecord[]): void {
    this.confirm(epoch, ballot);
    for (const { key, held } of records) this.#keepNewer(key, held);
  }

  /**
   * Removes these very deletes without a trace, where they are still what it holds. The proposer
   * knows that nobody can come with anything older any more (forgetting.ts).
   */
  forget({ epoch, ballot }: Pick<Lead, "epoch" | "ballot">, entries: readonly Entry[]): void {
    this.confirm(epoch, ballot);
    for (const { key, stamp } of entries) {
      const held = this.#store.held(key);
      if (held === null || !isTombstone(held) || compareStamps(held.stamp, stamp) !== 0) continue;
      this.#store.forget(key);
    }
  }

  /** A page of what it holds, for the proposer that it follows; for anybody with ballot 0. */
  list(epoch: number, ballot: Ballot, page: { after: string | null; limit: number }): Listing {
    if (ballot === noBallot) this.#mustBeActive(epoch);
    else this.confirm(epoch, ballot);
    return this.#listing(page.after, page.limit);
  }

  /** Whether it holds exactly what has this digest, for who may list it. */
  holds({ epoch, ballot }: Pick<Lead, "epoch" | "ballot">, digest: string): boolean {
    if (ballot === noBallot) this.#mustBeActive(epoch);
    else this.confirm(epoch, ballot);
    return this.digest === digest;
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
   * A page of what it holds for a member of `next`, which was decided. Being asked for it is how a
   * replica that missed the decision learns of it. One that is in `next` already may be asked too.
   */
  show(next: View, after: string | null, limit: number): Listing {
    this.sealFor(next);
    return this.#listing(after, limit);
  }

  /** Nothing that it holds changes any more before it is in that view or in a later one. */
  sealFor(next: View): void {
    const { view } = this.#state;
    if (view.epoch !== next.epoch && view.epoch !== next.epoch - 1) throw this.#error("other-view");
    if (!this.member) throw this.#error("other-view");
    if (view.epoch < next.epoch && !this.#state.sealed) this.#save({ sealed: true });
  }

  /** Stands for all that it holds; null if some of that is damaged. */
  get digest(): string | null {
    return this.#store.digest();
  }

  /** A record from another replica. The newer one stays, whichever comes first. */
  merge(key: string, held: Held): void {
    this.#keepNewer(key, held);
  }

  /** A page of what it holds without being asked by anybody: for copying ahead. */
  cached(after: string | null, limit: number): Listing {
    return this.#listing(after, limit);
  }

  /** Drops a record on which no member of `next` counts, as this replica did not vote on it. */
  drop(key: string, next: View): void {
    const { view } = this.#state;
    if (this.member && view.epoch >= next.epoch - 1) throw this.#error("other-view");
    this.#store.forget(key);
  }

  /** Drops everything copied ahead: a cache may go at any time. */
  forgetCopies(): void {
    if (this.member) throw this.#error("other-view");
    this.#store.clear();
  }

  held(key: string): Held | null {
    return this.#store.held(key);
  }

  /** Keys that it holds, and those of deleted values. */
  lookAt(query: KeyQuery): LookedAt {
    return lookAt(this.#store, query);
  }

  /** Keys whose values' time is over by a wall clock. */
  expired(nowMs: number, limit: number): readonly string[] {
    return this.#store.expired(nowMs, limit);
  }

  lengthOf(key: string): number | null {
    return this.#store.lengthOf(key);
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

  #listing(after: string | null, limit: number): Listing {
    const entries = this.#store.entries(after, limit);
    return { entries, after: entries.length < limit ? null : (entries.at(-1)?.key ?? null) };
  }

  #mustBeMember(epoch: number): void {
    const { view } = this.#state;
    if (epoch !== view.epoch || !this.member) throw this.#error("other-view");
  }

  #mustBeActive(epoch: number): void {
    this.#mustBeMember(epoch);
    if (this.#state.sealed) throw this.#error("sealed");
  }

  #mustNotOutrank(ballot: Ballot): void {
    if (this.#state.promised > ballot) throw this.#error("outranked");
  }

  /** Only who is active in a view votes on the next one: it has all that was acknowledged. */
  #mustVote(epoch: number, ballot: Ballot): void {
    this.#mustBeMember(epoch);
    const { changePromised } = this.#state;
    if (changePromised > ballot) throw this.#error("outranked", changePromised);
  }

  #keepNewer(key: string, held: Held): void {
    const present = this.#store.held(key);
    if (compareStamps(held.stamp, present?.stamp ?? null) > 0) this.#store.keep(key, held);
  }

  #save(change: Partial<ReplicaState>): void {
    this.#state = { ...this.#state, ...change };
    if (change.view !== undefined) this.#member = isMember(change.view, this.self);
    this.#store.save(this.#state);
  }

  #error(code: ReplicationErrorCode, promised = this.#state.promised): ReplicationError {
    const { view } = this.#state;
    return new ReplicationError(code, `${code}: the replica is in view ${view.epoch}`, {
      view,
      promised,
    });
  }
}
