/**
 * The proposer of one partition in one view. It wins the whole partition with one ballot; from
 * then on a write is one round to a majority, and a read the own record after a majority confirmed
 * that nobody else has won meanwhile. What it did not write itself it first settles: reads from a
 * majority, and writes again where they differ.
 *
 * Any member may try at any time. Two leaders are slow, never wrong.
 */
import { type Ballot, compareStamps } from "./ballot.ts";
import type { Clock } from "../chord/ports.ts";
import type { Confirmable, Confirmer } from "./confirmer.ts";
import { ReplicationError } from "./errors.ts";
import { Expiry } from "./expiry.ts";
import { Forgetting } from "./forgetting.ts";
import { decide } from "./key-operation.ts";
import type { KeyPage, KeyQuery, ListedKey } from "./key-listing.ts";
import type { Lead } from "./messages.ts";
import type { Expire, KeyOperation, Outcome } from "./operation.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationMetrics, WallClock } from "./ports.ts";
import { isAhead, quorum } from "./quorum.ts";
import { type Held, type KeyState, versionOf } from "./record.ts";
import type { Replica } from "./replica.ts";
import type { Disk } from "./store.ts";
import { type Compared, Synchronizer } from "./synchronizer.ts";
import type { View } from "./view.ts";
import { type Write, Writes } from "./writes.ts";

export interface LeaderParts {
  readonly partition: number;
  readonly replica: Replica;
  readonly disk: Disk;
  readonly peers: Peers;
  readonly confirmer: Confirmer;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly metrics: ReplicationMetrics;
  readonly options: ReplicationOptions;
  /** Called once, when it leads no more. */
  readonly ended: (leader: Leader) => void;
  /** Called when the own replica has a record that cannot be read. */
  readonly unreadable: () => void;
}

/** An operation with the time in which it may begin. */
export interface Attempt {
  readonly operation: KeyOperation | Expire;
  /** Its outcome may depend on what happens from now on: a write may have been sent. */
  begun: boolean;
  /** Nobody waits for it any more: it must not begin. */
  abandoned: boolean;
}

/** Between two attempts to bring a member into step that answers and is not. */
const SYNCHRONIZE_INTERVAL_MS = 500;

type LeaderState = "preparing" | "leading" | "paused" | "over";

