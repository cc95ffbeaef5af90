/**
 * One partition on one node: its replica, its leader if this node leads it, and what has to be
 * done so that it is led, is where it should be, and has all its copies. All of that is looked at
 * again and again (`tick`); messages only bring it forward.
 */
import { sleep } from "../chord/sleep.ts";
import { Announcer } from "./announcer.ts";
import { nextBallot } from "./ballot.ts";
import { decideNextView } from "./change.ts";
import { Copier, type CopyProgress, type CopyRequest } from "./copier.ts";
import { ReplicationError } from "./errors.ts";
import { gather } from "./gather.ts";
import type { KeyPage, KeyQuery } from "./key-listing.ts";
import { type Attempt, Leader } from "./leader.ts";
import type { PlacedView } from "./messages.ts";
import { Mover } from "./mover.ts";
import type { NodeContext } from "./node-context.ts";
import type { Outcome } from "./operation.ts";
import type { Held } from "./record.ts";
import { Replica } from "./replica.ts";
import type { Counts, ReplicaStore } from "./store.ts";
import { Turns } from "./turns.ts";
import { isMember, type Member, type View } from "./view.ts";

/** A node keeps what it copied ahead so long after it was last asked to go on. */
const COPY_KEPT_MS = 30_000;
const RETRY_MS_MAX = 4_000;
const RETIRE_CHECK_MS = 1_000;

export class Partition {
  readonly replica: Replica;
  readonly #context: NodeContext;
  readonly #number: number;
  readonly #store: ReplicaStore;
  readonly #turns: Turns;
  readonly #announcer: Announcer;
  readonly #mover: Mover;
  #leader: Leader | null = null;
  #copier: Copier | null = null;
  #copiedMs = Number.NEGATIVE_INFINITY;
  #outrankedBy = 0;
  #failures = 0;
  #retryMs = 0;
  /** A view of which a member is sealed, though this replica is not. */
  #unfinishedEpoch = 0;
  #retireCheckedMs = Number.NEGATIVE_INFINITY;
  /** When it was last not catching up; before the first look, never. */
  #upToDateMs = Number.NEGATIVE_INFINITY;
  /** What is under way, so that it does not begin twice. */
  readonly #tasks = new Set<string>();
  #waiting: (() => void)[] = [];

  constructor(context: NodeContext, partition: number) {
    this.#context = context;
    this.#number = partition;
    this.#store = context.disk.replica(partition);
    this.replica = new Replica(context.self, this.#store);
    this.#turns = new Turns(context, partition, this.replica);
    this.#announcer = new Announcer(context, partition);
    this.#mover = new Mover({
      context,
      partition,
      replica: this.replica,
      leader: () => this.#leader,
      isPresent: (member) => this.#turns.isPresent(member),
      areActive: (view, members) => this.#announcer.areActive(view, members),
      change: (members, stillWanted) => this.#change(members, stillWanted),
      wake: () => this.#wake(),
    });
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
    return leader?.inStep === true && this.#announcer.areActive(leader.view, leader.view.members);
  }

  /** Whether it is where the roster wants it. */
  get placed(): boolean {
    return this.#mover.isPlaced(this.replica.view);
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
    return this.#mover.left(this.replica.view, this.counts);
  }

  /** Who leads, as far as this node knows; null if nobody does. */
  leaderName(): string | null {
    return this.leads ? this.#context.self.name : this.#turns.likelyLeader;
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
      if (this.#turns.mayLead) this.#run("change", () => this.#finishChange());
    } else if (this.#leader !== null) {
      this.#leader.tick();
      this.#lookAfterLeader(placed);
    } else if (clock.now() >= this.#retryMs && this.#turns.mayLead) {
      this.#run("lead", () => this.#lead());
    }
  }

  #lookAfterLeader(placed: PlacedView): void {
    if (this.#turns.shouldGiveUp(placed.view)) {
      this.#run("give up", () => this.yield(placed.view.epoch));
    } else if (this.#leader?.spent ?? false) this.#run("renew", () => this.#renew());
    else if (this.leads) this.#run("supervise", () => this.#supervise(placed));
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

  /** Whether it begins to lead, or it is its turn and nobody else leads, as far as it knows. */
  #isAboutToLead(): boolean {
    if (!this.replica.member || this.#context.leaving()) return false;
    return this.#tasks.has("lead") || (this.#turns.own === 0 && this.#turns.otherLeader === null);
  }

  async #lead(): Promise<void> {
    const { self } = this.#context;
    const { epoch } = this.replica.view;
    const before = this.#turns.otherLeader;
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
        unreadable: () => this.#turns.unreadable(),
      },
      nextBallot(this.replica.view, self, above),
    );
    await this.#leader.win();
    if (!this.leads) return;
    this.#failures = 0;
    this.#turns.led();
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
    for (const member of [...next.members, ...leaving]) void this.#announcer.tell(placed, member);
  }

  /** The leader sees to it that all members begin, and moves the partition where it should be. */
  async #supervise(placed: PlacedView): Promise<void> {
    await this.#announcer.tellIdle(placed);
    this.#mover.moveIfWanted(placed.view);
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
      const active = await Promise.all(
        members.map((member) => this.#announcer.tell(placed, member)),
      );
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
