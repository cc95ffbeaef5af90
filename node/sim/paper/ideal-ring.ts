/**
 * A ring of any size in which every pointer is right, or wrong in a chosen way, and every step is
 * the production code's: its lookup, its next step, its ownership test, its node state. Only the
 * network is left out. A node's state is built when a lookup first comes by, so that a ring of a
 * million nodes costs no more than the nodes visited.
 */
import type { Context } from "../../src/chord/context.ts";
import {
  type Answer,
  ChordError,
  chordOptions,
  type ChordOptions,
  type Clock,
  type Envelope,
  type Id,
  type LookupMode,
  type NodeRef,
  type Ports,
  type Request,
  type Target,
} from "../../src/chord/index.ts";
import { lookup, resolve } from "../../src/chord/lookup.ts";
import { OperationLock } from "../../src/chord/operation-lock.ts";
import { Peers } from "../../src/chord/peers.ts";
import { RingState } from "../../src/chord/ring-state.ts";
import { nextStep, type RoutingView } from "../../src/chord/routing-table.ts";
import { silentLog, silentMetrics } from "../silent-ports.ts";
import { prefixBits, SortedCircle } from "./sorted-circle.ts";

const bits = 160;
/** A ring beyond this size is visited too thinly for a kept state to be met again. */
const keptSizeMax = 20_000;

const healthy = (): boolean => true;

interface Finger {
  readonly exponent: number;
  readonly node: number;
}

const oneTimeoutIsDeath = {
  ring: "ideal",
  name: "n0",
  address: "0",
  suspicionProbes: 1,
  suspicionMs: 0,
  lookupDeadlineMs: 1e9,
};

/** How the ring differs from the ideal one. */
export interface Wounds {
  /** Which nodes live; the pointers of the others stay as they were. */
  readonly alive?: Uint8Array;
  /** Nodes of the ring before it grew: they alone have fingers, and only to each other. */
  readonly settled?: Uint8Array;
}

export interface RoutedLookup {
  /** Index of the node found; -1 when the lookup failed. */
  readonly owner: number;
  readonly hops: number;
  readonly timeouts: number;
}

export class IdealRing {
  readonly circle: SortedCircle;
  readonly #options: ChordOptions;
  readonly #ports: Ports;
  readonly #wounds: Wounds;
  readonly #clock = new InstantClock();
  readonly #refs: (NodeRef | undefined)[];
  readonly #states = new Map<number, RingState>();
  readonly #fingered: SortedCircle;
  /** Index in the ring of each node of `#fingered`, where that is not the whole ring. */
  readonly #fingeredNodes: Int32Array | null;
  readonly #placeInFingered: ReadonlyMap<number, number>;

