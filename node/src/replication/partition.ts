/**
 * One partition on one node: its replica, its leader if this node leads it, and what has to be
 * done so that it is led, is where it should be, and has all its copies. All of that is looked at
 * again and again (`tick`); messages only bring it forward.
 */
import type { Clock, Log, Random } from "../chord/ports.ts";
import { sleep } from "../chord/sleep.ts";
import { nextBallot, proposerOf } from "./ballot.ts";
import { decideNextView } from "./change.ts";
import type { Confirmer } from "./confirmer.ts";
import { Copier, type CopyProgress, type CopyRequest } from "./copier.ts";
import { ReplicationError } from "./errors.ts";
import { gather } from "./gather.ts";
import type { KeyPage, KeyQuery } from "./key-listing.ts";
import { type Attempt, Leader } from "./leader.ts";
import type { PlacedView } from "./messages.ts";
import type { Outcome } from "./operation.ts";
import type { ReplicationOptions } from "./options.ts";
import type { MoveReason, Pace } from "./pace.ts";
import type { PartitionMap } from "./partition-map.ts";
import type { Peers } from "./peers.ts";
import type { Held } from "./record.ts";
import { Replica } from "./replica.ts";
import type { ReplicationMetrics, WallClock } from "./ports.ts";
import type { Counts, Disk, ReplicaStore } from "./store.ts";
import { isMember, type Member, sameMember, sameMembers, type View } from "./view.ts";

/** What all partitions of a node share. */
export interface NodeContext {
  readonly self: Member;
  readonly disk: Disk;
  readonly peers: Peers;
  readonly confirmer: Confirmer;
  readonly map: PartitionMap;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly options: ReplicationOptions;
  readonly log: Log;
  readonly metrics: ReplicationMetrics;
  /** The pods that the roster wants for a partition, the preferred leader first; null: unknown. */
  readonly wanted: (partition: number) => readonly string[] | null;
  /** The node ends: it leads nothing any more. */
  readonly leaving: () => boolean;
  /** Asks a node for a sign of life; who it is, null if it does not answer. */
  readonly greet: (name: string) => Promise<Member | null>;
  /** Runs the move now if this node moves few enough others; false if it did not. */
  readonly move: (reason: MoveReason, run: () => Promise<void>) => boolean;
  /** How fast it has records moved. */
  readonly pace: Pace;
  /** Resolves when so many bytes may be copied ahead. */
  readonly admitCopy: (bytes: number) => Promise<void>;
}

/** Between two questions to a member that copies ahead; longer while it finds nothing to copy. */
const COPY_POLL_MS = 50;
const COPY_POLL_MS_MAX = 1_000;
/** A node keeps what it copied ahead so long after it was last asked to go on. */
const COPY_KEPT_MS = 30_000;
const RETRY_MS_MAX = 4_000;
const RETIRE_CHECK_MS = 1_000;
const MOVE_RETRY_MS = 1_000;

export class Partition {
  readonly replica: Replica;
  readonly #context: NodeContext;
  readonly #number: number;
  readonly #store: ReplicaStore;
  #leader: Leader | null = null;
  #copier: Copier | null = null;
  #copiedMs = Number.NEGATIVE_INFINITY;
  #outrankedBy = 0;
  #failures = 0;
  #retryMs = 0;
  #leaderlessSinceMs: number | null = null;
  /** A view of which a member is sealed, though this replica is not. */
  #unfinishedEpoch = 0;
  /** Some record of the own replica is damaged. */
  #unreadable = false;
  #retireCheckedMs = Number.NEGATIVE_INFINITY;
  /** When it was last not catching up; before the first look, never. */
  #upToDateMs = Number.NEGATIVE_INFINITY;
  #movedMs = Number.NEGATIVE_INFINITY;
  /** Members of the present view that are known to be active in it. */
  #active: { readonly epoch: number; readonly names: Set<string> } = { epoch: 0, names: new Set() };
  /** What is under way, so that it does not begin twice. */
  readonly #tasks = new Set<string>();
  #copying: readonly CopyProgress[] | null = null;
  #waiting: (() => void)[] = [];

