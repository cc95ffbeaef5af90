/**
 * The successor list: the next nodes clockwise, nearest first, as pure functions.
 *
 * Invariant of every list made here: strictly clockwise from `self`, without self and without
 * repeats (Zave 2017, OrderedSuccessorLists), at most `max` long.
 */
import { between, type Id } from "./id.ts";
import type { NodeRef } from "./messages.ts";

export interface SuccessorList {
  readonly nodes: readonly NodeRef[];
  /** True when the nodes heard of went all the way round to self: the list is the whole ring. */
  readonly complete: boolean;
}

/**
 * The longest ordered prefix of `heard`. It is cut, never mended, where it stops going clockwise:
 * what stands behind that point is the next turn of the circle or a peer's error.
 */
export function successorList(self: Id, heard: readonly NodeRef[], max: number): SuccessorList {
  const nodes: NodeRef[] = [];
  let last = self;
  for (const node of heard) {
    if (node.id === self) return { nodes, complete: true };
    if (nodes.length === max || !between(last, node.id, self)) {
      return { nodes, complete: false };
    }
    nodes.push(node);
    last = node.id;
  }
  return { nodes, complete: false };
}

/** Whether two lists name the same nodes at the same addresses. */
export function sameNodes(a: readonly NodeRef[], b: readonly NodeRef[]): boolean {
  return a.length === b.length && a.every((node, index) => sameNode(node, b[index] ?? null));
}

/** Whether two references name the same node at the same address. */
export function sameNode(a: NodeRef | null, b: NodeRef | null): boolean {
  return a === b || (a !== null && b !== null && a.id === b.id && a.address === b.address);
}
