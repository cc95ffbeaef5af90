/**
 * Who of a partition's members should lead it: the first in the roster's order that answers and
 * whose disk takes writes. It is only about who tries; whoever does must win a majority.
 */
import { proposerOf } from "./ballot.ts";
import type { NodeContext } from "./node-context.ts";
import type { Replica } from "./replica.ts";
import { type Member, sameMember, type View } from "./view.ts";

export class Turns {
  readonly #context: NodeContext;
  readonly #number: number;
  readonly #replica: Replica;
  /** Some record of the own replica is damaged. */
  #unreadable = false;
  #leaderlessSinceMs: number | null = null;

  constructor(context: NodeContext, partition: number, replica: Replica) {
    this.#context = context;
    this.#number = partition;
    this.#replica = replica;
  }

  /** How many members before this one answer. */
  get own(): number {
    const { self, map } = this.#context;
    const view = map.get(this.#number)?.view;
    if (view === undefined) return 0;
    const present = this.#inOrder(view).filter((member) => this.#isAble(member));
    return present.findIndex((member) => sameMember(member, self));
  }

  /** The first in order leads at once; others only after nobody has for a while. */
  get mayLead(): boolean {
    const { clock, options, leaving } = this.#context;
    if (leaving()) return false;
    const turn = this.own;
    if (turn <= 0) return turn === 0;
    if (this.otherLeader !== null) {
      this.#leaderlessSinceMs = null;
      return false;
    }
    this.#leaderlessSinceMs ??= clock.now();
    return clock.now() - this.#leaderlessSinceMs > 2 * turn * options.silenceMs;
  }

  /** Another member that the own replica follows and that answers. */
  get otherLeader(): Member | null {
    const { self } = this.#context;
    const { view, promised } = this.#replica;
    const leader = proposerOf(view, promised);
    if (leader === null || sameMember(leader, self) || !this.#isAble(leader)) return null;
    return leader;
  }

  /** Who leads or should, as far as this node knows; null if nobody answers. */
  get likelyLeader(): string | null {
    const { peers, map } = this.#context;
    const view = map.get(this.#number)?.view;
    if (view === undefined) return null;
    if (view.epoch === this.#replica.view.epoch) {
      const leader = proposerOf(view, this.#replica.promised);
      if (leader !== null && peers.present(leader)) return leader.name;
    }
    return this.#inOrder(view).find((member) => this.isPresent(member))?.name ?? null;
  }

  isPresent(member: Member): boolean {
    return sameMember(member, this.#context.self) || this.#context.peers.present(member);
  }

  /** The own disk takes no writes or is damaged, and a member is there whose disk is not full. */
  shouldGiveUp(view: View): boolean {
    const { self, disk } = this.#context;
    if (disk.writable && !this.#unreadable) return false;
    return view.members.some((member) => !sameMember(member, self) && this.#isAble(member));
  }

  /** This node leads now. */
  led(): void {
    this.#leaderlessSinceMs = null;
  }

  /** Some record of the own replica cannot be read. */
  unreadable(): void {
    this.#unreadable = true;
  }

  /** Members of a view in the order in which they should lead. */
  #inOrder(view: View): readonly Member[] {
    const { self } = this.#context;
    const wanted = this.#context.wanted(this.#number) ?? [];
    const rank = (member: Member): number => {
      // Who cannot read all it has is the last resort.
      if (this.#unreadable && sameMember(member, self)) return Number.POSITIVE_INFINITY;
      const place = wanted.indexOf(member.name);
      return place < 0 ? wanted.length : place;
    };
    return view.members.toSorted((a, b) => rank(a) - rank(b));
  }

  /** Whether it answers, and its disk takes writes. */
  #isAble(member: Member): boolean {
    const { self, disk, peers } = this.#context;
    if (sameMember(member, self)) return disk.writable;
    return peers.present(member) && peers.able(member.name);
  }
}
