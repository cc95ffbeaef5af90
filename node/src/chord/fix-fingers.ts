/**
 * Keeps the fingers right, at most one lookup a turn. Most entries equal the one before or stand
 * in the successor list, so a pass over all of them costs about log2 N lookups.
 */
import type { Context } from "./context.ts";
import { ChordError } from "./errors.ts";
import { lookup, resolve } from "./lookup.ts";
import type { NodeRef } from "./messages.ts";

export class FingerFixer {
  readonly #context: Context;
  #exponent = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Goes on from the last finger to the next one that needs a lookup. True at a pass's end. */
  async fixNext(): Promise<boolean> {
    const { state } = this.#context;
    while (this.#exponent < state.fingers.size) {
      const known = this.#known(this.#exponent);
      if (known === undefined) {
        await this.#lookUp(this.#exponent);
        this.#exponent += 1;
        return false;
      }
      const last = state.fingers.reach(known);
      for (; this.#exponent <= last; this.#exponent++) state.setFinger(this.#exponent, known);
    }
    this.#exponent = 0;
    return true;
  }

  /** The node that succeeds the finger's start, where the node's own lists show it. */
  #known(exponent: number): NodeRef | undefined {
    const { fingers, successors, self } = this.#context.state;
    if (successors.length === 0) return self;
    const near = successors.find((node) => fingers.reach(node) >= exponent);
    if (near !== undefined) return near;
    const before = exponent === 0 ? undefined : fingers.get(exponent - 1);
    return before !== undefined && fingers.reach(before) >= exponent ? before : undefined;
  }

  async #lookUp(exponent: number): Promise<void> {
    const { state, ports } = this.#context;
    const { generation } = state;
    try {
      const found = await resolve(lookup(this.#context, state.fingers.start(exponent)));
      if (state.generation !== generation) return;
      const changed = state.setFinger(exponent, found.owner);
      ports.metrics.fingerFixed(changed ? "changed" : "unchanged");
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      ports.metrics.fingerFixed("failed");
    }
  }
}
