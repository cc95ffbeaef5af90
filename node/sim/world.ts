/**
 * A virtual cluster: hosts with disks, a seed Service that offers ready nodes, and name service.
 * It runs the production Chord code on virtual ports, and gives faults as single verbs.
 */
import { createHash } from "node:crypto";
import {
  Chord,
  chordOptions,
  checkIdeal,
  type Id,
  type Ideal,
  type Log,
  type Ports,
  type RingRecord,
} from "../src/chord/index.ts";
import { type Host, Network } from "./network.ts";
import { SeededRandom } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { silentMetrics } from "./silent-ports.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly successors: number;
  readonly founders: number;
  readonly stabilizeIntervalMs?: number;
}

interface Running extends Host {
  readonly chord: Chord;
  readonly address: string;
}

const hashes = new Map<string, Id>();

export function sha1(text: string): Id {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const id = createHash("sha1").update(text).digest("hex") as Id;
  if (hashes.size < 100_000) hashes.set(text, id);
  return id;
}

export class World {
  readonly scheduler = new Scheduler();
  readonly random: SeededRandom;
  readonly network: Network;
  readonly options: WorldOptions;
  readonly running = new Map<string, Running>();
  readonly #disks = new Map<string, RingRecord>();
  readonly transcript: string[] = [];
  #starts = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new SeededRandom(options.seed);
    this.network = new Network(this.scheduler, this.random);
    this.network.resolveSeed = () => this.random.pick(this.ready())?.address ?? null;
  }

  note(what: string): void {
    this.transcript.push(`${(this.scheduler.now() / 1000).toFixed(3).padStart(9)} s  ${what}`);
  }

  ready(): Running[] {
    return [...this.running.values()].filter((node) => node.chord.ready);
  }

  /** Starts a host of this name with the disk it had; its address is a new one, as a pod's. */
  start(name: string): Chord {
    const address = `10.0.${Math.floor(this.#starts / 250)}.${this.#starts % 250}:8081`;
    this.#starts += 1;
    this.note(`start ${name} at ${address}`);
    const { successors, stabilizeIntervalMs = 1000 } = this.options;
    const options = chordOptions({ ring: "sim", name, address, successors, stabilizeIntervalMs });
    const chord = new Chord(this.#ports(name, address), options);
    const node: Running = {
      chord,
      address,
      pausedUntilMs: 0,
      handle: (envelope, request) => chord.handle(envelope, request),
    };
    this.running.set(name, node);
    this.network.hosts.set(address, node);
    chord.start();
    return chord;
  }

  crash(name: string, options: { keepDisk: boolean } = { keepDisk: true }): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    this.note(`crash ${name}${options.keepDisk ? "" : ", its disk is lost"}`);
    node.chord.stop();
    this.network.hosts.delete(node.address);
    this.running.delete(name);
    if (!options.keepDisk) this.#disks.delete(name);
  }

  /** The event loop of a host stands still: it answers nothing, then everything. */
  pause(name: string, ms: number): void {
    const node = this.running.get(name);
    if (node === undefined) return;
    this.note(`pause ${name} for ${Math.round(ms)} ms`);
    node.pausedUntilMs = this.scheduler.now() + ms;
  }

  /** Cuts the way from the nodes `a` to the nodes `b`, and back unless `oneWay`. */
  cut(a: readonly string[], b: readonly string[], options = { oneWay: false }): void {
    this.note(`cut ${a.join(",")} ${options.oneWay ? "from" : "and"} ${b.join(",")}`);
    for (const from of a) for (const to of b) this.#cutOne(from, to, options.oneWay);
  }

  #cutOne(from: string, to: string, oneWay: boolean): void {
    const [x, y] = [this.running.get(from)?.address, this.running.get(to)?.address];
    if (x === undefined || y === undefined) return;
    this.network.cuts.add(`${x}>${y}`);
    if (!oneWay) this.network.cuts.add(`${y}>${x}`);
  }

  heal(): void {
    this.note("heal all cuts");
    this.network.cuts.clear();
  }

  anyPaused(): boolean {
    const nowMs = this.scheduler.now();
    return [...this.running.values()].some((node) => node.pausedUntilMs > nowMs);
  }

  /** Whether the running nodes, all of them, are one ideal ring of one epoch. */
  ideal(): Ideal {
    const nodes = [...this.running.values()];
    const epochs = new Set(nodes.map((node) => node.chord.epoch));
    const outside = nodes.filter((node) => !node.chord.ready);
    const problems = outside.map((node) => `${node.chord.self.name}: ${node.chord.view().detail}`);
    if (epochs.size > 1) problems.push(`epochs ${[...epochs].join(", ")}`);
    const views = nodes.map((node) => node.chord.view());
    problems.push(...checkIdeal(views, this.options.successors).problems);
    return { ideal: problems.length === 0, problems };
  }

  /** The node that must own an identifier, among those running. */
  ownerOf(id: Id): string {
    const nodes = [...this.running.values()].map((node) => node.chord.self);
    nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
    return (nodes.find((node) => node.id >= id) ?? nodes[0])?.name ?? "";
  }

  #ports(name: string, address: string): Ports {
    const founders = Array.from({ length: this.options.founders }, (_, i) => `demo-${i}`);
    const log: Log = {
      debug: () => {},
      info: (message, fields) => this.note(`${name}: ${message} ${JSON.stringify(fields ?? {})}`),
      warn: (message, fields) => this.note(`${name}: ${message} ${JSON.stringify(fields ?? {})}`),
    };
    return {
      transport: this.network.transportFrom(address),
      clock: this.#clockOf(address),
      random: this.random,
      hash: { idOf: sha1 },
      discovery: {
        seed: "seed",
        addresses: async () => [...this.running.values()].map((node) => node.address),
        founders: async () => founders,
      },
      record: {
        load: () => this.#disks.get(name) ?? null,
        save: async (record) => {
          if (this.running.get(name)?.address === address) this.#disks.set(name, record);
        },
      },
      log,
      metrics: silentMetrics,
    };
  }

  /** A host's timers stand still while it is paused, and end with it. */
  #clockOf(address: string): Ports["clock"] {
    const fire = (callback: () => void): void => {
      const host = this.network.hosts.get(address);
      if (host === undefined) return;
      const pauseMs = host.pausedUntilMs - this.scheduler.now();
      if (pauseMs > 0) this.scheduler.after(pauseMs, () => fire(callback));
      else callback();
    };
    return {
      now: () => this.scheduler.now(),
      after: (ms, callback) => this.scheduler.after(ms, () => fire(callback)),
    };
  }
}
