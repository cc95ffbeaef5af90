/**
 * The data layer of one node: all its partitions, what it knows of the others, and the way of an
 * operation to the partition's leader. The driver gives the ports, calls `start`, passes each
 * peer's request to `handle`, and calls `stop` at the end.
 */
import { Periodic } from "../chord/periodic.ts";
import { sleep } from "../chord/sleep.ts";
import { type Charter, firstViews } from "./charter.ts";
import { Confirmer } from "./confirmer.ts";
import { ReplicationError } from "./errors.ts";
import { Founding } from "./founding.ts";
import { type Handler, type Handlers, replicaHandlers } from "./handlers.ts";
import type { KeyPage, KeyQuery } from "./key-listing.ts";
import type { Attempt } from "./leader.ts";
import type {
  Body,
  Greeting,
  Introduction,
  PlacedView,
  Reply,
  Request,
  RequestType,
} from "./messages.ts";
import type { Get, KeyOperation, Outcome } from "./operation.ts";
import type { ReplicationOptions } from "./options.ts";
import type { NodeContext } from "./node-context.ts";
import { Partition } from "./partition.ts";
import { type MoveReason, Pace } from "./pace.ts";
import { PartitionMap } from "./partition-map.ts";
import { Peers } from "./peers.ts";
import { type Placement, place } from "./placement.ts";
import type { ReplicationPorts } from "./ports.ts";
import { partitionOf } from "./record.ts";
import type { Roster } from "./roster.ts";
import { Router, type Routed } from "./router.ts";
import type { Member } from "./view.ts";

/** What one node shows of its data, for people, tools and the operator. */
export interface DataView {
  readonly incarnation: string;
  /** The data layer has begun: partitions have views. */
  readonly chartered: boolean;
  readonly roster: Roster | null;
  /** Partitions of which this node is a member or still keeps records. */
  readonly held: number;
  /** Of those of which it is a member, not active yet. */
  readonly catchingUp: number;
  readonly led: number;
  /** Of those led: copies not all active and in step. */
  readonly degraded: number;
  /** Of those led: not yet where the roster wants them. */
  readonly misplaced: number;
  /** As far as this node knows, nobody leads them just now. */
  readonly unled: number;
  /** What this node's copies hold. */
  readonly keysHeld: number;
  readonly bytesHeld: number;
  /** What the led partitions hold. */
  readonly keysLed: number;
  readonly bytesLed: number;
  /** Still to be copied by moves of led partitions. */
  readonly keysLeft: number;
  readonly bytesLeft: number;
}

/** One partition as a node knows it. */
export interface PartitionView {
  readonly epoch: number;
  /** Null if nobody leads it, or nobody that is known. */
  readonly leader: string | null;
  readonly members: readonly string[];
}

/** Between the end of a move and the begin of the next. */
const NEXT_MOVE_MS = 10;
const VIEWS_IN_MESSAGE = 64;
/** Between two questions for views that others know. Members are told of theirs at once. */
const NEWS_INTERVAL_MS = 500;

export class Replication {
  readonly self: Member;
  readonly map = new PartitionMap();
  readonly #ports: ReplicationPorts;
  readonly #options: ReplicationOptions;
  readonly #peers: Peers;
  readonly #founding: Founding;
  readonly #router: Router;
  readonly #context: NodeContext;
  readonly #tasks: readonly Periodic[];
  readonly #handlers: Handlers;
  #partitions: readonly Partition[] = [];
  #placement: Placement | null = null;
  /** Partitions of which others are asked for the members of the view before the present one. */
  #lacking: readonly number[] = [];
  #newsDueMs = 0;
  readonly #greeting = new Set<string>();
  /** Whom this node heard of before there were views to know the others from. */
  readonly #heardOf = new Set<string>();
  #moves = 0;
  #leaving = false;
  #copyFreeMs = 0;

