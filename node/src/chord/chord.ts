/**
 * One Chord node: puts the operations on their timers and gives the rest of the process its few
 * ways in. All knowledge is in `RingState`; all waiting is here and in the operations.
 */
import { Bootstrap } from "./bootstrap.ts";
import { Census } from "./census.ts";
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import { FingerFixer } from "./fix-fingers.ts";
import { Founding } from "./founding.ts";
import { between, type Id } from "./id.ts";
import {
  lookup,
  type LookupEvent,
  type LookupOptions,
  type LookupResult,
  resolve,
} from "./lookup.ts";
import type { Answer, Envelope, NodeRef, NodeState, Request } from "./messages.ts";
import { OperationLock } from "./operation-lock.ts";
import type { ChordOptions } from "./options.ts";
import { Peers } from "./peers.ts";
import { Periodic } from "./periodic.ts";
import type { Ports } from "./ports.ts";
import { RingState } from "./ring-state.ts";
import { Server } from "./server.ts";
import { pingVerdict, recover, rectify, stabilize } from "./stabilize.ts";
import { sameNode } from "./successor-list.ts";

/** What one node knows, for people and tools. */
export interface RingView {
  readonly self: NodeRef;
  readonly state: NodeState;
  readonly epoch: number;
  readonly predecessor: NodeRef | null;
  /** In a ring of one, the node itself. */
  readonly successors: readonly NodeRef[];
  /** One entry for each run of equal fingers. */
  readonly fingers: readonly { readonly start: Id; readonly node: NodeRef }[];
  /** Whether this node was ever in the ring. */
  readonly founded: boolean;
  /** Whether members were found that are not in this node's ring. */
  readonly split: boolean;
  /** What the node is doing or waiting for. */
  readonly detail: string;
  /** Milliseconds since the last completed stabilization; null before the first. */
  readonly stabilizedMsAgo: number | null;
}

export class Chord {
  readonly self: NodeRef;
  readonly options: ChordOptions;
  /** Called after every change of this node's state or pointers (not of its fingers). */
  onChange: () => void = () => {};
  readonly #context: Context;
  readonly #server: Server;
  readonly #bootstrap: Bootstrap;
  readonly #census: Census;
  readonly #fingers: FingerFixer;
  readonly #tasks: Record<"bootstrap" | "stabilize" | "fingers" | "census", Periodic>;
  /** The nearest node that claims to precede this one and was not yet judged. */
  #candidate: NodeRef | null = null;
  #stabilizedAtMs: number | null = null;
  #remembered = "";
  #fingersStale = false;

