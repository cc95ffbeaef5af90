/**
 * Looks for members that are not in this node's ring, as a partition or a false alarm may leave
 * them. The newer ring stays; of two rings of one epoch the larger one; the nodes of the other
 * join it one by one. Outside Zave's model, which knows one ring only.
 */
import type { Context } from "./context.ts";
import { askState } from "./context.ts";
import { ChordError } from "./errors.ts";
import { lookup, resolve } from "./lookup.ts";
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

  /** Whether the last round met a stranger: then the next round should come soon. */
  get doubtful(): boolean {
    return this.#strikes > 0;
  }

  /** Meets one existing node, chosen by chance. True if this node should leave for its ring. */
  async round(): Promise<boolean> {
    const { state } = this.#context;
    if (!state.member) return false;
    const stranger = await this.#meet();
    this.#stranger = stranger?.self.address ?? null;
    if (stranger === null) {
      this.#strikes = 0;
      this.#clean += 1;
      if (this.#clean >= strikeCountMax) this.#split = false;
      return false;
    }
    this.#clean = 0;
    this.#strikes += 1;
    if (stranger.epoch > state.epoch) return true;
    if (this.#strikes < strikeCountMax) return false;
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

  /** Walks both rings. True when they are two, and this node's is the one to give way. */
  async #compare(stranger: NodeRef): Promise<boolean> {
    const { state, ports } = this.#context;
    const own = await this.#walk(state.self, state.successors[0] ?? state.self);
    const theirs = await this.#walk(stranger, stranger);
    if (own === null || theirs === null) return false;
    const one = own.has(stranger.id) || theirs.has(state.self.id);
    this.#split = !one;
    if (one) return false;
    ports.log.warn("Found a second ring", { own: own.size, other: theirs.size });
    if (own.size !== theirs.size) return own.size < theirs.size;
    return lowest(own) > lowest(theirs);
  }

  /** The ids along first successors from a node round to itself; null when the walk breaks off. */
  async #walk(from: NodeRef, first: NodeRef): Promise<Set<string> | null> {
    const seen = new Set<string>([from.id]);
    let node = first;
    try {
      for (let count = 0; count < ringSizeMax; count++) {
        if (node.id === from.id && count > 0) return seen;
        if (node.id === this.#context.state.self.id) {
          node = this.#context.state.successors[0] ?? from;
          seen.add(this.#context.state.self.id);
          continue;
        }
        const { reply } = await askState(this.#context, node);
        seen.add(node.id);
        node = reply.successors[0] ?? node;
        if (node.id === from.id) return seen;
      }
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
    }
    return null;
  }
}

function lowest(ids: ReadonlySet<string>): string {
  return [...ids].sort()[0] ?? "";
}
