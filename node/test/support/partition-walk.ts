/**
 * Random runs of one partition with real replicas: node/model/replication.pml played by chance
 * instead of exhaustively. Steps of proposers, changes and gathering come in any order and at any
 * distance; what clients see is checked after each.
 */
import assert from "node:assert/strict";
import type { SeededRandom } from "../../sim/random.ts";
import { type Ballot, compareStamps, noBallot, type Stamp } from "../../src/replication/ballot.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Held } from "../../src/replication/record.ts";
import type { Replica } from "../../src/replication/replica.ts";
import {
  isMajority,
  isMember,
  type Member,
  sameMembers,
  type View,
} from "../../src/replication/view.ts";
import { ReplicaMemory } from "./replica-memory.ts";

const key = "key";
const viewCountMax = 8;

/** A value's place in the one history that clients may see. */
interface Value {
  readonly version: number;
  readonly base: Value | null;
}

interface Write {
  readonly held: Held;
  readonly value: Value | null;
  readonly acks: Member[];
  /** What clients knew when it began. */
  readonly floor: number;
  done: boolean;
}

interface Proposer {
  readonly view: View;
  readonly ballot: Ballot;
  readonly promises: Member[];
  readonly heard: (Held | null)[];
  count: number;
  state: "preparing" | "merging" | "known";
  value: Value | null;
  pending: number;
}

interface Change {
  readonly view: View;
  readonly ballot: Ballot;
  readonly promises: Member[];
  readonly accepts: Member[];
  best: Ballot;
  members: readonly Member[];
}

interface Host {
  readonly member: Member;
  readonly disk: ReplicaMemory;
  replica: Replica;
  /** Who has shown this one its records for the view with this epoch. */
  gathering: { readonly epoch: number; readonly from: Member[] } | null;
}

export class PartitionWalk {
  readonly #random: SeededRandom;
  readonly #hosts: Host[];
  readonly #views: View[];
  readonly #proposers: Proposer[] = [];
  readonly #changes: Change[] = [];
  readonly #writes: Write[] = [];
  /** The value that clients have seen of each version, and the values behind the held states. */
  readonly #seen = new Map<number, Value>();
  readonly #values = new Map<Held["state"], Value>();
  #latest = 0;
  #rounds = 1;
  /** How many puts and gets clients have had answered, and how many views were replaced. */
  readonly counts = { puts: 0, gets: 0, views: 0 };