  constructor(ports: Ports, options: ChordOptions) {
    this.options = options;
    const { name, address } = options;
    this.self = { name, id: ports.hash.idOf(name), address };
    const state = new RingState(this.self, options, ports.metrics);
    const peers = new Peers(ports, options, () => ({ self: this.self, epoch: state.epoch }));
    this.#context = { ports, options, state, peers, lock: new OperationLock() };
    const founding = new Founding(this.#context);
    this.#bootstrap = new Bootstrap(this.#context, founding);
    this.#census = new Census(this.#context);
    this.#fingers = new FingerFixer(this.#context);
    this.#server = new Server(this.#context, founding, {
      notified: (from) => this.#notified(from),
      hinted: (leads) => this.#hinted(leads),
      heardFrom: (from) => this.#bootstrap.heardFrom(from),
      doubted: () => this.#tasks.census.soon(options.stabilizeIntervalMs),
    });
    const task = (ms: number, run: () => Promise<void>): Periodic => new Periodic(ports, ms, run);
    this.#tasks = {
      bootstrap: task(options.bootstrapIntervalMs, () => this.#bootstrap.round()),
      stabilize: task(options.stabilizeIntervalMs, () => this.#stabilize()),
      fingers: task(options.stabilizeIntervalMs, () => this.#fixFingers()),
      census: task(options.censusIntervalMs, () => this.#takeCensus()),
    };
    state.onChange = () => this.#changed();
    peers.onNewerEpoch = (epoch) =>
      this.#abandon("Its ring was replaced by a newer one", { epoch });
  }

  /** Begins to look for the ring and to keep its place in it. */
  start(): void {
    for (const task of Object.values(this.#tasks)) task.start();
  }

  /** Ends all timers. A restart, not a leave: the other nodes keep this one for a while. */
  stop(): void {
    for (const task of Object.values(this.#tasks)) task.stop();
  }

  /** Answers a peer's request, or throws the `ChordError` that refuses it. */
  handle(envelope: Envelope, request: Request): Answer {
    return this.#server.handle(envelope, request);
  }

  /**
   * All that this node knows of its ring. Tools read it; only a simulator writes it, to place a
   * node in the middle of a ring or to spoil its fingers.
   */
  get ring(): RingState {
    return this.#context.state;
  }

  /** In the middle of an operation on its own pointers: it shows them to nobody. */
  get busy(): boolean {
    return this.#context.lock.busy;
  }

  /** In the ring and known to it: able to serve. */
  get ready(): boolean {
    return this.#context.state.ready;
  }

  get state(): NodeState {
    return this.#context.state.state;
  }

  get epoch(): number {
    return this.#context.state.epoch;
  }

  get predecessor(): NodeRef | null {
    return this.#context.state.predecessor;
  }

  /** Nearest first; empty in a ring of one. */
  get successors(): readonly NodeRef[] {
    return this.#context.state.successors;
  }

  /** Whether this node is the owner of an identifier, as far as it knows. */
  owns(id: Id): boolean {
    return this.#context.state.owns(id);
  }

  /** Looks an identifier up, event by event. Ends with the result or throws `ChordError`. */
  async *lookup(id: Id, options: LookupOptions = {}): AsyncGenerator<LookupEvent, LookupResult> {
    const { clock, metrics } = this.#context.ports;
    const startedMs = clock.now();
    const mode = options.mode ?? "finger";
    let hops = 0;
    let timeouts = 0;
    let found = false;
    try {
      const events = lookup(this.#context, id, options);
      for (;;) {
        const step = await events.next();
        if (step.done === true) {
          found = true;
          return step.value;
        }
        if (step.value.type === "hop") hops += 1;
        else timeouts += 1;
        yield step.value;
      }
    } finally {
      metrics.lookup({ mode, hops, timeouts, durationMs: clock.now() - startedMs, found });
    }
  }

  /** The same, to its end; at once where this node is itself the owner. */
  find(id: Id, options: LookupOptions = {}): Promise<LookupResult> {
    return resolve(this.lookup(id, options));
  }

  /** The result of a lookup that needs no other node, or null. It counts as a lookup. */
  findHere(id: Id): LookupResult | null {
    if (!this.owns(id)) return null;
    const { self } = this;
    const mode = "finger";
    this.#context.ports.metrics.lookup({ mode, hops: 0, timeouts: 0, durationMs: 0, found: true });
    const path = [{ node: self, ms: 0 }];
    return { id, mode, owner: self, candidates: [self], hops: 0, timeouts: 0, path };
  }

  view(): RingView {
    const { state, ports, options } = this.#context;
    const record = ports.record.load();
    const { self, predecessor, epoch } = state;
    const { alone } = state;
    return {
      self,
      state: state.state,
      epoch,
      predecessor,
      successors: alone ? [self] : state.successors,
      fingers: state.fingers.distinct().map(({ start, node }) => ({ start, node })),
      founded: state.member || (record?.ring === options.ring && record.epoch > 0),
      split: this.#census.split,
      detail: this.#detail(),
      stabilizedMsAgo:
        this.#stabilizedAtMs === null ? null : ports.clock.now() - this.#stabilizedAtMs,
    };
  }

  /** Leaves for good: neighbours are told to look again, nobody's pointers are written. */
  async leave(): Promise<void> {
    const { state, ports } = this.#context;
    if (state.state === "left") return;
    const { predecessor, successors } = state;
    if (state.member) state.setState("leaving");
    state.becomeOutsider("left");
    ports.log.info("Left the ring");
    const neighbours = [predecessor, successors[0]].filter((node) => node != null);
    await Promise.all(neighbours.map((node) => this.#sendHint(node, successors)));
  }

  /** A node that left looks for the ring again. */
  rejoin(): void {
    const { state } = this.#context;
    if (state.state !== "left") return;
    state.becomeOutsider("waiting");
    this.#tasks.bootstrap.soon(0);
  }

  async #sendHint(to: NodeRef, successors: readonly NodeRef[]): Promise<void> {
    if (to.id === this.self.id) return;
    try {
      await this.#context.peers.call<"hint">(to, { type: "hint", leaving: true, successors });
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
    }
  }

  #detail(): string {
    const { state } = this.#context;
    if (!state.member) {
      return state.state === "left" ? "Left on request" : this.#bootstrap.detail;
    }
    if (this.#census.split) return "Found members outside its own ring, waits for them to join";
    return state.ready ? "In the ring" : "Joined, waits for its predecessor to notice";
  }

  // --- tasks ----------------------------------------------------------------------------------

  async #stabilize(): Promise<void> {
    const { state, lock, ports, options } = this.#context;
    if (!state.member) return;
    const startedMs = ports.clock.now();
    const { result, exhausted } = await lock.run(() => stabilize(this.#context));
    ports.metrics.stabilized(result, ports.clock.now() - startedMs);
    if (exhausted) await this.#recover();
    await this.#rectify();
    if (result === "unchanged" || result === "changed" || result === "successor-failed") {
      this.#stabilizedAtMs = ports.clock.now();
    }
    if (result !== "unchanged") this.#tasks.stabilize.soon(options.stabilizeIntervalMs / 8);
  }

  async #recover(): Promise<void> {
    const { state, lock } = this.#context;
    const lost = !(await lock.run(() => recover(this.#context)));
    if (lost && state.member) this.#abandon("Lost every other member", {});
  }

  #notified(from: NodeRef): void {
    const best = this.#candidate;
    if (sameNode(best, from)) return;
    if (best === null || best.id === from.id || between(best.id, from.id, this.self.id)) {
      this.#candidate = from;
    }
    void this.#rectify();
  }

  /**
   * Contacts the candidate before anything else: a notify may be late, repeated or forged. One
   * that does not answer is forgotten; if it lives, its next stabilization notifies again.
   */
  async #rectify(): Promise<void> {
    const { lock, state } = this.#context;
    const candidate = this.#candidate;
    if (candidate === null) return;
    const known = sameNode(candidate, state.predecessor);
    if (known || (await pingVerdict(this.#context, candidate)) !== "live") {
      if (this.#candidate === candidate) this.#candidate = null;
      return;
    }
    await lock.run(async () => {
      if (this.#candidate !== candidate) return;
      const settled = await rectify(this.#context, candidate);
      if (settled && this.#candidate === candidate) this.#candidate = null;
    });
  }

  #hinted(leads: readonly NodeRef[]): void {
    if (leads.length > 0) this.#context.state.rememberLeads(leads);
    this.#tasks.stabilize.soon(this.options.stabilizeIntervalMs / 50);
  }

  async #fixFingers(): Promise<void> {
    const { state, options } = this.#context;
    if (!state.member) return;
    const passed = await this.#fingers.fixNext();
    if (passed) this.#fingersStale = false;
    if (this.#fingersStale) this.#tasks.fingers.soon(options.stabilizeIntervalMs / 8);
  }

  async #takeCensus(): Promise<void> {
    const giveWayTo = await this.#census.round();
    if (giveWayTo === null) {
      if (this.#census.doubtful) this.#tasks.census.soon(this.options.stabilizeIntervalMs);
      return;
    }
    this.#bootstrap.prefer(giveWayTo);
    this.#abandon("Found a newer or larger ring", { member: giveWayTo.name });
  }

  /** Gives up membership to join another ring, or the rest of this one. */
  #abandon(why: string, fields: Readonly<Record<string, unknown>>): void {
    const { state, ports } = this.#context;
    if (!state.member) return;
    ports.log.warn("Left its ring to join again", { why, ...fields });
    state.becomeOutsider("waiting");
    this.#tasks.bootstrap.soon(0);
  }

  #changed(): void {
    const { state, options } = this.#context;
    if (!state.member) {
      this.#candidate = null;
      this.#stabilizedAtMs = null;
    } else {
      this.#fingersStale = true;
      this.#tasks.fingers.soon(options.stabilizeIntervalMs / 4);
      // Nobody leads to a joiner before its successor knows it: that one is told at once.
      const unknown = state.predecessor === null && state.successors.length > 0;
      this.#tasks.stabilize.soon(unknown ? 0 : options.stabilizeIntervalMs / 4);
    }
    this.#remember();
    this.onChange();
  }

  /** Keeps the neighbours' names on disk, for the day when all nodes are down at once. */
  #remember(): void {
    const { state, options, ports } = this.#context;
    if (state.state === "waiting" || state.state === "joining") return;
    const nodes = [state.self, state.predecessor, ...state.successors];
    const known = state.member ? nodes.filter((node) => node !== null) : [];
    const names = [...new Set(known.map((node) => node.name))].sort();
    const epoch = Math.max(state.epoch, ports.record.load()?.epoch ?? 0);
    const key = `${epoch} ${names.join()}`;
    if (key === this.#remembered) return;
    this.#remembered = key;
    ports.record.save({ ring: options.ring, epoch, names }).catch((error: unknown) => {
      this.#remembered = "";
      ports.log.warn("Could not keep the neighbours' names on disk", { error: String(error) });
    });
  }
}