  /**
   * `options` are the node's, as far as an experiment sets them. As in the papers, one timeout
   * proves a death and a lookup has all the time it needs, unless they say otherwise.
   */
  constructor(circle: SortedCircle, options: Partial<ChordOptions>, wounds: Wounds = {}) {
    this.circle = circle;
    this.#wounds = wounds;
    this.#refs = Array.from<NodeRef | undefined>({ length: circle.size });
    this.#options = chordOptions({ ...oneTimeoutIsDeath, ...options });
    const { settled } = wounds;
    this.#fingeredNodes =
      settled === undefined
        ? null
        : Int32Array.from(settled.keys()).filter((node) => settled[node] === 1);
    this.#placeInFingered = new Map(
      Array.from(this.#fingeredNodes ?? [], (node, place) => [node, place]),
    );
    this.#fingered =
      this.#fingeredNodes === null
        ? circle
        : new SortedCircle(Array.from(this.#fingeredNodes, (node) => this.#idOf(node)));
    this.#ports = this.#makePorts();
  }

  /** The node that must own an identifier: the first living one at or behind it. */
  ownerOf(id: Id): number {
    const { alive } = this.#wounds;
    const first = this.circle.successorOf(id);
    if (alive === undefined || alive[first] === 1) return first;
    const behind = alive.indexOf(1, first);
    return behind >= 0 ? behind : alive.indexOf(1);
  }

  /** One production lookup, by a node that has spoken to nobody yet. */
  async lookup(start: number, id: Id, mode: LookupMode = "finger"): Promise<RoutedLookup> {
    try {
      const found = await resolve(lookup(this.#contextOf(start), id, { mode }));
      return { owner: Number(found.owner.address), hops: found.hops, timeouts: found.timeouts };
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      return { owner: -1, hops: 0, timeouts: 0 };
    }
  }

  #contextOf(node: number): Context {
    const state = this.#stateOf(node);
    const sender = { self: state.self, epoch: state.epoch };
    const peers = new Peers(this.#ports, this.#options, () => sender);
    return {
      ports: this.#ports,
      options: this.#options,
      state,
      peers,
      lock: new OperationLock(),
    };
  }

  #makePorts(): Ports {
    return {
      transport: {
        call: (target, envelope, request, timeoutMs) =>
          this.#call(target, envelope, request, timeoutMs),
      },
      clock: this.#clock,
      random: { next: () => 0.5 },
      hash: { idOf: (name) => this.#idOf(Number(name.slice(1))) },
      discovery: { seed: null, addresses: async () => [], founders: async () => [] },
      record: { load: () => null, save: async () => {} },
      log: silentLog,
      metrics: silentMetrics,
    };
  }

  async #call(
    target: Target,
    _envelope: Envelope,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    const node = Number(target.address);
    if (this.#wounds.alive !== undefined && this.#wounds.alive[node] !== 1) {
      this.#clock.pass(timeoutMs);
      throw new ChordError("timeout", target.address);
    }
    this.#clock.pass(1);
    const self = this.#refOf(node);
    if (request.type === "ping") {
      const predecessor = this.#refOf(this.#predecessorOf(node));
      return { self, epoch: 1, reply: { state: "member", predecessor } };
    }
    if (request.type !== "next") throw new ChordError("bad-message", request.type);
    return { self, epoch: 1, reply: nextStep(this.#viewOf(node), request) };
  }

  /** What the asked node answers from; without a whole node state where the ring is large. */
  #viewOf(node: number): RoutingView {
    if (this.circle.size <= keptSizeMax || this.#wounds.settled !== undefined) {
      const { self, successors, contacts } = this.#stateOf(node);
      return { self, successors, alone: successors.length === 0, contacts, healthy };
    }
    const successors = this.#successorsOf(node);
    const contacts = [...successors];
    // Every finger lies behind the list, and the next one at or behind it: this is clockwise order.
    for (const finger of this.#fingersOf(node)) {
      if (finger.node !== node && contacts.at(-1) !== this.#refOf(finger.node)) {
        contacts.push(this.#refOf(finger.node));
      }
    }
    const self = this.#refOf(node);
    return { self, successors, alone: successors.length === 0, contacts, healthy };
  }

  #stateOf(node: number): RingState {
    const known = this.#states.get(node);
    if (known !== undefined) return known;
    const state = new RingState(this.#refOf(node), this.#options, silentMetrics);
    const predecessor = this.#refOf(this.#predecessorOf(node));
    state.becomeFounder(1, [...new Set([...this.#successorsOf(node), predecessor])]);
    for (const finger of this.#fingersOf(node)) {
      state.setFinger(finger.exponent, this.#refOf(finger.node));
    }
    if (this.circle.size <= keptSizeMax) this.#states.set(node, state);
    return state;
  }

  #predecessorOf(node: number): number {
    return (node + this.circle.size - 1) % this.circle.size;
  }

  #successorsOf(node: number): NodeRef[] {
    const { size } = this.circle;
    const length = Math.min(this.#options.successors, size - 1);
    return Array.from({ length }, (_, step) => this.#refOf((node + step + 1) % size));
  }

  /** From the first finger that adds to what is known to the farthest. */
  #fingersOf(node: number): Finger[] {
    const { settled } = this.#wounds;
    if (settled !== undefined && settled[node] !== 1) return [];
    const covered = this.#coveredBelow(node);
    const origin = this.#placeInFingered.get(node) ?? node;
    const fingers: Finger[] = [];
    for (let exponent = bits - 1; exponent >= bits - prefixBits; exponent--) {
      const finger = this.#fingered.successorOfFinger(origin, exponent, bits);
      if (settled === undefined && prefixStep(exponent) <= covered) break;
      fingers.push({ exponent, node: this.#fingeredNodes?.[finger] ?? finger });
      if (prefixStep(exponent) <= covered) break;
    }
    return fingers.reverse();
  }

  /**
   * How far the fingers of a node show nothing new: as far as its successor list goes, or, in a
   * ring that has grown, as far as the next node that was there before, the last finger to add.
   */
  #coveredBelow(node: number): number {
    const origin = this.#placeInFingered.get(node) ?? node;
    const reach = this.#fingeredNodes === null ? this.#options.successors : 1;
    const { prefixes, size } = this.#fingered;
    const last = prefixes[(origin + Math.min(reach, size - 1)) % size] ?? 0;
    return (last - (prefixes[origin] ?? 0) + 2 ** prefixBits) % 2 ** prefixBits;
  }

  #idOf(node: number): Id {
    return this.circle.ids[node] ?? ("" as Id);
  }

  #refOf(node: number): NodeRef {
    return (this.#refs[node] ??= { name: `n${node}`, id: this.#idOf(node), address: `${node}` });
  }
}

/** 2^exponent in units of the prefix. */
function prefixStep(exponent: number): number {
  return 2 ** (exponent - (bits - prefixBits));
}

/** A clock for code that waits for nothing but itself: a pause passes at once. */
class InstantClock implements Clock {
  #nowMs = 0;

  now(): number {
    return this.#nowMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  after(ms: number, callback: () => void): () => void {
    let cancelled = false;
    queueMicrotask(() => {
      if (cancelled) return;
      this.#nowMs += ms;
      callback();
    });
    return () => {
      cancelled = true;
    };
  }
}
