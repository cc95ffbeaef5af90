/**
 * The iterative lookup as a stream of events: hops, timeouts, metrics, traces and pictures all
 * come from it. The asking node sees every step, can route around a dead node, and ends with the
 * first living node at or behind the identifier. Source: SIGCOMM 2001, figure 4 (iterative form),
 * over fingers and successor list together as in the 2003 journal version.
 *
 * A hop is a routing request answered by another node; the asking node's own step is hop 0.
 * Invariant: every node asked lies strictly nearer to the identifier than the one that named it,
 * and is asked once. Where nobody has to be routed around, each hop is nearer than the last.
 */
import { type Context, routingView } from "./context.ts";
import { ChordError, codeOf } from "./errors.ts";
import { between, type Id } from "./id.ts";
import type { LookupMode, NextReply, NodeRef } from "./messages.ts";
import { inRing } from "./peers.ts";
import type { Target } from "./ports.ts";
import { nextStep } from "./routing-table.ts";
import { sleep } from "./sleep.ts";

export interface LookupStep {
  readonly node: NodeRef;
  /** How long the node took to answer, in milliseconds; 0 for the asking node. */
  readonly ms: number;
}

export type LookupEvent =
  | { readonly type: "hop"; readonly node: NodeRef; readonly ms: number }
  | { readonly type: "timeout"; readonly node: string; readonly cause: string };

export interface LookupResult {
  readonly id: Id;
  readonly mode: LookupMode;
  /** The successor of the identifier; living, unless `verify` was switched off. */
  readonly owner: NodeRef;
  /** The owner and the nodes behind it, nearest first. */
  readonly candidates: readonly NodeRef[];
  readonly hops: number;
  /** Requests to nodes that turned out dead, silent or gone. */
  readonly timeouts: number;
  /** From the asking node to the one that knows the owner; hops + 1 entries. */
  readonly path: readonly LookupStep[];
}

export interface LookupOptions {
  readonly mode?: LookupMode;
  readonly deadlineMs?: number;
  /**
   * Ask the owner itself before naming it. Default true; a caller that contacts it next need not.
   */
  readonly verify?: boolean;
  /** Names that the lookup must neither visit nor find. */
  readonly exclude?: readonly string[];
  /** Start at another node instead of this one, which may be in no ring yet. */
  readonly start?: Target;
}

/** Looks an identifier up. Throws `ChordError` no-route, deadline or not-member. */
export function lookup(
  context: Context,
  id: Id,
  options: LookupOptions = {},
): AsyncGenerator<LookupEvent, LookupResult> {
  return new LookupRun(context, id, options).events();
}

/** Runs a lookup to its end. */
export async function resolve(
  events: AsyncGenerator<LookupEvent, LookupResult>,
): Promise<LookupResult> {
  for (;;) {
    const step = await events.next();
    if (step.done === true) return step.value;
  }
}

/** More dead nodes than this on one way, and the lookup fails rather than grow without bound. */
const excludedCountMax = 64;

/** New nodes between the one that named the owner and the owner; more, and the lookup fails. */
const newcomerCountMax = 16;

/** One node on the way, with the nearer nodes that it named and that were not yet tried. */
interface Stop {
  target: NodeRef | Target;
  spare: readonly NodeRef[];
}

class LookupRun {
  readonly mode: LookupMode;
  timeouts = 0;
  readonly #context: Context;
  readonly #id: Id;
  readonly #verify: boolean;
  readonly #deadlineMs: number;
  readonly #path: LookupStep[] = [];
  /** The way so far: when its last node turns out dead, the one before is asked for another. */
  readonly #trail: Stop[] = [];
  readonly #excluded: Set<string>;

  constructor(context: Context, id: Id, options: LookupOptions) {
    this.mode = options.mode ?? "finger";
    this.#context = context;
    this.#id = id;
    this.#verify = options.verify ?? true;
    this.#excluded = new Set(options.exclude);
    this.#trail.push({ target: options.start ?? context.state.self, spare: [] });
    this.#deadlineMs =
      context.ports.clock.now() + (options.deadlineMs ?? context.options.lookupDeadlineMs);
  }

