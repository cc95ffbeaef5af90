/** What must hold of a whole ring, checked over the views of all its nodes. */
import { between, type Id } from "./id.ts";

export interface NodeView {
  readonly self: { readonly name: string; readonly id: Id };
  readonly predecessor: { readonly id: Id } | null;
  readonly successors: readonly { readonly id: Id }[];
}

export interface Ideal {
  readonly ideal: boolean;
  /** One sentence for each thing that is not as it should be; empty in an ideal ring. */
  readonly problems: readonly string[];
}

/**
 * Ideal (Zave 2017): ordered by id, every node's predecessor is the one before it, and its list
 * the next `successors` nodes (all others in a smaller ring). A ring of one succeeds itself.
 */
export function checkIdeal(views: readonly NodeView[], successors: number): Ideal {
  const ring = [...views].sort((a, b) => (a.self.id < b.self.id ? -1 : 1));
  const problems: string[] = ring.length === 0 ? ["no node of the ring answered"] : [];
  for (const [index, view] of ring.entries()) {
    const at = (offset: number): NodeView => ring[(index + offset) % ring.length] as NodeView;
    const expectedCount = Math.max(1, Math.min(successors, ring.length - 1));
    const expected = Array.from({ length: expectedCount }, (_, i) => at(i + 1));
    const before = at(ring.length - 1);
    if (view.predecessor?.id !== before.self.id) {
      problems.push(`${view.self.name}: predecessor is not ${before.self.name}`);
    }
    const shown = view.successors.length === 0 ? [view.self] : view.successors;
    const right =
      shown.length === expectedCount && expected.every((node, i) => node.self.id === shown[i]?.id);
    if (!right) {
      const names = expected.map((node) => node.self.name).join(", ");
      problems.push(`${view.self.name}: successors are not ${names}`);
    }
  }
  return { ideal: problems.length === 0, problems };
}

/** Whether a successor list is in clockwise order, without its owner and without repeats. */
export function orderedList(view: NodeView): boolean {
  let last = view.self.id;
  return view.successors.every((node) => {
    const inOrder = between(last, node.id, view.self.id);
    last = node.id;
    return inOrder;
  });
}