  constructor(context: NodeContext, partition: number) {
    this.#context = context;
    this.#number = partition;
    this.#store = context.disk.replica(partition);
    this.replica = new Replica(context.self, this.#store);
  }

  // --- what a node shows ------------------------------------------------------------------------

  get leader(): Leader | null {
    return this.#leader;
  }

  get leads(): boolean {
    const state = this.#leader?.state;
    return state === "leading" || state === "paused";
  }

  /** Whether every copy is active and has everything, as far as the leader knows. */
  get whole(): boolean {
    const leader = this.#leader;
    return leader?.inStep === true && this.#areActive(leader.view, leader.view.members);
  }

  /** Whether it is where the roster wants it. */
  get placed(): boolean {
    const { view } = this.replica;
    const wanted = this.#wantedMembers(view);
    return wanted !== "unknown" && (wanted === null || sameMembers(wanted, view.members));
  }

  /** Whether this node is in the view, or still has records of it. */
  get held(): boolean {
    const view = this.#context.map.get(this.#number)?.view;
    if (view !== undefined && isMember(view, this.#context.self)) return true;
    return this.replica.member || this.#hasRecords;
  }

  get #hasRecords(): boolean {
    try {
      return this.#store.entries(null, 1).length > 0;
    } catch {
      // Something is there, though it cannot be read.
      return true;
    }
  }

  /** A member of the present view, but not active in it yet. */
  get catchingUp(): boolean {
    const view = this.#context.map.get(this.#number)?.view;
    if (view === undefined || !isMember(view, this.#context.self)) return false;
    return this.replica.view.epoch < view.epoch;
  }

  /** It has to begin in a view, and does not know from whom to take its records. */
  get lacksSource(): boolean {
    const placed = this.#context.map.get(this.#number);
    return this.catchingUp && placed?.previous.length === 0 && placed.view.epoch > 1;
  }

  /** It has been catching up for longer than a move takes. */
  get late(): boolean {
    const { clock, options } = this.#context;
    return this.catchingUp && clock.now() - this.#upToDateMs > options.lateMs;
  }

  get counts(): Counts {
    return this.#store.counts();
  }

  /** What coming members have not copied yet, also while the move waits for its turn. */
  get left(): Counts {
    const { view } = this.replica;
    const coming = this.#comingCount(view);
    const { keys, bytes } = this.counts;
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

  /** How many members the roster wants that the view does not have. */
  #comingCount(view: View): number {
    const wanted = this.#wantedMembers(view);
    if (wanted === null) return 0;
    if (wanted !== "unknown") return wanted.filter((member) => !isMember(view, member)).length;
    const names = this.#context.wanted(this.#number) ?? [];
    return names.filter((name) => view.members.every((member) => member.name !== name)).length;
  }

  /** Who leads, as far as this node knows; null if nobody does. */
  leaderName(): string | null {
    const { peers, self, map } = this.#context;
    if (this.leads) return self.name;
    const view = map.get(this.#number)?.view;
    if (view === undefined) return null;
    if (view.epoch === this.replica.view.epoch) {
      const leader = proposerOf(view, this.replica.promised);
      if (leader !== null && peers.present(leader)) return leader.name;
    }
    return this.#inOrder(view).find((member) => this.#isPresent(member))?.name ?? null;
  }

  // --- operations -------------------------------------------------------------------------------

  /** Carries an operation out if this node leads, or is about to. */
  execute(attempt: Attempt): Promise<Outcome> {
    return this.#context.pace.serve(() => this.#execute(attempt));
  }

  async #execute(attempt: Attempt): Promise<Outcome> {
    for (;;) {
      const outcome = await this.#executeIfLeading(attempt);
      if (outcome !== null) return outcome;
      if (attempt.abandoned) throw new ReplicationError("unavailable", "no leader in time");
      if (this.#leader?.state === "leading") continue;
      if (this.#leader === null && !this.#isAboutToLead()) throw this.#notLeader();
      await this.#nextChange();
    }
  }

  /** A page of its keys, if this node leads. */
  async listKeys(query: KeyQuery): Promise<KeyPage> {
    if (this.#leader?.state !== "leading") throw this.#notLeader();
    return await this.#leader.listKeys(query);
  }

  /** Null if this node does not lead just now, and nothing has begun. */
  async #executeIfLeading(attempt: Attempt): Promise<Outcome | null> {
    const leader = this.#leader;
    if (leader?.state !== "leading") return null;
    try {
      return await leader.execute(attempt);
    } catch (error) {
      if (attempt.begun || !isNotLeader(error)) throw error;
      return null;
    }
  }

  /** Ends the leader in good order, so that another member can go on from where it stood. */
  async yield(epoch: number): Promise<void> {
    const leader = this.#leader;
    if (leader === null || leader.view.epoch !== epoch) return;
    const { clock, options } = this.#context;
    await Promise.race([leader.pause(), sleep(clock, options.callTimeoutMs)]);
    leader.end("another member leads now");
  }

  /** What the own copy holds, however old. */
  peek(key: string): Held | null {
    if (this.replica.member) return this.replica.held(key);
    throw new ReplicationError("other-view", "this node has no copy of the partition");
  }

  async copy(request: CopyRequest): Promise<CopyProgress> {
    const { peers, clock, options, admitCopy, metrics, self, map } = this.#context;
    const view = map.get(this.#number)?.view;
    if (view !== undefined && isMember(view, self)) return { ready: true, keys: 0, bytes: 0 };
    this.#copiedMs = clock.now();
    this.#copier ??= new Copier({
      partition: this.#number,
      replica: this.replica,
      peers,
      clock,
      options,
      admit: admitCopy,
      metrics,
    });
    return await this.#copier.continue(request);
  }

  /** Takes news of a view; whether this node is active in it or in a later one. */
  announced(placed: PlacedView): boolean {
    this.#context.map.learn(this.#number, placed);
    this.tick();
    const { view } = this.replica;
    if (view.epoch > placed.view.epoch) return true;
    return view.epoch === placed.view.epoch && this.replica.member;
  }

  stop(): void {
    this.#leader?.end("the node stops");
  }

  /** The first view of a partition, from the charter: nothing is to be gathered for it. */
  activateFirst(view: View): void {
    if (this.#store.state === null && isMember(view, this.#context.self)) {
      this.replica.activate(view);
    }
  }

  // --- duties -----------------------------------------------------------------------------------

  /** Looks at everything that this node owes the partition. */
  tick(): void {
    this.#wake();
    this.#tellOwnView();
    if (!this.catchingUp) this.#upToDateMs = this.#context.clock.now();
    const placed = this.#context.map.get(this.#number);
    if (placed === null) return;
    const { view } = placed;
    if (this.#leader !== null && this.#leader.view.epoch < view.epoch) {
      this.#leader.end("the partition has a newer view");
    }
    if (!isMember(view, this.#context.self)) this.#retireLater(placed);
    else if (this.replica.view.epoch < view.epoch) this.#gather(placed);
    else this.#serve(placed);
  }

  /** A replica that came back knows its view when nobody else may, or the one before another. */
  #tellOwnView(): void {
    const { map } = this.#context;
    const { view } = this.replica;
    if (!this.replica.member) return;
    if (view.epoch > map.epochOf(this.#number)) map.learn(this.#number, { view, previous: [] });
    const placed = map.get(this.#number);
    if (placed?.previous.length !== 0 || placed.view.epoch !== view.epoch + 1) return;
    map.learn(this.#number, { view: placed.view, previous: view.members });
  }

  #serve(placed: PlacedView): void {
    const { clock } = this.#context;
    this.#endCopying();
    if (this.replica.sealed || this.#unfinishedEpoch === placed.view.epoch) {
      if (this.#mayLead()) this.#run("change", () => this.#finishChange());
    } else if (this.#leader !== null) {
      this.#leader.tick();
      this.#lookAfterLeader(placed);
    } else if (clock.now() >= this.#retryMs && this.#mayLead()) {
      this.#run("lead", () => this.#lead());
    }
  }

  #lookAfterLeader(placed: PlacedView): void {
    if (this.#shouldGiveUp(placed.view)) {
      this.#run("give up", () => this.yield(placed.view.epoch));
    } else if (this.#leader?.spent ?? false) this.#run("renew", () => this.#renew());
    else if (this.leads) this.#run("supervise", () => this.#supervise(placed));
  }

  /** The own disk takes no writes or is damaged, and a member is there whose disk is not full. */
  #shouldGiveUp(view: View): boolean {
    const { self, disk } = this.#context;
    if (disk.writable && !this.#unreadable) return false;
    return view.members.some((member) => !sameMember(member, self) && this.#isAble(member));
  }

  /** Runs one task of a kind at a time; what it could not do is tried again at a later tick. */
  #run(kind: string, task: () => Promise<void>): void {
    if (this.#tasks.has(kind)) return;
    this.#tasks.add(kind);
    task()
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        const expected = error instanceof ReplicationError;
        const { log } = this.#context;
        if (expected) log.debug("Will try again", { task: kind, partition: this.#number, reason });
        else log.warn("A task failed", { task: kind, partition: this.#number, reason });
      })
      .finally(() => {
        this.#tasks.delete(kind);
        this.#wake();
      });
  }

  // --- leading ----------------------------------------------------------------------------------

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

  #isPresent(member: Member): boolean {
    return sameMember(member, this.#context.self) || this.#context.peers.present(member);
  }

  /** Whether it answers, and its disk takes writes. */
  #isAble(member: Member): boolean {
    const { self, disk, peers } = this.#context;
    if (sameMember(member, self)) return disk.writable;
    return peers.present(member) && peers.able(member.name);
  }

  /** Whether it begins to lead, or it is its turn and nobody else leads, as far as it knows. */
  #isAboutToLead(): boolean {
    if (!this.replica.member || this.#context.leaving()) return false;
    return this.#tasks.has("lead") || (this.#turn() === 0 && this.#otherLeader() === null);
  }

  /** How many members before this one answer. */
  #turn(): number {
    const { self, map } = this.#context;
    const view = map.get(this.#number)?.view;
    if (view === undefined) return 0;
    const present = this.#inOrder(view).filter((member) => this.#isAble(member));
    return present.findIndex((member) => sameMember(member, self));
  }

  /** The first in order leads at once; others only after nobody has for a while. */
  #mayLead(): boolean {
    const { clock, options, leaving } = this.#context;
    if (leaving()) return false;
    const turn = this.#turn();
    if (turn <= 0) return turn === 0;
    if (this.#otherLeader() !== null) {
      this.#leaderlessSinceMs = null;
      return false;
    }
    this.#leaderlessSinceMs ??= clock.now();
    return clock.now() - this.#leaderlessSinceMs > 2 * turn * options.silenceMs;
  }

  /** Another member that the own replica follows and that answers. */
  #otherLeader(): Member | null {
    const { self } = this.#context;
    const { view, promised } = this.replica;
    const leader = proposerOf(view, promised);
    if (leader === null || sameMember(leader, self) || !this.#isAble(leader)) return null;
    return leader;
  }

  async #lead(): Promise<void> {
    const { self } = this.#context;
    const { epoch } = this.replica.view;
    const before = this.#otherLeader();
    if (before !== null) {
      const request = { type: "yield", partition: this.#number, epoch } as const;
      await this.#context.peers.call<"yield">(before.name, request).catch(() => undefined);
    }
    if (this.replica.view.epoch !== epoch || !this.replica.active || this.#leader !== null) return;
    const above = Math.max(this.replica.promised, this.#outrankedBy);
    this.#leader = new Leader(
      {
        ...this.#context,
        partition: this.#number,
        replica: this.replica,
        ended: (leader) => this.#ended(leader),
        unreadable: () => {
          this.#unreadable = true;
        },
      },
      nextBallot(this.replica.view, self, above),
    );
    await this.#leader.win();
    if (!this.leads) return;
    this.#failures = 0;
    this.#leaderlessSinceMs = null;
  }

  /** The next leader is this node again, with the next ballot. */
  async #renew(): Promise<void> {
    await this.yield(this.replica.view.epoch);
    this.#failures = 0;
    this.#retryMs = 0;
    this.tick();
  }

  #ended(leader: Leader): void {
    const { clock, random } = this.#context;
    if (this.#leader === leader) this.#leader = null;
    if (leader.metSealed) this.#unfinishedEpoch = leader.view.epoch;
    this.#outrankedBy = Math.max(this.#outrankedBy, leader.outrankedBy);
    // Two that outrank each other in turn must not go on in step.
    const patienceMs = Math.min(RETRY_MS_MAX, 100 * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryMs = clock.now() + patienceMs * random.next();
    this.#wake();
  }

  #notLeader(): ReplicationError {
    const view = this.#context.map.get(this.#number)?.view;
    const leader = this.leaderName();
    const message = "this node does not lead the partition of the key";
    return new ReplicationError("not-leader", message, {
      ...(view === undefined ? {} : { view }),
      leader: leader === this.#context.self.name ? null : leader,
    });
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  // --- views ------------------------------------------------------------------------------------

  #gather(placed: PlacedView): void {
    this.#endCopying();
    this.#run("gather", async () => {
      await gather({ ...this.#context, partition: this.#number, replica: this.replica }, placed);
      this.#failures = 0;
      this.#retryMs = 0;
      this.#outrankedBy = 0;
      this.tick();
    });
  }

  #endCopying(): void {
    this.#copier?.stop();
    this.#copier = null;
    this.#copiedMs = Number.NEGATIVE_INFINITY;
  }

  /** Somebody began to replace the view and did not come to an end. */
  async #finishChange(): Promise<void> {
    const { view } = this.replica;
    await this.#change(view.members, () => true);
  }

  async #change(members: readonly Member[], stillWanted: () => boolean): Promise<void> {
    const { disk, peers, map } = this.#context;
    const { view } = this.replica;
    const parts = { partition: this.#number, replica: this.replica, disk, peers };
    let next: View;
    try {
      next = await decideNextView(parts, { members, above: this.#outrankedBy, stillWanted });
    } catch (error) {
      if (error instanceof ReplicationError && error.code === "outranked") {
        this.#outrankedBy = Math.max(this.#outrankedBy, error.promised);
      }
      throw error;
    }
    this.#outrankedBy = 0;
    const placed = { view: next, previous: view.members };
    map.learn(this.#number, placed);
    this.tick();
    const leaving = view.members.filter((member) => !isMember(next, member));
    for (const member of [...next.members, ...leaving]) void this.#askActive(placed, member);
  }

  /** Tells a member its view; notes that it is active. */
  async #askActive(placed: PlacedView, { name }: Member): Promise<boolean> {
    const { peers, self } = this.#context;
    if (name === self.name) return false;
    try {
      const request = { type: "announce", partition: this.#number, placed } as const;
      const { active } = await peers.call<"announce">(name, request);
      if (active) this.#noteActive(placed.view, name);
      return active;
    } catch (error) {
      if (error instanceof ReplicationError) return false;
      throw error;
    }
  }

  #noteActive(view: View, name: string): void {
    if (this.#active.epoch < view.epoch) this.#active = { epoch: view.epoch, names: new Set() };
    if (this.#active.epoch === view.epoch) this.#active.names.add(name);
  }

  #areActive(view: View, members: readonly Member[]): boolean {
    const { self } = this.#context;
    const { epoch, names } = this.#active;
    return members.every(
      ({ name }) => name === self.name || (epoch === view.epoch && names.has(name)),
    );
  }

  /** The leader sees to it that all members begin, and moves the partition where it should be. */
  async #supervise(placed: PlacedView): Promise<void> {
    const { view } = placed;
    const idle = view.members.filter(
      ({ name }) => this.#active.epoch !== view.epoch || !this.#active.names.has(name),
    );
    await Promise.all(idle.map((member) => this.#askActive(placed, member)));
    const wanted = this.#wantedMembers(view);
    if (wanted === null || wanted === "unknown" || sameMembers(wanted, view.members)) return;
    if (this.replica.view.epoch !== view.epoch || !this.#mayMove(view, wanted)) return;
    const reason = view.members.every((member) => this.#isPresent(member)) ? "placing" : "mending";
    this.#context.move(reason, () => this.#move(wanted, reason));
  }

  /**
   * Who shall stay must have begun; who shall go may have lost its disk before it had. And a view
   * that cannot have a majority now is no better than the one there is.
   */
  #mayMove(view: View, wanted: readonly Member[]): boolean {
    if (this.#tasks.has("move")) return false;
    // What failed a moment ago would fail again, and clients wait meanwhile.
    if (this.#context.clock.now() - this.#movedMs < MOVE_RETRY_MS) return false;
    const staying = wanted.filter((member) => isMember(view, member));
    const present = wanted.filter((member) => this.#isPresent(member));
    return this.#areActive(view, staying) && 2 * present.length > wanted.length;
  }

  /** The members that the roster wants; null without a roster, "unknown" while one is missing. */
  #wantedMembers(view: View): readonly Member[] | null | "unknown" {
    const { wanted, peers, self } = this.#context;
    const names = wanted(this.#number);
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

  async #move(wanted: readonly Member[], reason: MoveReason): Promise<void> {
    this.#tasks.add("move");
    try {
      const { view } = this.replica;
      const coming = wanted.filter((member) => !isMember(view, member));
      const leader = this.#leader;
      if (leader === null || !(await this.#copyAhead(leader, coming, reason))) return;
      if (!(await leader.pause())) return;
      try {
        const stillLeads = (): boolean => leader.followsItself;
        if (await this.#haveMajority(wanted)) await this.#change(wanted, stillLeads);
      } finally {
        if (this.replica.sealed) leader.end("the partition's view is being replaced");
        else leader.resume();
        this.#wake();
      }
    } finally {
      this.#copying = null;
      this.#tasks.delete("move");
      this.#movedMs = this.#context.clock.now();
    }
  }

  /** Asked now: who seemed present may have lost its disk a moment ago. */
  async #haveMajority(members: readonly Member[]): Promise<boolean> {
    const { greet, self } = this.#context;
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
    const { peers, self, clock, pace } = this.#context;
    const { epoch } = leader.view;
    const copy = { type: "copy", partition: this.#number, epoch, from: self.name } as const;
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

  /** Forgets its records once every member of the present view has them. */
  #retireLater(placed: PlacedView): void {
    const { clock } = this.#context;
    const nowMs = clock.now();
    if (nowMs - this.#retireCheckedMs < RETIRE_CHECK_MS) return;
    this.#retireCheckedMs = nowMs;
    if (!this.replica.member) {
      // What was copied ahead is only a cache: nobody else counts on it.
      const needed = nowMs - this.#copiedMs < COPY_KEPT_MS;
      if (!needed && this.#hasRecords) this.replica.forgetCopies();
      return;
    }
    this.#run("retire", async () => {
      const { members, epoch } = placed.view;
      const active = await Promise.all(members.map((member) => this.#askActive(placed, member)));
      const present = this.#context.map.epochOf(this.#number);
      if (!active.every(Boolean) || present !== epoch || this.replica.view.epoch >= epoch) return;
      this.#copier = null;
      this.replica.retire(placed.view);
    });
  }
}

function isNotLeader(error: unknown): boolean {
  return error instanceof ReplicationError && error.code === "not-leader";
}
