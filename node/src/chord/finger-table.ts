/**
 * The finger table: entry i is the node that succeeds self + 2^i. Fingers make lookups short and
 * are never needed for their result, so a wrong one costs hops only (SIGCOMM 2001, section 4.3).
 */
import type { Circle, Id } from "./id.ts";
import type { NodeRef } from "./messages.ts";

export interface Finger {
  readonly exponent: number;
  readonly start: Id;
  readonly node: NodeRef;
}

const reachCountMax = 256;

export class FingerTable {
  readonly #circle: Circle;
  readonly #self: Id;
  readonly #nodes: (NodeRef | undefined)[];
  /** What `reach` found before, for the few nodes that are asked about again and again. */
  readonly #reaches = new Map<Id, number>();

  constructor(circle: Circle, self: Id) {
    this.#circle = circle;
    this.#self = self;
    this.#nodes = Array.from({ length: circle.bits }, () => undefined);
  }

  get size(): number {
    return this.#nodes.length;
  }

  start(exponent: number): Id {
    return this.#circle.fingerStart(this.#self, exponent);
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

  /** The last finger whose start `node` also succeeds: up to there no lookup is needed. */
  reach(node: NodeRef): number {
    const known = this.#reaches.get(node.id);
    if (known !== undefined) return known;
    const reach = this.#circle.reach(this.#self, node.id);
    if (this.#reaches.size >= reachCountMax) this.#reaches.clear();
    this.#reaches.set(node.id, reach);
    return reach;
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
    return this.#firsts().map(({ exponent, node }) => ({
      exponent,
      start: this.start(exponent),
      node,
    }));
  }

  /** The nodes of `distinct`. */
  nodes(): NodeRef[] {
    return this.#firsts().map(({ node }) => node);
  }

  #firsts(): { exponent: number; node: NodeRef }[] {
    const firsts: { exponent: number; node: NodeRef }[] = [];
    let last: NodeRef | undefined;
    for (const [exponent, node] of this.#nodes.entries()) {
      if (node === undefined || node === last || node.id === last?.id) continue;
      firsts.push({ exponent, node });
      last = node;
    }
    return firsts;
  }
}