  constructor(ports: ReplicationPorts, options: ReplicationOptions) {
    const { network, disk, clock, wallClock, random, log, metrics } = ports;
    this.self = { name: options.name, incarnation: disk.incarnation };
    this.#ports = ports;
    this.#options = options;
    this.#peers = new Peers(network, clock, options);
    this.#context = {
      self: this.self,
      disk,
      peers: this.#peers,
      confirmer: new Confirmer(this.#peers, options),
      map: this.map,
      clock,
      wallClock,
      random,
      options,
      log,
      metrics,
      wanted: (partition) => this.#placement?.[partition] ?? null,
      leaving: () => this.#leaving,
      greet: (name) => this.#ask(name),
      move: (reason, run) => this.#move(reason, run),
      pace: new Pace(clock),
      admitCopy: (bytes) => this.#admitCopy(bytes),
    };
    this.#founding = new Founding({
      ...this.#context,
      founders: ports.founders,
      inRing: ports.inRing,
      heardOf: () => this.#hearOf(),
      chartered: (charter) => this.#begin(charter),
    });
    this.#router = new Router({
      ...this.#context,
      partitionOf: (operation) => partitionOf(operation.key.id, this.map.size),
      here: (partition, attempt) => this.#partition(partition).execute(attempt),
      peek: (partition, key) => this.#partition(partition).peek(key),
      listHere: (partition, query) => this.#partition(partition).listKeys(query),
      leaderOf: (partition) => this.#partition(partition).leaderName(),
    });
    this.#handlers = this.#createHandlers();
    this.#tasks = [
      new Periodic(ports, options.tickMs, async () => this.#tick()),
      new Periodic(ports, options.greetMs, async () => this.#greetAll()),
    ];
    const { charter } = disk.record;
    if (charter?.complete === true) this.#begin(charter);
  }

  start(): void {
    for (const task of this.#tasks) task.start();
  }

  /**
   * The node is going to end: what it leads it finishes and gives up, and tells the others, so that
   * clients hardly notice. Takes no longer than a message may.
   */
  async handOver(): Promise<void> {
    this.#leaving = true;
    const { clock } = this.#ports;
    const finished = Promise.all(
      this.#partitions.map((partition) => partition.yield(partition.replica.view.epoch)),
    );
    const late = sleep(clock, this.#options.callTimeoutMs);
    await Promise.race([finished, late]);
    await Promise.race([this.#sayFarewell(), late]);
  }

  async #sayFarewell(): Promise<void> {
    const names = await this.#knownNames();
    const told = [...names].map((name) =>
      this.#peers.call<"farewell">(name, { type: "farewell" }).catch(() => undefined),
    );
    await Promise.all(told);
  }

  /** A restart, not a leave: what is under way has an unknown outcome. */
  stop(): void {
    for (const task of this.#tasks) task.stop();
    for (const partition of this.#partitions) partition.stop();
  }

  /** Of the whole ring; 0 until the charter tells. */
  get partitionCount(): number {
    return this.map.size;
  }

  /** No copy of this node is far behind. */
  get ready(): boolean {
    return this.map.size > 0 && this.#partitions.every((partition) => !partition.late);
  }

  /** Answers a peer's request, or rejects with the `ReplicationError` that refuses it. */
  async handle<T extends RequestType>(
    from: string,
    request: Extract<Request, { readonly type: T }>,
  ): Promise<Reply<T>> {
    const handler = this.#handlers[request.type] as Handler<T>;
    const reply = await handler(request, from);
    if (request.type !== "confirm" && request.type !== "operate") await this.#durable();
    return reply;
  }

  /** Carries a client's operation out, here or at the leader. Rejects with `ReplicationError`. */
  execute(operation: KeyOperation, timeoutMs: number): Promise<Routed> {
    return this.#router.route(operation, timeoutMs);
  }

  /**
   * Reads one copy, here if there is one, without asking a majority: what it holds may be old, or
   * not acknowledged yet. Rejects `unavailable` if no copy can be reached.
   */
  readOne(operation: Get): Promise<Routed> {
    return this.#router.readOne(operation);
  }

  /**
   * A page of one partition's keys that hold something, as of a moment during the call. Rejects
   * `unavailable` after the time.
   */
  listKeys(partition: number, query: KeyQuery, timeoutMs: number): Promise<KeyPage> {
    return this.#router.listKeys(partition, query, timeoutMs);
  }

  /** Takes what is wanted if it is newer. False if this node knows a newer one. */
  async setRoster(roster: Roster): Promise<boolean> {
    const { disk } = this.#ports;
    const known = disk.record.roster;
    if (known !== null && known.generation > roster.generation) return false;
    this.#saveRoster(roster);
    await disk.durable();
    return true;
  }

  /** Where clients reach this node and those that it knows. */
  clientAddresses(): readonly { readonly name: string; readonly api: string }[] {
    const { name, api } = this.#options;
    return [{ name, api }, ...this.#peers.clientAddresses()];
  }

  /** The partitions that this node leads. */
  led(): readonly number[] {
    return this.#partitions.flatMap(({ leads }, partition) => (leads ? [partition] : []));
  }

  /** Every partition's view and leader, as far as this node knows. */
  partitions(): readonly PartitionView[] {
    return this.#partitions.map((partition, number) => {
      const view = this.map.get(number)?.view;
      return {
        epoch: view?.epoch ?? 0,
        leader: partition.leaderName(),
        members: (view?.members ?? []).map(({ name }) => name),
      };
    });
  }

  view(): DataView {
    const led = this.#partitions.filter((partition) => partition.leads);
    const left = led.map((partition) => partition.left);
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    const count = (holds: (partition: Partition) => boolean): number =>
      this.#partitions.filter(holds).length;
    return {
      incarnation: this.self.incarnation,
      chartered: this.map.size > 0,
      roster: this.#ports.disk.record.roster,
      held: count((partition) => partition.held),
      catchingUp: count((partition) => partition.catchingUp),
      led: led.length,
      degraded: led.filter((partition) => !partition.whole).length,
      misplaced: led.filter((partition) => !partition.placed).length,
      unled: count((partition) => partition.leaderName() === null),
      keysHeld: sum(this.#partitions.map(({ counts }) => counts.keys)),
      bytesHeld: sum(this.#partitions.map(({ counts }) => counts.bytes)),
      keysLed: sum(led.map(({ counts }) => counts.keys)),
      bytesLed: sum(led.map(({ counts }) => counts.bytes)),
      keysLeft: sum(left.map(({ keys }) => keys)),
      bytesLeft: sum(left.map(({ bytes }) => bytes)),
    };
  }

  // --- beginning --------------------------------------------------------------------------------

  #begin(charter: Charter): void {
    if (this.map.size > 0) return;
    this.#heardOf.clear();
    this.map.begin(charter.partitions);
    const { disk } = this.#ports;
    this.#partitions = Array.from(
      { length: charter.partitions },
      (_, partition) => new Partition(this.#context, partition),
    );
    for (const [partition, view] of firstViews(charter).entries()) {
      this.map.learn(partition, { view, previous: [] });
      this.#partition(partition).activateFirst(view);
    }
    if (disk.record.roster === null) {
      const pods = charter.pods.map(({ name, zone }) => ({ name, zone }));
      this.#saveRoster({ generation: 0, copies: charter.copies, pods });
    } else this.#computePlacement(disk.record.roster);
  }

  #saveRoster(roster: Roster): void {
    const { disk } = this.#ports;
    disk.saveRecord({ ...disk.record, roster });
    this.#computePlacement(roster);
  }

  #computePlacement({ pods, copies }: Roster): void {
    this.#placement = place(pods, { partitions: this.map.size, copies });
  }

  // --- tasks ------------------------------------------------------------------------------------

  #tick(): void {
    if (this.map.size === 0) void this.#founding.round();
    for (const partition of this.#partitions) partition.tick();
    this.#lacking = this.#partitions.flatMap(({ lacksSource }, partition) =>
      lacksSource ? [partition] : [],
    );
  }

  async #greetAll(): Promise<void> {
    for (const name of await this.#knownNames()) {
      // Of two nodes it is enough that one greets.
      if (!this.#peers.metLately(name)) void this.#greet(name);
    }
  }

  /** Nodes of the ring, from what this node heard of others. */
  #ringNames(): readonly string[] {
    const pods = this.#ports.disk.record.roster?.pods ?? [];
    return [...this.#hearOf(), ...pods.map(({ name }) => name)];
  }

  #hearOf(): readonly string[] {
    const neighbours = this.#ports.neighbours();
    if (this.map.size > 0) return neighbours;
    for (const name of neighbours) this.#heardOf.add(name);
    return [...this.#heardOf];
  }

  /** All others that there is something to say to. */
  async #knownNames(): Promise<ReadonlySet<string>> {
    const names = new Set(this.#ringNames());
    if (this.map.size === 0) for (const name of await this.#ports.founders()) names.add(name);
    for (let partition = 0; partition < this.map.size; partition += 1) {
      for (const { name } of this.map.get(partition)?.view.members ?? []) names.add(name);
    }
    names.delete(this.self.name);
    return names;
  }

  /** Asks a node what is new. One question at a time, however long it takes. */
  async #greet(name: string): Promise<void> {
    if (this.#greeting.has(name)) return;
    this.#greeting.add(name);
    await this.#ask(name);
    this.#greeting.delete(name);
  }

  /** Who answers under this name now; null if nobody does. */
  async #ask(name: string): Promise<Member | null> {
    try {
      const request = {
        type: "greet",
        ...this.#introduction(),
        generation: this.#ports.disk.record.roster?.generation ?? 0,
        epochs: this.#wantsNews(name) ? this.map.epochs : null,
      } as const;
      const greeting = await this.#peers.call<"greet">(name, request, this.#options.silenceMs);
      await this.#greeted(name, greeting);
      return { name, incarnation: greeting.incarnation };
    } catch (error) {
      if (!(error instanceof ReplicationError)) throw error;
      return null;
    }
  }

  /**
   * Who leads elsewhere may be known a little later: a moment's greetings all tell the same. Of who
   * does not answer nothing is learned, so that the question is kept for others.
   */
  #wantsNews(name: string): boolean {
    if (this.map.size === 0) return true;
    const nowMs = this.#ports.clock.now();
    if (nowMs < this.#newsDueMs || !this.#peers.reachable(name)) return false;
    this.#newsDueMs = nowMs + NEWS_INTERVAL_MS;
    return true;
  }

  async #greeted(name: string, greeting: Greeting): Promise<void> {
    const { roster, epochs } = greeting;
    this.#peers.met(name, greeting);
    if (this.map.size === 0) this.#founding.greeted(name, greeting);
    const known = this.#ports.disk.record.roster?.generation ?? -1;
    if (roster !== null && roster.generation > known && this.map.size > 0) this.#saveRoster(roster);
    const newer = this.#lacking.concat(
      (epochs ?? []).flatMap((epoch, partition) =>
        epoch > this.map.epochOf(partition) ? [partition] : [],
      ),
    );
    for (let start = 0; start < newer.length; start += VIEWS_IN_MESSAGE) {
      const partitions = newer.slice(start, start + VIEWS_IN_MESSAGE);
      const { placed } = await this.#peers.call<"views">(name, { type: "views", partitions });
      for (const one of placed) this.#learn(one.partition, one);
    }
  }

  #learn(partition: number, placed: PlacedView): void {
    if (this.map.learn(partition, placed)) this.#partition(partition).tick();
  }

  #move(reason: MoveReason, run: () => Promise<void>): boolean {
    const { movesMax } = this.#options;
    const giveWay = reason === "placing" && this.#context.pace.busy;
    if (this.#moves >= (giveWay ? 1 : movesMax)) return false;
    this.#moves += 1;
    const { log } = this.#ports;
    run()
      .catch((error: unknown) => log.debug("A move was not finished", { reason: String(error) }))
      .finally(() => {
        this.#moves -= 1;
        // The next one need not wait for its tick.
        this.#tasks[0]?.soon(NEXT_MOVE_MS);
      });
    return true;
  }

  #admitCopy(bytes: number): Promise<void> {
    const { clock } = this.#ports;
    const nowMs = clock.now();
    this.#copyFreeMs =
      Math.max(this.#copyFreeMs, nowMs) + (1_000 * bytes) / this.#options.copyBytesPerSecond;
    const waitMs = this.#copyFreeMs - nowMs;
    if (waitMs < 1) return Promise.resolve();
    return sleep(clock, waitMs);
  }

  // --- messages ---------------------------------------------------------------------------------

  #partition(partition: number): Partition {
    const found = this.#partitions[partition];
    if (found === undefined) {
      throw new ReplicationError("unavailable", `this node does not know partition ${partition}`);
    }
    return found;
  }

  /** Whatever an answer rests on is on the disk. */
  async #durable(): Promise<void> {
    try {
      await this.#ports.disk.durable();
    } catch (cause) {
      throw new ReplicationError("storage", "the disk does not take writes", { cause });
    }
  }

  #createHandlers(): Handlers {
    return {
      ...replicaHandlers((partition) => this.#partition(partition), this.#options.pageBytes),
      greet: (greeting, from) => {
        if (this.map.size === 0) this.#heardOf.add(from);
        // Who knows more is greeted in turn, and asked.
        if (!this.#knowsMore(greeting)) this.#peers.greetedBy(from, greeting);
        return this.#answerGreeting(greeting);
      },
      views: ({ partitions }) => ({
        placed: partitions.flatMap((partition) => {
          const placed = this.map.get(partition);
          return placed === null ? [] : [{ partition, ...placed }];
        }),
      }),
      charter: ({ charter }) => ({ other: this.#founding.receive(charter) }),
      farewell: (_body, from) => {
        this.#peers.left(from);
        this.#heardOf.delete(from);
        for (const partition of this.#partitions) partition.tick();
        return {};
      },
      operate: ({ operation, timeoutMs }) => this.#router.operate(operation, timeoutMs),
    };
  }

  #introduction(): Introduction {
    const { incarnation } = this.self;
    const able = this.#ports.disk.writable && !this.#leaving;
    return { incarnation, api: this.#options.api, able };
  }

  /** Whether there is more to ask that node than whether it lives. */
  #knowsMore({ generation, epochs }: Body<"greet">): boolean {
    const known = this.#ports.disk.record.roster?.generation ?? 0;
    if (this.map.size === 0 || this.#lacking.length > 0) return true;
    const newViews = epochs !== null && epochs !== this.map.epochs;
    return newViews || generation > known;
  }

  #answerGreeting({ generation, epochs }: Body<"greet">): Greeting {
    const { charter, roster } = this.#ports.disk.record;
    const same = epochs === null || epochs === this.map.epochs;
    return {
      ...this.#introduction(),
      zone: this.#options.zone,
      charter: epochs === 0 ? charter : null,
      roster: roster !== null && roster.generation > generation ? roster : null,
      epochs: same ? null : this.#partitions.map((_, partition) => this.map.epochOf(partition)),
    };
  }
}

export type { Attempt, Outcome };