  constructor(random: SeededRandom, make: (member: Member, disk: ReplicaMemory) => Replica) {
    this.#random = random;
    this.#hosts = ["a", "b", "c", "d", "e"].map((name) => {
      const member = { name, incarnation: "1" };
      const disk = new ReplicaMemory();
      return { member, disk, replica: make(member, disk), gathering: null };
    });
    const first = { epoch: 1, members: this.#hosts.slice(0, 3).map(({ member }) => member) };
    this.#views = [first];
    for (const host of this.#hosts.slice(0, 3)) host.replica.activate(first);
  }

  /** One step of a kind drawn by chance; what it may not do just now is no step. */
  step(): void {
    const steps = [
      () => this.#propose(),
      () => this.#prepare(),
      () => this.#prepare(),
      () => this.#put(),
      () => this.#deliver(),
      () => this.#deliver(),
      () => this.#deliver(),
      () => this.#deliver(),
      () => this.#acknowledge(),
      () => this.#get(),
      () => this.#change(),
      () => this.#vote(),
      () => this.#vote(),
      () => this.#gather(),
      () => this.#gather(),
      () => this.#retire(),
      () => this.#restart(),
    ];
    try {
      this.#random.pick(steps)?.();
    } catch (error) {
      // A replica that refuses is part of the game.
      if (!(error instanceof ReplicationError)) throw error;
    }
  }

  // --- proposers ------------------------------------------------------------------------------

  #propose(): void {
    const host = this.#random.pick(this.#hosts);
    if (host === undefined || !host.replica.active || this.#random.chance(0.85)) return;
    this.#proposers.push({
      view: host.replica.view,
      ballot: this.#nextBallot(),
      promises: [],
      heard: [],
      count: 0,
      state: "preparing",
      value: null,
      pending: 0,
    });
  }

  #prepare(): void {
    const proposer = this.#random.pick(this.#proposers.slice(-2));
    const host = this.#hostOf(proposer?.view);
    if (proposer?.state !== "preparing" || host === undefined) return;
    const { view, ballot } = proposer;
    host.replica.promise(view.epoch, ballot);
    proposer.promises.push(host.member);
    proposer.heard.push(host.replica.read(view.epoch, ballot, key));
    if (isMajority(view, proposer.promises)) this.#settle(proposer);
  }

  /** Where a majority holds one record it is known, else it is written again. */
  #settle(proposer: Proposer): void {
    const [newest] = proposer.heard.toSorted((a, b) => compareStamps(stampOf(b), stampOf(a)));
    const held = newest ?? null;
    proposer.value = held === null ? null : (this.#values.get(held.state) ?? null);
    const alike = proposer.heard.every((one) => compareStamps(stampOf(one), stampOf(held)) === 0);
    proposer.state = alike ? "known" : "merging";
    if (!alike && held !== null) this.#issue(proposer, held.state, null);
  }

  #put(): void {
    const proposer = this.#random.pick(this.#proposers.slice(-3));
    if (proposer?.state !== "known") return;
    const value = { version: (proposer.value?.version ?? 0) + 1, base: proposer.value };
    const state = { version: `${value.version}`, content: null, answered: [] };
    this.#values.set(state, value);
    proposer.value = value;
    proposer.pending += 1;
    this.#issue(proposer, state, value);
  }

  #issue(proposer: Proposer, state: Held["state"], value: Value | null): void {
    proposer.count += 1;
    const { view, ballot, count } = proposer;
    const held = { stamp: { epoch: view.epoch, ballot, count }, state };
    this.#writes.push({ held, value, acks: [], floor: this.#latest, done: false });
  }

  /** Any write may come to any replica, now or long after it was acknowledged. */
  #deliver(): void {
    const write = this.#random.pick(this.#writes.slice(this.#random.chance(0.2) ? -8 : -2));
    const host = this.#hostOf(this.#views.find(({ epoch }) => epoch === write?.held.stamp.epoch));
    if (write === undefined || host === undefined) return;
    host.replica.accept(key, write.held);
    write.acks.push(host.member);
  }

  #acknowledge(): void {
    const write = this.#random.pick(this.#writes.slice(-8).filter(({ done }) => !done));
    const proposer = this.#proposers.find(({ ballot }) => ballot === write?.held.stamp.ballot);
    if (write === undefined || proposer === undefined) return;
    if (!isMajority(proposer.view, write.acks)) return;
    write.done = true;
    if (write.value === null) {
      proposer.state = "known";
      return;
    }
    proposer.pending -= 1;
    this.counts.puts += 1;
    assert.ok(write.value.version > write.floor, "a put replaced what was out of date");
    this.#observe(write.value);
  }

  #get(): void {
    const proposer = this.#random.pick(this.#proposers.slice(-3));
    if (proposer?.state !== "known" || proposer.pending > 0) return;
    const { view, ballot, value } = proposer;
    const confirmed = this.#hosts.filter(({ replica }) => {
      try {
        replica.confirm(view.epoch, ballot);
        return true;
      } catch (error) {
        if (!(error instanceof ReplicationError)) throw error;
        return false;
      }
    });
    if (
      !isMajority(
        view,
        confirmed.map(({ member }) => member),
      )
    )
      return;
    this.counts.gets += 1;
    assert.ok((value?.version ?? 0) >= this.#latest, "a get was out of date");
    if (value !== null) this.#observe(value);
  }

  /** A client learns of a value and of all that it replaced: nobody may have seen others. */
  #observe(value: Value): void {
    this.#latest = Math.max(this.#latest, value.version);
    for (let one: Value | null = value; one !== null; one = one.base) {
      const known = this.#seen.get(one.version);
      if (known === one) return;
      assert.equal(known, undefined, `clients saw two values of version ${one.version}`);
      this.#seen.set(one.version, one);
    }
  }

  // --- views ----------------------------------------------------------------------------------

  #change(): void {
    const host = this.#random.pick(this.#hosts);
    const spare = this.#random.pick(this.#hosts)?.member;
    if (host === undefined || spare === undefined || !isMember(host.replica.view, host.member))
      return;
    const { view } = host.replica;
    if (view.epoch >= viewCountMax || this.#random.chance(0.88)) return;
    const out = this.#random.pick(view.members);
    const rest = view.members.filter((member) => member !== out);
    const members = isMember(view, spare) ? view.members : [...rest, spare];
    const ballot = this.#nextBallot();
    this.#changes.push({ view, ballot, promises: [], accepts: [], best: noBallot, members });
  }

  #vote(): void {
    const change = this.#random.pick(this.#changes.slice(-3));
    const host = this.#hostOf(change?.view);
    if (change === undefined || host === undefined) return;
    const { epoch } = change.view;
    if (!isMajority(change.view, change.promises)) {
      const accepted = host.replica.promiseChange(epoch, change.ballot);
      change.promises.push(host.member);
      if (accepted === null || accepted.ballot <= change.best) return;
      change.best = accepted.ballot;
      change.members = accepted.members;
      return;
    }
    host.replica.acceptChange(epoch, change.ballot, change.members);
    change.accepts.push(host.member);
    if (isMajority(change.view, change.accepts)) this.#decide(epoch + 1, change.members);
  }

  #decide(epoch: number, members: readonly Member[]): void {
    const decided = this.#views.find((view) => view.epoch === epoch);
    if (decided === undefined) {
      this.#views.push({ epoch, members });
      this.counts.views += 1;
      return;
    }
    assert.ok(sameMembers(decided.members, members), `two views were decided for epoch ${epoch}`);
  }

  #gather(): void {
    const next = this.#random.pick(this.#views);
    const old = this.#views.find(({ epoch }) => epoch + 1 === next?.epoch);
    const host = this.#hostOf(next);
    const source = this.#hostOf(old);
    if (next === undefined || old === undefined || !host || !source) return;
    if (!isMember(next, host.member) || host.replica.view.epoch >= next.epoch) return;
    if (isMember(old, source.member)) this.#take(host, source, { old, next });
  }

  #take(host: Host, source: Host, { old, next }: { old: View; next: View }): void {
    const { entries } = source.replica.show(next, null, 10);
    if (host.gathering?.epoch !== next.epoch) host.gathering = { epoch: next.epoch, from: [] };
    for (const { key: held } of entries) {
      const record = source.replica.held(held);
      if (record !== null) host.replica.merge(held, record);
    }
    host.gathering.from.push(source.member);
    if (!isMajority(old, host.gathering.from)) return;
    host.replica.activate(next);
    host.gathering = null;
  }

  #retire(): void {
    const next = this.#random.pick(this.#views);
    const host = this.#random.pick(this.#hosts);
    if (next === undefined || host === undefined) return;
    if (isMember(next, host.member) || host.replica.view.epoch !== next.epoch - 1) return;
    const members = this.#hosts.filter(({ member }) => isMember(next, member));
    if (members.every(({ replica }) => replica.view.epoch >= next.epoch)) host.replica.retire(next);
  }

  // --------------------------------------------------------------------------------------------

  /** A process ends and comes back with its disk; what it gathered it must gather again. */
  #restart(): void {
    const host = this.#random.pick(this.#hosts);
    if (host === undefined) return;
    const make = host.replica.constructor as new (member: Member, disk: ReplicaMemory) => Replica;
    host.replica = new make(host.member, host.disk);
    host.gathering = null;
  }

  /** Mostly a member of the view, sometimes anybody. */
  #hostOf(view: View | undefined): Host | undefined {
    const anybody = view === undefined || this.#random.chance(0.1);
    return this.#random.pick(this.#hosts.filter(({ member }) => anybody || isMember(view, member)));
  }

  /** Never twice the same, and not always the highest: a proposer may not know of the others. */
  #nextBallot(): Ballot {
    this.#rounds += 1;
    return 3 * this.#rounds - 4 * this.#random.integer(0, 1);
  }
}

function stampOf(held: Held | null): Stamp | null {
  return held?.stamp ?? null;
}
