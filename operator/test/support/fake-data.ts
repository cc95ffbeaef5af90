/**
 * The data layer of a fake ring: partitions with members that move towards the roster, a few at a
 * time, as replicas would. Who is up comes from the ring; everything else is here.
 *
 * One truth about the partitions is shared by all nodes, but each has its own roster, and learns a
 * newer one only by gossip, so that an operator that does not wait for it is caught.
 */
import type { NodeData, Roster } from "../../src/ring/view.ts";

export const PARTITIONS = 24;
export const KEYS_OF_PARTITION = 5;
export const BYTES_OF_KEY = 20;
/** Moves that one step completes. */
const MOVES_PER_STEP = 6;

interface Partition {
  members: string[];
}

/** Where a roster wants a partition: the fake deals pods out in turn. */
function placeOf(roster: Roster, partition: number): string[] {
  const count = Math.min(roster.copies, roster.pods.length);
  return Array.from(
    { length: count },
    (_, copy) => roster.pods[(partition + copy) % roster.pods.length]?.name ?? "",
  );
}

function isPlaced(members: readonly string[], wanted: readonly string[]): boolean {
  return members.length === wanted.length && wanted.every((name) => members.includes(name));
}

export class FakeData {
  /** The rosters there have been, one a generation, in the order in which they came. */
  readonly history: Roster[] = [];
  /** While true, no partition moves. */
  stalled = false;
  /** While true, nodes do not tell each other of rosters. */
  mute = false;
  /** Nodes whose copies are out of reach though they run. */
  readonly lost = new Set<string>();
  readonly #isUp: (name: string) => boolean;
  readonly #rosters = new Map<string, Roster>();
  #partitions: Partition[] = [];
  #noise = 0;

  constructor(isUp: (name: string) => boolean) {
    this.#isUp = (name) => isUp(name) && !this.lost.has(name);
  }

  /** The founders agree on the first members; nothing happens when they have before. */
  charter(founders: readonly string[], copies: number): void {
    if (this.#partitions.length > 0 || founders.length === 0) return;
    const pods = founders.map((name) => ({ name, zone: null }));
    const roster = { generation: 0, copies, pods };
    this.#partitions = Array.from({ length: PARTITIONS }, (_, index) => ({
      members: placeOf(roster, index),
    }));
    for (const name of founders) this.take(name, roster);
  }

  heldBy(name: string): number {
    return this.#partitions.filter(({ members }) => members.includes(name)).length;
  }

  rosterOf(name: string): Roster | undefined {
    return this.#rosters.get(name);
  }

  /** Whether all partitions are where this roster wants them. */
  follows(roster: Roster): boolean {
    return this.#partitions.every(({ members }, index) =>
      isPlaced(members, placeOf(roster, index)),
    );
  }

  take(name: string, roster: Roster): boolean {
    const before = this.#rosters.get(name);
    if (before && before.generation > roster.generation) return false;
    const isNew = this.history.every(({ generation }) => generation !== roster.generation);
    if (isNew) this.history.push(roster);
    this.#rosters.set(name, roster);
    return true;
  }

  /** Makes figures differ from what they were, as they do while much is going on. */
  flicker(): void {
    this.#noise += 1;
  }

  /** A pod of that name will not come back, nor will what it knew. */
  forget(name: string): void {
    this.#rosters.delete(name);
  }

  /** One round of gossip among the nodes that are up, then a few moves. */
  step(up: readonly string[]): void {
    const known = up.flatMap((name) => this.#rosters.get(name) ?? []);
    const [newest] = known.toSorted((a, b) => b.generation - a.generation);
    if (newest === undefined) return;
    for (const name of this.mute ? [] : up) this.#rosters.set(name, newest);
    let moves = this.stalled ? 0 : MOVES_PER_STEP;
    for (const [index, partition] of this.#partitions.entries()) {
      if (moves > 0 && this.#move(partition, placeOf(newest, index))) moves -= 1;
    }
  }

  /** Replaces, adds or drops one member; only a majority that is up may agree on that. */
  #move(partition: Partition, wanted: readonly string[]): boolean {
    const { members } = partition;
    const live = members.filter((name) => this.#isUp(name));
    if (isPlaced(members, wanted) || live.length * 2 <= members.length) return false;
    const comes = wanted.find((name) => !members.includes(name) && this.#isUp(name));
    const goes = members.find((name) => !wanted.includes(name));
    if (comes === undefined && members.length <= wanted.length) return false;
    const stay = members.filter((name) => name !== goes);
    partition.members = comes === undefined ? stay : [...stay, comes];
    return true;
  }

  reportOf(name: string, isMember: boolean): NodeData {
    const roster = this.#rosters.get(name) ?? null;
    const leaderOf = ({ members }: Partition): string | undefined =>
      members.find((member) => this.#isUp(member));
    const led = this.#partitions
      .map((partition, index) => ({ partition, index }))
      .filter(({ partition }) => leaderOf(partition) === name);
    const misplaced = led.filter(
      ({ partition, index }) =>
        roster !== null && !isPlaced(partition.members, placeOf(roster, index)),
    );
    const degraded = led.filter(({ partition }) => !partition.members.every(this.#isUp));
    return {
      chartered: isMember && this.#partitions.length > 0,
      partitions: PARTITIONS,
      roster,
      held: this.heldBy(name),
      led: led.length,
      degraded: degraded.length + (this.#noise % 2),
      misplaced: misplaced.length,
      unled: this.#partitions.filter((partition) => leaderOf(partition) === undefined).length,
      keysLed: led.length * KEYS_OF_PARTITION,
      bytesLed: led.length * KEYS_OF_PARTITION * BYTES_OF_KEY,
      keysLeft: misplaced.length * KEYS_OF_PARTITION + this.#noise,
      bytesLeft: misplaced.length * KEYS_OF_PARTITION * BYTES_OF_KEY,
    };
  }
}
