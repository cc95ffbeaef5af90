/**
 * A leader's writes under way: each goes to every member of the view at once and is done when a
 * majority has it on disk. Until then it is sent again and again; nobody else may decide that it
 * did not happen.
 *
 * Writes of one key follow each other without waiting: the later one rests on the earlier one and
 * carries all of it, so a member that has the later one needs the earlier one no more.
 */
import type { Ballot, Stamp } from "./ballot.ts";
import type { ReplicationError } from "./errors.ts";
import type { Peers } from "./peers.ts";
import { isAhead } from "./quorum.ts";
import type { Held, KeyState } from "./record.ts";
import type { Replica } from "./replica.ts";
import type { Disk } from "./store.ts";
import type { Member, View } from "./view.ts";

export interface Write {
  readonly key: string;
  readonly held: Held;
  /** Resolves when a majority has it; rejects when that cannot be known any more. */
  readonly done: Promise<void>;
}

interface Pending extends Write {
  readonly resolve: () => void;
  readonly reject: (error: ReplicationError) => void;
  /** Bit sets over `members`. */
  acknowledged: number;
  inFlight: number;
  settled: boolean;
}

/** The writes of one key under way. */
interface Register {
  last: Pending;
  count: number;
}

export interface WritesParts {
  readonly partition: number;
  readonly view: View;
  readonly ballot: Ballot;
  readonly replica: Replica;
  readonly disk: Disk;
  readonly peers: Peers;
  /** A member follows somebody else, or is in another view. */
  readonly deposed: (error: ReplicationError) => void;
}

export class Writes {
  /** Members that may lack a record. */
  readonly behind = new Set<string>();
  readonly #parts: WritesParts;
  /** This node first. */
  readonly #members: readonly Member[];
  readonly #needed: number;
  readonly #registers = new Map<string, Register>();
  readonly #unsettled = new Set<Pending>();
  #count = 0;
  #drained: (() => void)[] = [];

  constructor(parts: WritesParts) {
    this.#parts = parts;
    const { self } = parts.replica;
    this.#members = [self, ...parts.view.members.filter(({ name }) => name !== self.name)];
    this.#needed = Math.floor(this.#members.length / 2) + 1;
  }

  /** The stamp of the next write. */
  get nextStamp(): Stamp {
    const { view, ballot } = this.#parts;
    return { epoch: view.epoch, ballot, count: this.#count + 1 };
  }

  /** The last write of a key that is under way. */
  of(key: string): Write | undefined {
    return this.#registers.get(key)?.last;
  }

  countOf(key: string): number {
    return this.#registers.get(key)?.count ?? 0;
  }

  /** Whether a member did not get the last write under way, and nothing is on its way to it. */
  missed(key: string, member: string): boolean {
    const last = this.#registers.get(key)?.last;
    if (last === undefined) return false;
    const place = this.#members.findIndex(({ name }) => name === member);
    return (((last.acknowledged | last.inFlight) >> place) & 1) === 0;
  }

  /** Throws what the own replica refuses; then nothing was sent. */
  write(key: string, state: KeyState): Write {
    const { replica, disk } = this.#parts;
    const stamp = this.nextStamp;
    const held = { stamp, state };
    replica.accept(key, held);
    this.#count = stamp.count;
    const pending = this.#begin(key, held);
    disk.durable().then(
      () => this.#acknowledge(pending, 0),
      () => undefined,
    );
    for (let place = 1; place < this.#members.length; place += 1) this.#send(pending, place);
    return pending;
  }

  /** Sends again what too few have acknowledged, to members that answer and have their disks. */
  resend(): void {
    for (const pending of this.#unsettled) {
      for (let place = 1; place < this.#members.length; place += 1) {
        const done = ((pending.acknowledged | pending.inFlight) >> place) & 1;
        const member = this.#members[place] as Member;
        if (done === 0 && this.#parts.peers.present(member)) this.#send(pending, place);
      }
      if ((pending.acknowledged & 1) === 0) this.#syncOwn(pending);
    }
  }

  /** Resolves when nothing is under way. */
  drained(): Promise<void> {
    if (this.#unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
    });
  }

  /** What is under way will not be heard of any more. */
  end(error: ReplicationError): void {
    for (const pending of this.#unsettled) pending.reject(error);
    this.#unsettled.clear();
    this.#registers.clear();
    this.#wake();
  }

  #begin(key: string, held: Held): Pending {
    const done: PromiseWithResolvers<void> = Promise.withResolvers();
    // Whoever wrote may have given up waiting.
    done.promise.catch(() => undefined);
    const pending: Pending = {
      key,
      held,
      done: done.promise,
      resolve: done.resolve,
      reject: done.reject,
      acknowledged: 0,
      inFlight: 0,
      settled: false,
    };
    const register = this.#registers.get(key);
    if (register === undefined) this.#registers.set(key, { last: pending, count: 1 });
    else {
      register.last = pending;
      register.count += 1;
    }
    this.#unsettled.add(pending);
    return pending;
  }

  /** The disk refused before: what is durable by now includes this write. */
  #syncOwn(pending: Pending): void {
    const { disk } = this.#parts;
    if (!disk.writable) return;
    disk.durable().then(
      () => this.#acknowledge(pending, 0),
      () => undefined,
    );
  }

  #send(pending: Pending, place: number): void {
    const { peers, partition } = this.#parts;
    const { key, held } = pending;
    const { name } = this.#members[place] as Member;
    pending.inFlight |= 1 << place;
    peers.call<"accept">(name, { type: "accept", partition, key, held }).then(
      () => this.#acknowledge(pending, place),
      (error: unknown) => {
        pending.inFlight &= ~(1 << place);
        this.behind.add(name);
        if (isAhead(error)) this.#parts.deposed(error);
      },
    );
  }

  #acknowledge(pending: Pending, place: number): void {
    pending.inFlight &= ~(1 << place);
    pending.acknowledged |= 1 << place;
    if (pending.settled) return;
    if (countBits(pending.acknowledged) < this.#needed) return;
    pending.settled = true;
    if (!this.#unsettled.delete(pending)) return;
    const register = this.#registers.get(pending.key);
    if (register !== undefined) {
      register.count -= 1;
      if (register.count === 0) this.#registers.delete(pending.key);
    }
    pending.resolve();
    if (this.#unsettled.size === 0) this.#wake();
  }

  #wake(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }
}

function countBits(set: number): number {
  let count = 0;
  for (let rest = set; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
