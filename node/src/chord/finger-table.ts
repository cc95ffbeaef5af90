/**
 * The finger table: entry i is the node that succeeds self + 2^i. Fingers make lookups short and
 * are never needed for their result, so a wrong one costs hops only (SIGCOMM 2001, section 4.3).
 */
import { betweenRightClosed, type Circle, type Id } from "./id.ts";
import type { NodeRef } from "./messages.ts";

export interface Finger {
  readonly exponent: number;
  readonly start: Id;
  readonly node: NodeRef;
}

export class FingerTable {
  readonly #self: Id;
  readonly #starts: readonly Id[];
  readonly #nodes: (NodeRef | undefined)[];

  constructor(circle: Circle, self: Id) {
    this.#self = self;
    this.#starts = Array.from({ length: circle.bits }, (_, i) => circle.fingerStart(self, i));
    this.#nodes = Array.from({ length: circle.bits }, () => undefined);
  }

  get size(): number {
    return this.#starts.length;
  }

  start(exponent: number): Id {
    const start = this.#starts[exponent];
    if (start === undefined) throw new RangeError(`No finger ${exponent}`);
    return start;
  }

  get(exponent: number): NodeRef | undefined {
    return this.#nodes[exponent];
  }

  /** Sets a finger; true when that changed it. */
  set(exponent: number, node: NodeRef): boolean {
    const before = this.#nodes[exponent];
    this.#nodes[exponent] = node;
    return before === undefined || before.id !== node.id || before.address !== node.address;
  }

  /** Whether `node` also succeeds the start of this finger: no lookup is needed for it. */
  covers(node: NodeRef, exponent: number): boolean {
    return betweenRightClosed(this.#self, this.start(exponent), node.id);
  }

  /** Forgets a node that is gone; true when it was in the table. */
  remove(node: NodeRef): boolean {
    let removed = false;
    for (const [exponent, finger] of this.#nodes.entries()) {
      if (finger?.address !== node.address) continue;
      this.#nodes[exponent] = undefined;
      removed = true;
    }
    return removed;
  }

  clear(): void {
    this.#nodes.fill(undefined);
  }

  /** The first finger of each run of equal ones: all that the table knows, about log2 N entries. */
  distinct(): Finger[] {
    const fingers: Finger[] = [];
    let last: NodeRef | undefined;
    for (const [exponent, node] of this.#nodes.entries()) {
      if (node === undefined || node === last || node.id === last?.id) continue;
      fingers.push({ exponent, start: this.start(exponent), node });
      last = node;
    }
    return fingers;
  }
}
