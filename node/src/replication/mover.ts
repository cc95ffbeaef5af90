/**
 * A leader moves its partition to the members that the roster wants: has the coming ones copy
 * ahead what they will need, then pauses and has the view replaced.
 */
import { sleep } from "../chord/sleep.ts";
import type { CopyProgress } from "./copier.ts";
import type { Leader } from "./leader.ts";
import type { NodeContext } from "./node-context.ts";
import type { MoveReason } from "./pace.ts";
import type { Replica } from "./replica.ts";
import type { Counts } from "./store.ts";
import { isMember, type Member, sameMember, sameMembers, type View } from "./view.ts";

export interface MoverParts {
  readonly context: NodeContext;
  readonly partition: number;
  readonly replica: Replica;
  readonly leader: () => Leader | null;
  readonly isPresent: (member: Member) => boolean;
  /** Whether all of these have begun in the view. */
  readonly areActive: (view: View, members: readonly Member[]) => boolean;
  /** Has the view replaced by one with these members, if they still are wanted by then. */
  readonly change: (members: readonly Member[], stillWanted: () => boolean) => Promise<void>;
  /** Clients that waited while the leader was paused need not any more. */
  readonly wake: () => void;
}

/** Between two questions to a member that copies ahead; longer while it finds nothing to copy. */
const COPY_POLL_MS = 50;
const COPY_POLL_MS_MAX = 1_000;
const MOVE_RETRY_MS = 1_000;

export class Mover {
  readonly #parts: MoverParts;
  #moving = false;
  #movedMs = Number.NEGATIVE_INFINITY;
  #copying: readonly CopyProgress[] | null = null;

  constructor(parts: MoverParts) {
    this.#parts = parts;
  }

  /** Whether the view is what the roster wants. */
  isPlaced(view: View): boolean {
    const wanted = this.#wantedMembers(view);
    return wanted !== "unknown" && (wanted === null || sameMembers(wanted, view.members));
  }

  /** What coming members have not copied yet, also while the move waits for its turn. */
  left(view: View, { keys, bytes }: Counts): Counts {
    const coming = this.#comingCount(view);
    let left: Counts = { keys: 0, bytes: 0 };
    for (let index = 0; index < coming; index += 1) {
      const progress = this.#copying?.[index];
      if (progress?.ready === true) continue;
      left = {
        keys: left.keys + Math.max(0, keys - (progress?.keys ?? 0)),
        bytes: left.bytes + Math.max(0, bytes - (progress?.bytes ?? 0)),
      };
    }
    return left;
  }

  /** Moves the partition if it should be elsewhere and may be moved now. */
  moveIfWanted(view: View): void {
    const { context, replica, isPresent } = this.#parts;
    const wanted = this.#wantedMembers(view);
    if (wanted === null || wanted === "unknown" || sameMembers(wanted, view.members)) return;
    if (replica.view.epoch !== view.epoch || !this.#mayMove(view, wanted)) return;
    const reason = view.members.every(isPresent) ? "placing" : "mending";
    context.move(reason, () => this.#move(wanted, reason));
  }

  // --- where it should be -----------------------------------------------------------------------

  /** The members that the roster wants; null without a roster, "unknown" while one is missing. */
  #wantedMembers(view: View): readonly Member[] | null | "unknown" {
    const { wanted, peers, self } = this.#parts.context;
    const names = wanted(this.#parts.partition);
    if (names === null) return null;
    const members: Member[] = [];
    for (const name of names) {
      const present = name === self.name ? self : peers.memberNamed(name);
      const member = present ?? view.members.find((one) => one.name === name);
      if (member === undefined) return "unknown";
      members.push(member);
    }
    return members;
  }

  /** How many members the roster wants that the view does not have. */
  #comingCount(view: View): number {
    const wanted = this.#wantedMembers(view);
    if (wanted === null) return 0;
    if (wanted !== "unknown") return wanted.filter((member) => !isMember(view, member)).length;
    const names = this.#parts.context.wanted(this.#parts.partition) ?? [];
    return names.filter((name) => view.members.every((member) => member.name !== name)).length;
  }

  /**
   * Who shall stay must have begun; who shall go may have lost its disk before it had. And a view
   * that cannot have a majority now is no better than the one there is.
   */
  #mayMove(view: View, wanted: readonly Member[]): boolean {
    const { context, areActive, isPresent } = this.#parts;
    if (this.#moving) return false;
    // What failed a moment ago would fail again, and clients wait meanwhile.
    if (context.clock.now() - this.#movedMs < MOVE_RETRY_MS) return false;
    const staying = wanted.filter((member) => isMember(view, member));
    const present = wanted.filter(isPresent);
    return areActive(view, staying) && 2 * present.length > wanted.length;
  }

  // --- the move ---------------------------------------------------------------------------------

  async #move(wanted: readonly Member[], reason: MoveReason): Promise<void> {
    const { context, replica, leader: leads, change, wake } = this.#parts;
    this.#moving = true;
    try {
      const { view } = replica;
      const coming = wanted.filter((member) => !isMember(view, member));
      const leader = leads();
      if (leader === null || !(await this.#copyAhead(leader, coming, reason))) return;
      if (!(await leader.pause())) return;
      try {
        const stillLeads = (): boolean => leader.followsItself;
        if (await this.#haveMajority(wanted)) await change(wanted, stillLeads);
      } finally {
        if (replica.sealed) leader.end("the partition's view is being replaced");
        else leader.resume();
        wake();
      }
    } finally {
      this.#copying = null;
      this.#moving = false;
      this.#movedMs = context.clock.now();
    }
  }

  /** Asked now: who seemed present may have lost its disk a moment ago. */
  async #haveMajority(members: readonly Member[]): Promise<boolean> {
    const { greet, self } = this.#parts.context;
    const there = await Promise.all(
      members.map(async (member) => {
        if (sameMember(member, self)) return true;
        const found = await greet(member.name);
        return found !== null && sameMember(member, found);
      }),
    );
    return 2 * there.filter(Boolean).length > members.length;
  }

  /**
   * Until all coming members have nearly everything; false if it cannot be finished. What came to
   * nothing under earlier leaders must be settled by then, too: of two such writes one could else
   * be all that some members of the next view begin with, and the other one all that others do.
   */
  async #copyAhead(
    leader: Leader,
    coming: readonly Member[],
    reason: MoveReason,
  ): Promise<boolean> {
    const { context, partition } = this.#parts;
    const { peers, self, clock, pace } = context;
    const { epoch } = leader.view;
    const copy = { type: "copy", partition, epoch, from: self.name } as const;
    let copied = 0;
    let waitMs = COPY_POLL_MS;
    while (leader.state === "leading") {
      const request = { ...copy, limit: pace.asked(reason) };
      const progress = await Promise.all(
        coming.map((member) => peers.call<"copy">(member.name, request)),
      );
      if (!coming.every((member) => peers.present(member))) return false;
      if (leader.settled && progress.every(({ ready }) => ready)) return true;
      this.#copying = progress;
      const before = copied;
      copied = progress.reduce((sum, { keys }) => sum + keys, 0);
      waitMs = copied > before ? COPY_POLL_MS : Math.min(COPY_POLL_MS_MAX, 2 * waitMs);
      await Promise.all([sleep(clock, waitMs), pace.moved(Math.max(0, copied - before), reason)]);
    }
    return false;
  }
}
