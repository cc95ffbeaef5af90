/** Nodes in the order of the circle, and who of them succeeds an identifier. */
import type { Id } from "../src/chord/index.ts";

interface Placed {
  readonly self: { readonly id: Id };
}

/** For sorting. */
export function byId(a: Placed, b: Placed): number {
  return a.self.id < b.self.id ? -1 : 1;
}

/** The index of the first node at or behind an identifier, of nodes sorted by theirs. */
export function successorIndex(circle: readonly Placed[], id: Id): number {
  let [low, high] = [0, circle.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((circle[middle] as Placed).self.id < id) low = middle + 1;
    else high = middle;
  }
  return low % circle.length;
}
