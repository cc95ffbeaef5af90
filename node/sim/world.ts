/**
 * A virtual cluster: hosts with disks, a seed Service that offers ready nodes, and name service.
 * It runs the production Chord code on virtual ports, and gives faults as single verbs.
 */
import { hash } from "node:crypto";
import {
  Chord,
  type ChordOptions,
  chordOptions,
  checkIdeal,
  type Answer,
  type Envelope,
  type Id,
  type Ideal,
  type Log,
  type LogFields,
  type NodeRef,
  type Ports,
  type Request,
  type RingRecord,
  type RingState,
} from "../src/chord/index.ts";
import { byId, successorIndex } from "./circle.ts";
import { type Host, Network } from "./network.ts";
import { SeededRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { silentMetrics } from "./silent-ports.ts";

export interface WorldOptions {
  readonly seed: number;
  /** Successor-list length r. */
  readonly successors: number;
  /** The names of the nodes that found the ring. */
  readonly founders: readonly string[];
  readonly stabilizeIntervalMs?: number;
  /** Other tunables of every node. */
  readonly options?: Partial<ChordOptions>;
  /** Identifiers of names and keys; default SHA-1. */
  readonly idOf?: (text: string) => Id;
  /** Whether notes are kept: they cost more than the rest of a run. Default true. */
  readonly recording?: boolean;
}

const hashes = new Map<string, Id>();

export function sha1(text: string): Id {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const id = hash("sha1", text, "hex") as Id;
  if (hashes.size < 100_000) hashes.set(text, id);
  return id;
}

/** The names a StatefulSet of this size gives its pods. */
export function demoNames(count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, i) => `demo-${first + i}`);
}

/** Points every finger of a node to the successor of its start. */
function setFingers(ring: RingState, circle: readonly Chord[]): void {
  const { fingers } = ring;
  for (let exponent = 0; exponent < fingers.size; ) {
    const node = (circle[successorIndex(circle, fingers.start(exponent))] as Chord).self;
    const last = fingers.reach(node);
    for (; exponent <= last; exponent++) ring.setFinger(exponent, node);
  }
}

/** A running node: one life of a name, at an address of its own. */
export class SimulatedNode implements Host {
  readonly name: string;
  readonly address: string;
  pausedFromMs = 0;
  pausedUntilMs = 0;
  slowMs = 0;
  /** How far this host's clock has jumped forward. */
  clockAheadMs = 0;
  #chord: Chord | null = null;

  constructor(name: string, address: string) {
    this.name = name;
    this.address = address;
  }

  /** How much of the time from one moment to another its event loop did not stand still, in ms. */
  awakeMs(fromMs: number, toMs: number): number {
    const begin = Math.max(fromMs, this.pausedFromMs);
    const end = Math.min(toMs, this.pausedUntilMs);
    return toMs - fromMs - Math.max(0, end - begin);
  }

  get chord(): Chord {
    if (this.#chord === null) throw new Error(`${this.name} has not started`);
    return this.#chord;
  }

  set chord(chord: Chord) {
    this.#chord = chord;
  }

  get self(): NodeRef {
    return this.chord.self;
  }

  handle(envelope: Envelope, request: Request): Answer {
    return this.chord.handle(envelope, request);
  }
}

export class World {
  readonly scheduler = new Scheduler();
  readonly network: Network;
  readonly options: WorldOptions;
  readonly running = new Map<string, SimulatedNode>();
  /** Nodes whose state or pointers changed since somebody last emptied this set. */
  readonly changed = new Set<SimulatedNode>();
  /** Somebody wrote pointers into nodes just now: what they are is nobody's fault. */
  tampered = false;
  readonly transcript: string[] = [];
  readonly idOf: (text: string) => Id;
  /** What the seed Service goes on offering, out of date; null while it is up to date. */
  staleSeeds: readonly string[] | null = null;
  /** Other addresses that name service gives out: of nodes long gone, or of hostile hosts. */
  readonly strayAddresses = new Set<string>();
  /** Names that were started and did not leave for ever: all of them, when nothing is wrong. */
  readonly names = new Set<string>();
  /** Names that have lost a disk at any time. */
  readonly lostDisks = new Set<string>();
  readonly #random: SeededRandom;
  readonly #disks = new Map<string, RingRecord>();
  #starts = 0;
  /** The last answer of `ideal`, as long as nothing changed. */
  #ideal: Ideal | null = null;
  /** The addresses of the running nodes, as long as none starts or ends. */
  #known: readonly string[] | null = null;