  get hops(): number {
    return Math.max(0, this.#path.length - 1);
  }

  /** Each turn moves nearer, excludes a node or ends; the deadline bounds them in time. */
  async *events(): AsyncGenerator<LookupEvent, LookupResult> {
    for (;;) {
      const stop = this.#trail.at(-1);
      if (stop === undefined) throw this.#failure("no-route", "no living node is nearer");
      const spare = this.#nearer(stop);
      if (spare !== undefined) {
        this.#trail.push({ target: spare, spare: [] });
        continue;
      }
      const step = yield* this.#ask(stop);
      if (step === null) continue;
      if (step.step === "owner") {
        const candidates = yield* this.#confirm(step.nodes);
        if (candidates !== null) return this.#result(candidates);
        if (step.nodes.length > 0) continue;
      }
      stop.spare = step.nodes;
      if (this.#nearer(stop, { keep: true }) === undefined) this.#leaveDeadEnd();
    }
  }

  /** The next node to try from this stop: strictly nearer to the identifier and not excluded. */
  #nearer(stop: Stop, options = { keep: false }): NodeRef | undefined {
    const from = "id" in stop.target ? stop.target.id : null;
    const index = stop.spare.findIndex(
      (node) =>
        !this.#excluded.has(node.name) && (from === null || between(from, node.id, this.#id)),
    );
    const node = stop.spare[index];
    if (!options.keep) stop.spare = index < 0 ? [] : stop.spare.slice(index + 1);
    return node;
  }

  /** One routing step. Null when the node did not answer: it is off the way then. */
  async *#ask(stop: Stop): AsyncGenerator<LookupEvent, NextReply | null> {
    const { clock } = this.#context.ports;
    const startedMs = clock.now();
    if (startedMs > this.#deadlineMs) throw this.#failure("deadline", "the deadline passed");
    if (stop.target === this.#context.state.self) return this.#askSelf();
    try {
      const answer = await this.#context.peers.call<"next">(stop.target, {
        type: "next",
        id: this.#id,
        mode: this.mode,
        exclude: [...this.#excluded],
      });
      stop.target = answer.self;
      if (!this.#path.some((step) => step.node.id === answer.self.id)) {
        const ms = clock.now() - startedMs;
        this.#path.push({ node: answer.self, ms });
        if (this.#path.length > 1) yield { type: "hop", node: answer.self, ms };
      }
      return answer.reply;
    } catch (error) {
      yield this.#exclude(stop.target, error);
      this.#trail.pop();
      return null;
    }
  }

  #askSelf(): NextReply {
    const { state } = this.#context;
    if (!state.member) throw this.#failure("not-member", "this node is in no ring");
    if (this.#path.length === 0) this.#path.push({ node: state.self, ms: 0 });
    if (state.owns(this.#id)) return { step: "owner", nodes: [state.self] };
    return nextStep(routingView(this.#context), {
      id: this.#id,
      mode: this.mode,
      exclude: [...this.#excluded],
    });
  }

  /** The first living node of the list and those behind it; null when none of them lives. */
  async *#confirm(
    nodes: readonly NodeRef[],
  ): AsyncGenerator<LookupEvent, readonly NodeRef[] | null> {
    for (const [index, node] of nodes.entries()) {
      if (this.#excluded.has(node.name)) continue;
      const { self } = this.#context.state;
      // Others may still know this very node at the address of an earlier life.
      if (node.id === self.id) return [self, ...nodes.slice(index + 1)];
      if (!this.#verify) return nodes.slice(index);
      const predecessor = yield* this.#predecessorOf(node, nodes[index + 1]);
      if (predecessor === undefined) continue;
      const earlier = yield* this.#earlierOwner(node, predecessor);
      return earlier === null ? nodes.slice(index) : [earlier, ...nodes.slice(index)];
    }
    return null;
  }

  /**
   * The owner's predecessor; undefined when the owner is certainly gone. One that is only silent is
   * asked again: to name the node behind it would be wrong if it lives. That one is asked
   * meanwhile, so that the loss of two neighbours at once takes no longer to notice than of one.
   */
  async *#predecessorOf(
    node: NodeRef,
    behind?: NodeRef,
  ): AsyncGenerator<LookupEvent, NodeRef | null | undefined> {
    const { peers, options, ports } = this.#context;
    for (;;) {
      try {
        const answer = await peers.call<"ping">(node, { type: "ping" });
        if (inRing(answer.reply.state)) return answer.reply.predecessor;
        throw new ChordError("not-member", `${node.name} is ${answer.reply.state}`);
      } catch (error) {
        if (!(error instanceof ChordError)) throw error;
        if (peers.verdictOn(node, error) === "gone") {
          yield this.#exclude(node, error);
          return undefined;
        }
        if (behind !== undefined && behind.id !== this.#context.state.self.id) {
          peers.call<"ping">(behind, { type: "ping" }).catch(() => undefined);
        }
      }
      if (ports.clock.now() > this.#deadlineMs)
        throw this.#failure("deadline", "the owner is silent");
      await sleep(ports.clock, options.timeoutMinMs * (0.5 + ports.random.next()));
    }
  }

  /** A node that joined before the owner, which the nodes on the way had not heard of yet. */
  async *#earlierOwner(
    owner: NodeRef,
    predecessor: NodeRef | null,
  ): AsyncGenerator<LookupEvent, NodeRef | null> {
    let found: NodeRef | null = null;
    let candidate = predecessor;
    for (let turn = 0; turn < newcomerCountMax; turn++) {
      if (candidate === null || !this.#isOwnerBefore(candidate, found ?? owner)) return found;
      const before: NodeRef | null | undefined = yield* this.#predecessorOf(candidate);
      if (before === undefined) return found;
      found = candidate;
      candidate = before;
    }
    throw this.#failure("no-route", "the ring is being rebuilt around the owner");
  }

  #isOwnerBefore(candidate: NodeRef, owner: NodeRef): boolean {
    // An owner with the very identifier has no other before it; `between` would say the circle.
    if (owner.id === this.#id || candidate.id === owner.id) return false;
    if (this.#excluded.has(candidate.name)) return false;
    return candidate.id === this.#id || between(this.#id, candidate.id, owner.id);
  }

  #exclude(target: NodeRef | Target, error: unknown): LookupEvent {
    if (!(error instanceof ChordError)) throw error;
    if (target.name === null) throw error;
    this.timeouts += 1;
    this.#excluded.add(target.name);
    if (this.#excluded.size > excludedCountMax) {
      throw this.#failure("no-route", "too many nodes did not answer");
    }
    return { type: "timeout", node: target.name, cause: codeOf(error) };
  }

  /** The last node lives but knows no way on: take it off, so that the one before names others. */
  #leaveDeadEnd(): void {
    const stop = this.#trail.pop();
    if (stop?.target.name != null) this.#excluded.add(stop.target.name);
  }

  #result(candidates: readonly NodeRef[]): LookupResult {
    const owner = candidates[0];
    if (owner === undefined) throw this.#failure("no-route", "no owner");
    const { mode, timeouts, hops } = this;
    return { id: this.#id, mode, owner, candidates, hops, timeouts, path: this.#path };
  }

  #failure(code: "no-route" | "deadline" | "not-member", why: string): ChordError {
    return new ChordError(code, `Lookup of ${this.#id} ended after ${this.hops} hops: ${why}`);
  }
}
