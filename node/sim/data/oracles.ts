/**
 * What must hold after every event, whatever the faults. The oracles see all disks and all answers
 * at once; they know the invariants of docs/consistency.md, not the code.
 *
 * A disk counts with what is durable on it. What clients know of is what they were told: each
 * answer is checked against it, and it against what is on the disks.
 */
import type {
  Member,
  NodeRecord,
  Operation,
  Outcome,
  Reply,
  Request,
  RequestType,
} from "../../src/replication/index.ts";
import { proposerOf } from "../../src/replication/ballot.ts";
import { checkAnswer } from "./answer-oracle.ts";
import type { Change, Platter, Stored } from "./disk.ts";
import type { Call, KeyHistory, Version } from "./history.ts";
import { OracleError } from "./oracle-error.ts";
import { PartitionOracles } from "./partition-oracles.ts";
import { namesIn } from "./view-oracles.ts";
import type { DataNode, Observer, World } from "./world.ts";

export class Oracles implements Observer {
  readonly partitions: readonly PartitionOracles[];
  readonly #world: World;
  /** The partition of each key. */
  readonly #places: ReadonlyMap<string, number>;
  /** Partitions of which what is on disks changed: D1 is checked once the event is over. */
  readonly #dirty = new Set<PartitionOracles>();
  #chartered = false;
  /** Counts what clients began and learned. */
  #moments = 0;

  constructor(world: World, partitions: number, places: ReadonlyMap<string, number>) {
    this.#world = world;
    this.#places = places;
    const keys = [...places.keys()];
    const diskOf = (member: Member): Platter | null => world.diskOf(member);
    this.partitions = Array.from(
      { length: partitions },
      (_, partition) =>
        new PartitionOracles(
          partition,
          keys.filter((key) => places.get(key) === partition),
          diskOf,
        ),
    );
    world.observer = this;
    world.scheduler.onSettled = () => this.afterEvent();
  }

  /** Called when a view was decided, with the members of the one before. */
  onDecided: (before: readonly Member[]) => void = () => {};
  /** Called when a proposal of a next view is on a disk, with who proposed it and who may vote. */
  onProposed: (name: string, members: readonly Member[]) => void = () => {};
  /** Called when the first node has a complete charter on its disk. */
  onChartered: (name: string) => void = () => {};

  get views(): number {
    return this.partitions.reduce((sum, { views }) => sum + (views.last?.epoch ?? 0), 0);
  }

  of(key: string): KeyHistory {
    return this.#partitionOf(key).of(key);
  }

  isDead(key: string): boolean {
    return this.#partitionOf(key).dead;
  }

  afterEvent(): void {
    if (this.#dirty.size === 0) return;
    for (const partition of this.#dirty) partition.checkHeld();
    this.#dirty.clear();
  }

  // --- disks ------------------------------------------------------------------------------------

  changed(change: Change, before: Stored | null, nowMs: number): void {
    if (change.type === "forget" && before !== null) {
      this.#of(change.partition).removed(change.key, before);
    }
    if (change.type !== "keep") return;
    const partition = this.#of(change.partition);
    partition.of(change.key).moment = this.#moments;
    partition.kept(change, before?.records.get(change.key), nowMs);
  }

  durable(platter: Platter, change: Change): void {
    if (change.type === "record") {
      this.#durableRecord(platter, change.record);
      return;
    }
    const partition = this.#of(change.partition);
    const stored = platter.durable.of(change.partition);
    if (change.type === "keep") partition.durableRecord(platter, stored, change);
    else this.#dirty.add(partition);
    if (change.type === "forget") partition.durableRemoval(platter, stored, change.key);
    if (change.type === "clear") partition.durableClearing(platter);
    if (change.type === "state") this.#durableState(partition, { platter, stored }, change.state);
  }

  #durableState(
    partition: PartitionOracles,
    { platter, stored }: { readonly platter: Platter; readonly stored: Stored },
    state: Extract<Change, { type: "state" }>["state"],
  ): void {
    const known = partition.views.last;
    const accepted = state.changeAccepted;
    partition.durableState(platter, stored, state);
    if (accepted !== null && accepted !== stored.state?.changeAccepted) {
      const { view } = state;
      this.onProposed(proposerOf(view, accepted.ballot)?.name ?? "", view.members);
    }
    const { last } = partition.views;
    if (last === null || last === known) return;
    if (known !== null) this.onDecided(known.members);
    if (!this.#world.recording) return;
    const what = `epoch ${last.epoch} of ${namesIn(last)}`;
    this.#world.note(`decided for partition ${partition.partition}: ${what}`);
  }

  answered(node: DataNode, request: Request, reply: Reply<RequestType>): void {
    checkAnswer(node.platter, request, reply);
  }

  lost(): void {
    for (const partition of this.partitions) {
      const { dead } = partition;
      partition.lost();
      if (!dead && partition.dead) this.#world.note(`partition ${partition.partition} is lost`);
    }
  }

  /** V6. */
  #durableRecord({ name }: Platter, { charter }: NodeRecord): void {
    if (charter === null) return;
    if (charter.partitions !== this.partitions.length) {
      throw new OracleError("V6", `${name} cuts the circle into ${charter.partitions} partitions`);
    }
    if (!charter.complete || this.#chartered) return;
    this.#chartered = true;
    this.onChartered(name);
  }

  // --- clients ----------------------------------------------------------------------------------

  began(id: string, operation: Operation): Call {
    this.#moments += 1;
    const history = this.of(operation.key.text);
    const call: Call = {
      id,
      operation,
      begin: this.#moments,
      end: Number.POSITIVE_INFINITY,
      floor: history.observed,
      outcome: "unknown",
    };
    history.calls.push(call);
    return call;
  }

  /** A client is told what became of its call. */
  told(call: Call, outcome: Outcome): void {
    this.#moments += 1;
    call.end = this.#moments;
    call.outcome = outcome;
    const partition = this.#partitionOf(call.operation.key.text);
    const history = partition.of(call.operation.key.text);
    const version = this.#versionOf(history, call, outcome);
    if (version === null) {
      history.checkGone(call);
      return;
    }
    history.checkFresh(call, version);
    if (outcome.type === "stored" || outcome.type === "deleted") {
      partition.checkAcknowledged(history, version);
    }
    history.observe(version);
    partition.checkKey(history);
  }

  /** The state that a client learns of; null if it found nothing. */
  #versionOf(history: KeyHistory, { id }: Call, outcome: Outcome): Version | null {
    if (outcome.type === "deleted") return this.#tombstoneOf(history, id);
    if (!("version" in outcome) || outcome.version === null) return null;
    const version = history.named(outcome.version);
    if (version !== null) return version;
    throw history.broken("D3", `${id} was told of ${outcome.version}, which nobody made`);
  }

  /** What the call's delete made; of several, what did not come to nothing. */
  #tombstoneOf(history: KeyHistory, id: string): Version {
    const made = [...history.versions].filter(({ call }) => call === id);
    const partition = this.#partitionOf(history.key);
    const version = made.findLast((one) => partition.isAcknowledged(history, one)) ?? made.at(-1);
    if (version === undefined) throw history.broken("D2", `${id} deleted nothing`);
    return version;
  }

  #partitionOf(key: string): PartitionOracles {
    return this.#of(this.#places.get(key) ?? -1);
  }

  #of(partition: number): PartitionOracles {
    const found = this.partitions[partition];
    if (found === undefined) throw new OracleError("V6", `there is no partition ${partition}`);
    return found;
  }
}
