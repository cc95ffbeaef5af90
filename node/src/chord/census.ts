/**
 * Looks for members that lookups in this node's ring do not lead to, as a partition or a false
 * alarm may leave them. They are in another ring, or further on in a ring that goes round the
 * circle more than once (a loopy ring: each node agrees with its neighbours, so stabilization mends
 * nothing).
 *
 * The newer ring stays; of two rings of one epoch the larger one; of a loopy ring the first round
 * from its lowest identifier. All others join it one by one. Outside Zave's model, which starts
 * from one ordered ring.
 */
import type { Context } from "./context.ts";
import { askState } from "./context.ts";
import { ChordError } from "./errors.ts";
import { lookup, resolve } from "./lookup.ts";
import type { Id } from "./id.ts";
import type { Answer, NodeRef } from "./messages.ts";
import { inRing } from "./peers.ts";

/** A stranger must be met in this many rounds in a row: a ring in change looks odd for a moment. */
const strikeCountMax = 3;
/** Longest walk along successors. */
const ringSizeMax = 1024;

export class Census {
  readonly #context: Context;
  /** Who was met last and looked like a stranger: met again until it is clear. */
  #stranger: string | null = null;
  #strikes = 0;
  #clean = 0;
  #split = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whether members outside this node's ring were found lately. */
  get split(): boolean {
    return this.#split;
  }

  /** Whether a stranger was met lately: then the next round should come soon. */
  get doubtful(): boolean {
    return this.#strikes > 0 || this.#split;
  }

  /** Meets one existing node, chosen by chance. Whom to join through if this node should leave. */
  async round(): Promise<NodeRef | null> {
    const giveWayTo = await this.#round();
    if (giveWayTo === null) return null;
    this.#stranger = null;
    this.#strikes = 0;
    this.#split = false;
    return giveWayTo;
  }

  async #round(): Promise<NodeRef | null> {
    const { state } = this.#context;
    if (!state.member) return null;
    const stranger = await this.#meet();
    this.#stranger = stranger?.self.address ?? null;
    if (stranger === null) {
      this.#strikes = 0;
      this.#clean += 1;
      if (this.#clean >= strikeCountMax) this.#split = false;
      return null;
    }
    this.#clean = 0;
    this.#strikes += 1;
    if (stranger.epoch > state.epoch) return stranger.self;
    if (this.#strikes < strikeCountMax) return null;
    return await this.#compare(stranger.self);
  }

  /** A member that lookups in this ring do not lead to; null when the one met is no stranger. */
  async #meet(): Promise<Answer<"hello"> | null> {
    const { ports, peers, state } = this.#context;
    const addresses = (await ports.discovery.addresses()).filter(
      (address) => address !== state.self.address,
    );
    const chosen = addresses[Math.floor(ports.random.next() * addresses.length)];
    const address = this.#stranger ?? chosen;
    if (address === undefined) return null;
    try {
      const answer = await peers.call<"hello">({ address, name: null }, { type: "hello" });
      if (!inRing(answer.reply.state) || answer.self.id === state.self.id) return null;
      if (answer.epoch !== state.epoch) return answer.epoch > state.epoch ? answer : null;
      const found = await resolve(lookup(this.#context, answer.self.id));
      return found.owner.id === answer.self.id ? null : answer;
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      return null;
    }
  }

  /** Walks both rings. Whom to join through, if they are two or one twice round, and it must. */
  async #compare(stranger: NodeRef): Promise<NodeRef | null> {
    const { state, ports } = this.#context;
    const own = await this.#walk(state.self);
    const theirs = await this.#walk(stranger);
    if (own === null || theirs === null) return null;
    if (includes(own, stranger) || includes(theirs, state.self)) {
      const round = firstRound(own);
      this.#split = round.length < own.length;
      return includes(round, state.self) ? null : (round[0] ?? null);
    }
    this.#split = true;
    ports.log.warn("Found a second ring", { own: own.length, other: theirs.length });
    const smaller =
      own.length === theirs.length ? lowest(own) > lowest(theirs) : own.length < theirs.length;
    return smaller ? stranger : null;
  }

  /** The nodes along first successors from one round to itself; null when the walk breaks off. */
  async #walk(start: NodeRef): Promise<NodeRef[] | null> {
    const seen = new Map<Id, NodeRef>();
    let node = start;
    try {
      while (!seen.has(node.id) && seen.size < ringSizeMax) {
        seen.set(node.id, node);
        node = await this.#successorOf(node);
      }
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      return null;
    }
    return node.id === start.id ? [...seen.values()] : null;
  }

  /** A node's first successor; the node itself in a ring of one. */
  async #successorOf(node: NodeRef): Promise<NodeRef> {
    const { state } = this.#context;
    if (node.id === state.self.id) return state.successors[0] ?? node;
    return (await askState(this.#context, node)).reply.successors[0] ?? node;
  }
}

function includes(ring: readonly NodeRef[], node: NodeRef): boolean {
  return ring.some(({ id }) => id === node.id);
}

function lowest(ring: readonly NodeRef[]): string {
  return ring.map(({ id }) => id).sort()[0] ?? "";
}

/** The nodes from the lowest id on, as far as ids rise: all of them in an ordered ring. */
function firstRound(ring: readonly NodeRef[]): NodeRef[] {
  const first = lowest(ring);
  const start = ring.findIndex(({ id }) => id === first);
  const turned = [...ring.slice(start), ...ring.slice(0, start)];
  const end = turned.findIndex(
    ({ id }, index) => index > 0 && id < (turned[index - 1] as NodeRef).id,
  );
  return end < 0 ? turned : turned.slice(0, end);
}
