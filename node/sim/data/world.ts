/**
 * A virtual cluster for the data layer alone: hosts with disks and a network, no ring below. Every
 * node knows the names of the others and reaches them by name. Faults are single verbs.
 */
import {
  type Member,
  type Reply,
  Replication,
  type ReplicationOptions,
  replicationOptions,
  type Request,
  type RequestType,
  type Roster,
  type StoreKey,
} from "../../src/replication/index.ts";
import type { Clock, Log, LogFields } from "../../src/chord/index.ts";
import { SeededRandom } from "../random.ts";
import { Scheduler } from "../scheduler.ts";
import { sha1 } from "../world.ts";
import { type Change, CorruptRecord, Platter, SimulatedDisk, type Stored } from "./disk.ts";
import { type Host, Network } from "./network.ts";

/** The time of day at which all begins: that of 1 January 2026. */
const dawnMs = 1_767_225_600_000;

/** Between the times of day of hosts whose names follow each other. */
const skewMs = 300;

export interface WorldOptions {
  readonly seed: number;
  /** With which the world begins. */
  readonly founders: readonly string[];
  /** Tunables of every node. */
  readonly options: Partial<ReplicationOptions>;
  /** Whether a crash may leave a part of a group of changes on a disk. */
  readonly torn?: boolean;
  /** Whether notes are kept: they cost more than the rest of a run. Default true. */
  readonly recording?: boolean;
}

/** Sees everything, changes nothing. */
export interface Observer {
  /** A process makes a change; `before` is what it sees until then, `nowMs` its wall clock. */
  changed(change: Change, before: Stored | null, nowMs: number): void;
  /** A change is about to become durable. */
  durable(platter: Platter, change: Change): void;
  /** A node answers, and what it answers is about to leave. */
  answered(node: DataNode, request: Request, reply: Reply<RequestType>): void;
  /** A disk is gone for good. */
  lost(): void;
}

/** A running process: one life of a name. */
export class DataNode implements Host {
  readonly name: string;
  readonly disk: SimulatedDisk;
  readonly platter: Platter;
  slowMs = 0;
  /** How far this host's clock has jumped forward. */
  clockAheadMs = 0;
  /** How far this host's time of day is ahead: no two hosts have quite the same. */
  wallAheadMs: number;
  ended = false;
  /** It was told to end. */
  stopping = false;
  readonly replication: Replication;
  readonly #world: World;
  /** Until when it stands still, and what then happens. */
  #pausedUntilMs = 0;
  #held: (() => void)[] = [];

  constructor(world: World, platter: Platter) {
    this.#world = world;
    this.name = platter.name;
    this.platter = platter;
    this.wallAheadMs = skewMs * Number(/\d*$/.exec(platter.name)?.[0] ?? 0);
    this.disk = world.open(platter, (action) => this.run(action));
    this.replication = world.create(this);
  }