export class Leader implements Confirmable {
  readonly view: View;
  readonly lead: Lead;
  readonly others: readonly string[];
  readonly needed: number;
  /** A ballot that somebody else was promised, if that ended it. */
  outrankedBy: Ballot = 0;
  /** A member has accepted a proposal of the next view: somebody must bring that to its end. */
  metSealed = false;
  readonly #parts: LeaderParts;
  readonly #writes: Writes;
  readonly #synchronizer: Synchronizer;
  readonly #expiry: Expiry;
  readonly #forgetting: Forgetting;
  /** Members that promised to follow. */
  readonly #followers = new Set<string>();
  readonly #settledKeys = new Set<string>();
  readonly #settling = new Map<string, Promise<void>>();
  #state: LeaderState = "preparing";
  #compared: Compared = "none";
  #synchronizedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LeaderParts, ballot: Ballot) {
    const { replica, partition } = parts;
    this.#parts = parts;
    this.view = replica.view;
    this.lead = { partition, epoch: this.view.epoch, ballot };
    this.others = othersInCircle(this.view, replica.self.name);
    this.needed = Math.floor(this.view.members.length / 2);
    this.#writes = new Writes({
      ...parts,
      view: this.view,
      ballot,
      deposed: (error) => this.#deposed(error),
    });
    this.#synchronizer = new Synchronizer({
      ...parts,
      lead: this.lead,
      others: this.others,
      needed: this.needed,
      followers: this.#followers,
      writes: this.#writes,
      known: (key) => this.#known(key),
      over: () => this.#state === "over",
      deposed: (error) => this.#deposed(error),
    });
    this.#expiry = new Expiry({
      ...parts,
      execute: (operation) => this.execute({ operation, begun: false, abandoned: false }),
      mayGoOn: () => this.settled && this.#state === "leading",
    });
    this.#forgetting = new Forgetting({
      ...parts,
      lead: this.lead,
      others: this.others,
      mayGoOn: () => this.#compared === "all" && this.inStep && this.#state === "leading",
    });
  }

  get state(): LeaderState {
    return this.#state;
  }

  /** It knows of every record that a majority holds it. */
  get settled(): boolean {
    return this.#compared !== "none";
  }

  /** Nobody else has the promise of its own replica, which is not sealed either. */
  get followsItself(): boolean {
    const { replica } = this.#parts;
    const { epoch, ballot } = this.lead;
    return replica.active && replica.view.epoch === epoch && replica.promised === ballot;
  }

  /** Every member has every record, as far as it knows. */
  get inStep(): boolean {
    return this.settled && this.#writes.behind.size === 0;
  }

  /** What it deleted itself only the next leader can forget, and it is time to. */
  get spent(): boolean {
    return this.#forgetting.spent;
  }

  /** Becomes the leader, or ends. */
  async win(): Promise<void> {
    const { replica, disk, peers } = this.#parts;
    const { epoch, ballot } = this.lead;
    try {
      replica.promise(epoch, ballot);
      // Who promises may lack records all the same: only the comparison tells.
      for (const name of this.others) this.#writes.behind.add(name);
      await disk.durable();
      const promises = this.others.map(async (name) => {
        await peers.call<"promise">(name, { type: "promise", ...this.lead });
        this.#followers.add(name);
      });
      await quorum(promises, this.needed);
      if (this.#state === "preparing") this.#state = "leading";
      this.tick();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Goes on with what is unfinished. Called again and again. */
  tick(): void {
    if (this.#state !== "leading" && this.#state !== "paused") return;
    if (!this.followsItself) return this.end();
    this.#writes.resend();
    if (this.#shouldSynchronize()) void this.#synchronize();
    void this.#expiry.run();
    void this.#forgetting.run();
  }

  /**
   * Carries an operation out. Rejects with `unknown-outcome` if that cannot be told, and with
   * other codes if nothing happened.
   */
  execute(attempt: Attempt): Promise<Outcome> {
    const { text } = attempt.operation.key;
    if (this.#known(text)) return this.#executeNow(attempt);
    return this.#settle(text).then(() => this.#executeNow(attempt));
  }

  /**
   * A page of keys that hold something, as of a moment during the call. Rejects if it does not lead
   * or has not compared all copies yet.
   */
  async listKeys(query: KeyQuery): Promise<KeyPage> {
    if (this.#state !== "leading" || !this.followsItself) {
      throw new ReplicationError("not-leader", "leads no more");
    }
    if (!this.settled) throw new ReplicationError("unavailable", "the copies are being compared");
    const { replica, confirmer } = this.#parts;
    const { keys, after } = this.#readable(() => replica.lookAt(query));
    const unknown = keys.filter((key) => !this.#known(key));
    await Promise.all(unknown.map((key) => this.#settle(key)));
    const underWay = keys.flatMap((key) => this.#writes.of(key) ?? []);
    const listed = keys.flatMap((key): ListedKey[] => {
      const bytes = replica.lengthOf(key);
      return bytes === null ? [] : [{ key, bytes }];
    });
    await Promise.all([confirmer.confirm(this), ...underWay.map(committed)]);
    return { keys: listed, after };
  }

  /** Admits nothing more; resolves when what is under way is done. False if it ended meanwhile. */
  async pause(): Promise<boolean> {
    if (this.#state !== "leading") return false;
    this.#state = "paused";
    await this.#writes.drained();
    return this.#is("paused");
  }

  resume(): void {
    if (this.#state === "paused") this.#state = "leading";
  }

  /** Leads no more. Writes under way have an unknown outcome. */
  end(why = "the partition has another leader"): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#writes.end(new ReplicationError("unknown-outcome", why));
    this.#parts.ended(this);
  }

  /** A peer does not confirm: it follows another leader, or none since it came back. */
  refused(peer: string): void {
    this.#writes.behind.add(peer);
    this.#followers.delete(peer);
    if (this.#shouldSynchronize()) void this.#synchronize();
  }

  /** Who does not answer cannot be brought into step, however often it is tried. */
  #shouldSynchronize(): boolean {
    const { clock, peers } = this.#parts;
    if (!this.settled) return true;
    if (clock.now() - this.#synchronizedMs < SYNCHRONIZE_INTERVAL_MS) return false;
    return [...this.#writes.behind].some((name) => peers.reachable(name));
  }

  // --- operations -----------------------------------------------------------------------------

  async #executeNow(attempt: Attempt): Promise<Outcome> {
    const refusal = this.#refusal(attempt);
    if (refusal !== null) throw refusal;
    const { operation } = attempt;
    const { text } = operation.key;
    const underWay = this.#writes.of(text);
    const version = versionOf(this.#writes.nextStamp);
    const { wallClock, options } = this.#parts;
    const state = (underWay?.held ?? this.#own(text))?.state ?? null;
    const { outcome, next } = decide(operation, state, {
      version,
      answeredMax: options.answeredMax,
      nowMs: wallClock.now(),
    });
    if (next === null) return this.#confirmed(outcome, underWay);
    attempt.begun = true;
    return this.#write(text, next, outcome);
  }

  /** Why it cannot begin; null if it can. */
  #refusal({ abandoned, operation }: Attempt): ReplicationError | null {
    if (abandoned) return new ReplicationError("unavailable", "the time for this is over");
    if (this.#state !== "leading") return new ReplicationError("not-leader", "leads no more");
    if (!this.followsItself) {
      this.end();
      return new ReplicationError("not-leader", "its own replica follows another leader");
    }
    const { disk, options } = this.#parts;
    if (!this.#reachesMajority()) {
      return new ReplicationError("unavailable", "no majority of the copies can be reached");
    }
    if (operation.type === "get") return null;
    if (!disk.writable) return new ReplicationError("storage", "the disk does not take writes");
    if (this.#writes.countOf(operation.key.text) < options.pendingWritesMax) return null;
    return new ReplicationError("busy", "too many writes of this key are under way");
  }

  #reachesMajority(): boolean {
    let left = this.needed;
    for (const name of this.others) {
      if (left === 0) break;
      if (this.#parts.peers.reachable(name)) left -= 1;
    }
    return left === 0;
  }

  async #write(key: string, next: KeyState, outcome: Outcome): Promise<Outcome> {
    let write: Write;
    try {
      write = this.#writes.write(key, next);
    } catch (error) {
      this.#failed(error);
      throw new ReplicationError("not-leader", "leads no more", { cause: error });
    }
    await write.done;
    return outcome;
  }

  /** What was read is the latest if it is committed, and if nobody else led when it was read. */
  async #confirmed(outcome: Outcome, underWay: Write | undefined): Promise<Outcome> {
    const confirmed = this.#parts.confirmer.confirm(this);
    if (underWay === undefined) await confirmed;
    else {
      confirmed.catch(() => undefined);
      await committed(underWay);
      await confirmed;
    }
    return outcome;
  }

  /** A record that is damaged is not absent: nothing can be said of the key here. */
  #own(key: string): Held | null {
    return this.#readable(() => this.#parts.replica.held(key));
  }

  #readable<Read>(read: () => Read): Read {
    try {
      return read();
    } catch (cause) {
      this.#parts.unreadable();
      throw new ReplicationError("storage", "the own copy cannot be read", { cause });
    }
  }

  // --- what it did not write itself -------------------------------------------------------------

  /**
   * Whether what the own replica holds of the key can be used and shown as it is. A record of an
   * earlier view may have come to most members by gathering alone, though no majority accepted it,
   * and a member that was not compared may hold a newer rival of it. So it is written again.
   */
  #known(key: string): boolean {
    if (this.#compared === "all" || this.#settledKeys.has(key)) return true;
    if (this.#compared === "none") return false;
    const own = this.#own(key);
    return own === null || !this.#isOfEarlierView(own);
  }

  #isOfEarlierView({ stamp }: Held): boolean {
    return stamp.epoch < this.view.epoch;
  }

  #settle(key: string): Promise<void> {
    let settling = this.#settling.get(key);
    if (settling === undefined) {
      settling = this.#settleKey(key).finally(() => this.#settling.delete(key));
      this.#settling.set(key, settling);
    }
    return settling;
  }

  async #settleKey(key: string): Promise<void> {
    const { peers } = this.#parts;
    const underWay = this.#writes.of(key);
    if (underWay === undefined) {
      const reads = this.others.map((name) =>
        peers.call<"read">(name, { type: "read", ...this.lead, key }),
      );
      try {
        const replies = await quorum(reads, this.needed);
        await this.#mergeNewest(
          key,
          replies.map(({ held }) => held),
        );
      } catch (error) {
        this.#checkDeposed(error);
        throw new ReplicationError("unavailable", "too few copies could be read", { cause: error });
      }
    } else await committed(underWay);
    this.#settledKeys.add(key);
  }

  async #mergeNewest(key: string, others: readonly (Held | null)[]): Promise<void> {
    const underWay = this.#writes.of(key);
    if (underWay !== undefined) return await committed(underWay);
    const own = this.#own(key);
    const [newest = null] = [own, ...others].toSorted((a, b) => compareAges(b, a));
    const differ = others.some((held) => compareAges(held, own) !== 0);
    if (newest === null || this.#known(key)) return;
    if (!differ && !this.#isOfEarlierView(newest)) return;
    await this.#writes.write(key, newest.state).done;
  }

  async #synchronize(): Promise<void> {
    this.#synchronizedMs = this.#parts.clock.now();
    try {
      const compared = await this.#synchronizer.run();
      if (compared === "none" || this.#state === "over" || this.#compared === "all") return;
      this.#compared = compared;
      if (compared === "all") this.#settledKeys.clear();
    } catch (error) {
      // All that is not refused by a peer is the own replica's failure.
      if (!(error instanceof ReplicationError)) this.#parts.unreadable();
      this.#checkDeposed(error);
    }
  }

  // --- the end ----------------------------------------------------------------------------------

  #failed(error: unknown): void {
    this.#checkDeposed(error);
    this.end();
  }

  #checkDeposed(error: unknown): void {
    if (isAhead(error)) this.#deposed(error);
  }

  /** A refusal by a member that only has not heard of this leader yet is none. */
  #deposed(error: ReplicationError): void {
    const { epoch, ballot } = this.lead;
    if (error.code === "outranked" && error.promised <= ballot) return;
    if (error.code === "other-view" && error.view.epoch <= epoch) return;
    this.outrankedBy = Math.max(this.outrankedBy, error.promised);
    this.metSealed ||= error.code === "sealed";
    this.end();
  }

  #is(state: LeaderState): boolean {
    return this.#state === state;
  }
}

/**
 * The other members, those first whose names follow the own one: all that this node leads then asks
 * the same few nodes for confirmation, and a message of theirs serves more reads.
 */
function othersInCircle(view: View, self: string): readonly string[] {
  const names = view.members.map(({ name }) => name).filter((name) => name !== self);
  const inOrder = names.toSorted((a, b) => (a < b ? -1 : 1));
  return [...inOrder.filter((name) => name > self), ...inOrder.filter((name) => name < self)];
}

function compareAges(a: Held | null, b: Held | null): number {
  return compareStamps(a?.stamp ?? null, b?.stamp ?? null);
}

/** A read that rests on a write waits for it, but is not itself of unknown outcome. */
async function committed(write: Write): Promise<void> {
  try {
    await write.done;
  } catch (cause) {
    throw new ReplicationError("unavailable", "the value is being written", { cause });
  }
}
