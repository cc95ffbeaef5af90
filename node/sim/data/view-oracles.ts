/**
 * Oracles of one partition's views: what was decided follows from what is on the disks of the
 * members, and nobody may use anything else.
 */
import type { Member, ReplicaState, View } from "../../src/replication/index.ts";
import type { AcceptedChange } from "../../src/replication/store.ts";
import { sameMembers } from "../../src/replication/view.ts";
import { OracleError } from "./oracle-error.ts";

/** Who has accepted a proposal, on its disk. */
interface Accepted {
  readonly members: readonly Member[];
  readonly by: Set<string>;
}

export class PartitionViews {
  readonly partition: number;
  /** The decided ones, by epoch; the first at 1. */
  readonly decided: View[] = [];
  /** Called when a view was decided. */
  onDecided: (view: View) => void = () => {};
  /** Epoch and ballot → who accepted what. */
  readonly #accepted = new Map<string, Accepted>();

  constructor(partition: number) {
    this.partition = partition;
  }

  /** The last one that was decided. */
  get last(): View | null {
    return this.decided.at(-1) ?? null;
  }

  of(epoch: number): View | null {
    return this.decided[epoch] ?? null;
  }

  /** A replica's state is about to become durable. */
  durable(incarnation: string, before: ReplicaState | null, after: ReplicaState): void {
    this.#checkGrowth(before, after);
    const { view, changeAccepted } = after;
    if (view.epoch !== (before?.view.epoch ?? 0)) this.#checkUse(view);
    if (changeAccepted !== null && changeAccepted !== before?.changeAccepted) {
      this.#accept(incarnation, view.epoch, changeAccepted);
    }
  }

  /** D7. */
  #checkGrowth(before: ReplicaState | null, after: ReplicaState): void {
    if (before === null || !isShrunk(before, after)) return;
    throw this.#broken("D7", `${told(after)} after ${told(before)}`);
  }

  /** V1 and V2: whoever begins in a view or takes notice of it. */
  #checkUse(view: View): void {
    if (view.epoch === 1 && this.decided[1] === undefined) this.#decide(view);
    const decided = this.of(view.epoch);
    if (decided === null) throw this.#broken("V2", `epoch ${view.epoch} is used and not decided`);
    if (!sameMembers(decided.members, view.members)) {
      throw this.#broken("V1", `${namesIn(view)} and ${namesIn(decided)} in epoch ${view.epoch}`);
    }
  }

  #accept(incarnation: string, epoch: number, { ballot, members }: AcceptedChange): void {
    const at = `${epoch}/${ballot}`;
    const accepted = this.#accepted.get(at) ?? { members, by: new Set<string>() };
    this.#accepted.set(at, accepted);
    if (!sameMembers(accepted.members, members)) {
      throw this.#broken("V1", `two proposals with ballot ${ballot} in epoch ${epoch}`);
    }
    accepted.by.add(incarnation);
    const view = this.of(epoch);
    if (view === null) throw this.#broken("V2", `a vote in epoch ${epoch}, which was not decided`);
    const votes = view.members.filter((member) => accepted.by.has(member.incarnation)).length;
    if (2 * votes > view.members.length) this.#decide({ epoch: epoch + 1, members });
  }

  #decide(view: View): void {
    const known = this.of(view.epoch);
    if (known === null) {
      this.#checkMembers(view);
      this.decided[view.epoch] = view;
      this.onDecided(view);
    } else if (!sameMembers(known.members, view.members)) {
      throw this.#broken("V1", `${namesIn(known)} and ${namesIn(view)} in epoch ${view.epoch}`);
    }
  }

  /** V5. */
  #checkMembers(view: View): void {
    const names = new Set(view.members.map(({ name }) => name));
    if (names.size !== view.members.length || names.size === 0) {
      throw this.#broken("V5", `${namesIn(view)} in epoch ${view.epoch}`);
    }
  }

  #broken(oracle: "D7" | "V1" | "V2" | "V5", problem: string): OracleError {
    return new OracleError(oracle, `partition ${this.partition}: ${problem}`);
  }
}

function isShrunk(before: ReplicaState, after: ReplicaState): boolean {
  if (after.view.epoch !== before.view.epoch) return after.view.epoch < before.view.epoch;
  const numbers = (state: ReplicaState): number[] => [
    state.promised,
    state.changePromised,
    state.changeAccepted?.ballot ?? 0,
    Number(state.sealed),
  ];
  const grown = numbers(after);
  return numbers(before).some((number, index) => number > (grown[index] as number));
}

export function namesIn({ members }: View): string {
  return members.map(({ name, incarnation }) => `${name}/${incarnation}`).join(",");
}

function told(state: ReplicaState): string {
  const { view, sealed, promised, changePromised, changeAccepted } = state;
  return (
    `epoch ${view.epoch}${sealed ? " sealed" : ""}, promised ${promised}, ` +
    `change ${changePromised} promised and ${changeAccepted?.ballot ?? 0} accepted`
  );
}