  constructor(options: WorldOptions) {
    this.options = options;
    this.idOf = options.idOf ?? sha1;
    this.#random = new SeededRandom(options.seed);
    this.network = new Network(this.scheduler, this.#random);
    this.network.resolveSeed = () => this.#random.pick(this.staleSeeds ?? this.seeds()) ?? null;
  }

  get recording(): boolean {
    return this.options.recording ?? true;
  }

  note(what: string): void {
    if (!this.recording) return;
    this.transcript.push(`${(this.scheduler.now() / 1000).toFixed(3).padStart(9)} s  ${what}`);
  }

  /** What an up-to-date seed Service offers: the addresses of all ready nodes. */
  seeds(): string[] {
    return this.ready().map((node) => node.address);
  }

  ready(): SimulatedNode[] {
    return [...this.running.values()].filter((node) => node.chord.ready);
  }

  /** Starts a host of this name with the disk it had; its address is a new one, as a pod's. */
  start(name: string): Chord {
    const count = this.#starts;
    const address = `10.${count >> 16}.${(count >> 8) & 255}.${count & 255}:8081`;
    this.#starts += 1;
    this.note(`start ${name} at ${address}`);
    const { successors, stabilizeIntervalMs = 1000, options = {} } = this.options;
    const node = new SimulatedNode(name, address);
    const given = { ring: "sim", name, address, successors, stabilizeIntervalMs, ...options };
    const chord = new Chord(this.#ports(node), chordOptions(given));
    node.chord = chord;
    chord.onChange = () => this.#noteChange(node);
    this.#ideal = null;
    this.#known = null;
    this.running.set(name, node);
    this.names.add(name);
    this.network.hosts.set(address, node);
    this.network.silent.delete(address);
    chord.start();
    return chord;
  }

  /** Starts these nodes as members of an ideal ring with right fingers, whatever its size. */
  startIdeal(names: readonly string[]): void {
    const circle = names.map((name) => this.start(name)).sort(byId);
    const at = (index: number): NodeRef =>
      (circle[(index + circle.length) % circle.length] as Chord).self;
    for (const [place, { ring }] of circle.entries()) {
      const count = Math.min(this.options.successors, circle.length - 1);
      const behind = Array.from({ length: count }, (_, i) => at(place + 1 + i));
      ring.becomeFounder(1, [at(place - 1), ring.self, ...behind]);
      setFingers(ring, circle);
    }
  }

  /** Ends a host at once. `silent`: its address then answers nothing, not even a refusal. */
  crash(name: string, options: { keepDisk?: boolean; silent?: boolean } = {}): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    const { keepDisk = true, silent = false } = options;
    this.note(`crash ${name}${keepDisk ? "" : ", its disk is lost"}`);
    node.chord.stop();
    if (silent) this.network.silent.add(node.address);
    this.network.hosts.delete(node.address);
    this.running.delete(name);
    this.#known = null;
    this.#noteChange(node);
    if (keepDisk) return;
    this.#disks.delete(name);
    this.lostDisks.add(name);
  }

  /** The event loop of a host stands still: it answers nothing, then everything. */
  pause(name: string, ms: number): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    this.note(`pause ${name} for ${Math.round(ms)} ms`);
    const nowMs = this.scheduler.now();
    if (node.pausedUntilMs < nowMs) node.pausedFromMs = nowMs;
    node.pausedUntilMs = Math.max(node.pausedUntilMs, nowMs + ms);
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
      for (const to of b) {
        this.network.cut(from, to, ms);
        if (!oneWay) this.network.cut(to, from, ms);
      }
    }
  }

  heal(): void {
    this.note("heal all cuts");
    this.network.heal();
  }

  anyPaused(): boolean {
    const nowMs = this.scheduler.now();
    return [...this.running.values()].some((node) => node.pausedUntilMs > nowMs);
  }

  #noteChange(node: SimulatedNode): void {
    this.changed.add(node);
    this.#ideal = null;
  }

  /** Whether the running nodes, all that did not leave, are one ideal ring of one epoch. */
  ideal(): Ideal {
    this.#ideal ??= this.#checkIdeal();
    return this.#ideal;
  }

  #checkIdeal(): Ideal {
    const nodes = [...this.running.values()].filter(({ chord }) => chord.state !== "left");
    const epochs = new Set(nodes.map((node) => node.chord.epoch));
    const outside = nodes.filter((node) => !node.chord.ready);
    const problems = outside.map((node) => `${node.name}: ${node.chord.view().detail}`);
    if (epochs.size > 1) problems.push(`epochs ${[...epochs].join(", ")}`);
    const rings = nodes.map((node) => node.chord.ring);
    problems.push(...checkIdeal(rings, this.options.successors).problems);
    return { ideal: problems.length === 0, problems };
  }

  /** The node that must own an identifier, among those running. */
  ownerOf(id: Id): string {
    const circle = [...this.running.values()].map((node) => node.chord).sort(byId);
    return circle[successorIndex(circle, id)]?.self.name ?? "";
  }

  #ports(node: SimulatedNode): Ports {
    const { name, address } = node;
    return {
      transport: this.network.transportFrom(node),
      clock: this.#clockOf(node),
      random: new SeededRandom(this.options.seed, this.#starts),
      hash: { idOf: this.idOf },
      discovery: {
        seed: "seed",
        addresses: async () => this.#addresses(),
        founders: async () => this.options.founders,
      },
      record: {
        load: () => this.#disks.get(name) ?? null,
        save: async (record) => {
          if (this.running.get(name)?.address === address) this.#disks.set(name, record);
        },
      },
      log: this.#logOf(name),
      metrics: silentMetrics,
    };
  }

  /** What name service knows: all running nodes, and strays. */
  #addresses(): readonly string[] {
    this.#known ??= [...this.running.values()].map((node) => node.address);
    return this.strayAddresses.size === 0 ? this.#known : [...this.#known, ...this.strayAddresses];
  }

  #logOf(name: string): Log {
    const note = (message: string, fields?: LogFields): void => {
      if (this.recording) this.note(`${name}: ${message} ${JSON.stringify(fields ?? {})}`);
    };
    return { debug: () => {}, info: note, warn: note };
  }

  /** A host's timers stand still while it is paused, and end with it. */
  #clockOf(node: SimulatedNode): Ports["clock"] {
    const { scheduler, network } = this;
    const fire = (callback: () => void): void => {
      if (network.hosts.get(node.address) !== node) return;
      const pauseMs = node.pausedUntilMs - scheduler.now();
      if (pauseMs > 0) scheduler.after(pauseMs, () => fire(callback));
      else callback();
    };
    return {
      now: () => scheduler.now() + node.clockAheadMs,
      after: (ms, callback) => scheduler.after(ms, () => fire(callback)),
    };
  }
}