  run(action: () => void): void {
    if (this.ended) return;
    if (this.#pausedUntilMs > this.#world.scheduler.now()) this.#held.push(action);
    else action();
  }

  pause(ms: number): void {
    const { scheduler } = this.#world;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, scheduler.now() + ms);
    scheduler.after(ms, () => {
      if (this.#pausedUntilMs <= scheduler.now()) this.resume();
    });
  }

  /** All that came meanwhile happens now, one after the other. */
  resume(): void {
    this.#pausedUntilMs = 0;
    for (const action of this.#held) this.#world.scheduler.after(0, () => this.run(action));
    this.#held = [];
  }

  async handle(from: string, request: Request): Promise<Reply<RequestType>> {
    const reply = await this.replication.handle(from, request);
    this.#world.observer?.answered(this, request, reply);
    return reply;
  }
}

export class World {
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly options: WorldOptions;
  readonly running = new Map<string, DataNode>();
  /** The disks in use, by name. */
  readonly platters = new Map<string, Platter>();
  readonly transcript: string[] = [];
  observer: Observer | null = null;
  /** How large a part of the running nodes each one hears of by its ring. */
  neighbourRate = 1;
  /** As the operator wrote them last. */
  founders: readonly string[];
  readonly #random: SeededRandom;
  #starts = 0;
  #disks = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.founders = options.founders;
    this.#random = new SeededRandom(options.seed);
    this.network = new Network(this.scheduler, this.#random);
    this.network.onDefect = (error) => this.#defect(error);
  }

  get recording(): boolean {
    return this.options.recording ?? true;
  }

  note(what: string): void {
    if (!this.recording) return;
    this.transcript.push(`${(this.scheduler.now() / 1000).toFixed(3).padStart(9)} s  ${what}`);
  }

  /** The disk of this very member, if it is still there. */
  diskOf({ name, incarnation }: Member): Platter | null {
    const platter = this.platters.get(name);
    return platter?.incarnation === incarnation ? platter : null;
  }

  // --- verbs ------------------------------------------------------------------------------------

  /** Starts a process of this name with the disk it had, or a new one. */
  start(name: string): DataNode {
    const platter = this.platters.get(name) ?? new Platter(name, `disk${(this.#disks += 1)}`);
    this.platters.set(name, platter);
    this.note(`start ${name} with ${platter.incarnation}`);
    this.#starts += 1;
    const node = new DataNode(this, platter);
    this.running.set(name, node);
    this.network.hosts.set(name, node);
    this.network.silent.delete(name);
    node.replication.start();
    return node;
  }

  /** Ends a process at once. `silent`: nothing then answers for it, not even with a refusal. */
  crash(name: string, options: { loseDisk?: boolean; silent?: boolean } = {}): void {
    const node = this.running.get(name);
    const { loseDisk = false, silent = false } = options;
    this.note(`crash ${name}${loseDisk ? ", its disk is lost" : ""}`);
    if (node !== undefined) {
      node.ended = true;
      node.disk.crash();
      this.running.delete(name);
      this.network.hosts.delete(name);
    }
    if (silent) this.network.silent.add(name);
    if (loseDisk && this.platters.delete(name)) this.observer?.lost();
  }

  /** As on SIGTERM: it hands over what it leads, and ends. */
  stop(name: string, ended: () => void): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    this.note(`stop ${name}`);
    node.stopping = true;
    node.run(() => {
      void node.replication.handOver().then(() => {
        if (node.ended) return;
        node.replication.stop();
        this.crash(name);
        ended();
      });
    });
  }

  /** The event loop of a host stands still: it does nothing, then everything. */
  pause(name: string, ms: number): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    this.note(`pause ${name} for ${Math.round(ms)} ms`);
    node.pause(ms);
  }

  /** Cuts the way from the nodes `a` to the nodes `b` for a time, and back unless `oneWay`. */
  cut(
    a: readonly string[],
    b: readonly string[],
    options: { readonly ms?: number; readonly oneWay?: boolean } = {},
  ): void {
    const { ms = Number.POSITIVE_INFINITY, oneWay = false } = options;
    const until = ms === Number.POSITIVE_INFINITY ? "" : ` for ${Math.round(ms)} ms`;
    this.note(`cut ${a.join(",")} ${oneWay ? "to" : "and"} ${b.join(",")}${until}`);
    for (const from of a) {
      for (const to of b.filter((name) => name !== from)) {
        this.network.cut(from, to, ms);
        if (!oneWay) this.network.cut(to, from, ms);
      }
    }
  }

  heal(): void {
    this.note("heal all cuts");
    this.network.heal();
  }

  /** What the operator does when it wants something else: it tells one node. */
  setRoster(name: string, roster: Roster): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    const pods = roster.pods.map((pod) => pod.name).join(",");
    this.note(`roster ${roster.generation} to ${name}: ${roster.copies} copies on ${pods}`);
    node.run(() => {
      node.replication.setRoster(roster).catch(() => undefined);
    });
  }

  // --- ports ------------------------------------------------------------------------------------

  open(platter: Platter, run: (action: () => void) => void): SimulatedDisk {
    return new SimulatedDisk({
      platter,
      scheduler: this.scheduler,
      random: this.#random,
      torn: this.options.torn ?? false,
      run,
      onDurable: (where, change) => this.observer?.durable(where, change),
      onChange: (change, before) =>
        this.observer?.changed(change, before, this.#wallNow(this.running.get(platter.name))),
    });
  }

  create(node: DataNode): Replication {
    const { seed, options } = this.options;
    return new Replication(
      {
        network: this.network.portOf(node),
        disk: node.disk,
        clock: this.#clockOf(node),
        wallClock: { now: () => this.#wallNow(node) },
        random: new SeededRandom(seed, 1_000 + this.#starts),
        hash: { idOf: sha1 },
        log: this.#logOf(node.name),
        metrics: { expired: () => undefined, moved: () => undefined },
        founders: async () => this.founders,
        inRing: () => true,
        neighbours: () => this.#neighboursOf(node.name),
      },
      replicationOptions({ ...options, name: node.name }),
    );
  }

  #neighboursOf(name: string): string[] {
    const others = [...this.running.keys()].filter((other) => other !== name);
    if (this.neighbourRate === 1) return others;
    return others.filter(() => this.#random.chance(this.neighbourRate));
  }

  #logOf(name: string): Log {
    const note = (message: string, fields?: LogFields): void => {
      if (this.recording) this.note(`${name}: ${message} ${JSON.stringify(fields ?? {})}`);
    };
    const warn = (message: string, fields?: LogFields): void => {
      note(message, fields);
      this.#warned(name, message, fields);
    };
    return { debug: note, info: note, warn };
  }

  /** A host's timers stand still while it is paused, and end with it. */
  #clockOf(node: DataNode): Clock {
    const { scheduler } = this;
    return {
      now: () => scheduler.now() + node.clockAheadMs,
      after: (ms, callback) => scheduler.after(ms, () => node.run(callback)),
    };
  }

  #wallNow(node: DataNode | undefined): number {
    return dawnMs + Math.floor(this.scheduler.now() + (node?.wallAheadMs ?? 0));
  }

  /** The core warns of what it did not expect: here only a disk may be to blame. */
  #warned(name: string, message: string, fields: LogFields = {}): void {
    const reason = String(fields["reason"]);
    if (/damaged|no space is left/.test(reason)) return;
    this.scheduler.fail(new Error(`${name}: ${message}: ${reason}`));
  }

  #defect(error: unknown): void {
    if (error instanceof CorruptRecord) return;
    this.scheduler.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

export function keyOf(text: string): StoreKey {
  return { id: sha1(text), text };
}
