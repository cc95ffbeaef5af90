/**
 * What must hold of a whole ring, checked over the views of all its nodes: by the simulator after
 * every event, and for live rings on what `GET /v1/ring/nodes` shows.
 *
 * Source: Zave, IEEE TSE 43(12) 2017. A node's extended list is the node followed by its
 * successors. A *principal* is a member that no two neighbours in any member's extended list pass
 * over. The inductive invariant is R1 and R2; R3 to R6 and R11 follow from it.
 */
import { between, type Id } from "./id.ts";

interface Ref {
  readonly id: Id;
  /** With an address, a reference to an earlier life of a node is not taken for the node. */
  readonly address?: string;
}

export interface NodeView {
  readonly self: Ref & { readonly name: string };
  readonly predecessor: Ref | null;
  /** Nearest first. Empty, or the node itself, in a ring of one. */
  readonly successors: readonly Ref[];
}

export type RingInvariant = "R1" | "R2" | "R3" | "R4" | "R5" | "R6" | "R11";

export interface Violation {
  readonly invariant: RingInvariant;
  /** A sentence that names the nodes concerned. */
  readonly problem: string;
}

/** One line for each invariant, for reports. */
export const invariants: Readonly<Record<RingInvariant, string>> = {
  R1: "every member has a living successor in its list",
  R2: "at least r+1 members are principals",
  R3: "every successor list is in clockwise order",
  R4: "no successor list names its owner, a node twice, or more than r nodes",
  R5: "there is exactly one ring",
  R6: "every member outside the ring reaches it by living successors",
  R11: "the ring goes round the circle exactly once",
};

/** R3 and R4 of one node. */
export function checkList(view: NodeView, successors: number): Violation[] {
  const { self } = view;
  const list = othersOf(view);
  const violations: Violation[] = [];
  if (!orderedList(view)) {
    violations.push({ invariant: "R3", problem: `${self.name}'s list is not in clockwise order` });
  }
  if (list.some((node) => node.id === self.id)) {
    violations.push({ invariant: "R4", problem: `${self.name} is in its own list` });
  }
  if (new Set(list.map((node) => node.id)).size < list.length) {
    violations.push({ invariant: "R4", problem: `${self.name}'s list names a node twice` });
  }
  if (list.length > successors) {
    violations.push({
      invariant: "R4",
      problem: `${self.name}'s list has ${list.length} nodes, more than ${successors}`,
    });
  }
  return violations;
}

/** R1, R2, R5, R6 and R11, over the views of all living members. For rings of r+1 or more. */
export function checkRing(views: readonly NodeView[], successors: number): Violation[] {
  const next = new Map<NodeView, NodeView>();
  const members = new Map(views.map((view) => [view.self.id, view]));
  const violations: Violation[] = [];
  for (const view of views) {
    const best = bestSuccessor(view, members);
    if (best !== undefined) next.set(view, best);
    else violations.push({ invariant: "R1", problem: `${view.self.name} has no living successor` });
  }
  const count = principals(views).size;
  if (count < successors + 1) {
    violations.push({
      invariant: "R2",
      problem: `${count} principals, fewer than ${successors + 1}`,
    });
  }
  if (violations.some(({ invariant }) => invariant === "R1")) return violations;
  return [...violations, ...checkCycles(views, next)];
}

/**
 * The ids of the members that no extended list passes over. An entry for an earlier life of a
 * member passes over that member, since it leads nowhere. `onTheWay` are lists that a node was sent
 * and has not applied yet: they pass over members as if they were applied.
 */
export function principals(
  views: readonly NodeView[],
  onTheWay: readonly NodeView[] = [],
): Set<Id> {
  const members = new Map(views.map((view) => [view.self.id, view.self]));
  const ids = new Set(members.keys());
  for (const view of [...views, ...onTheWay]) {
    const list = othersOf(view);
    let last = view.self.id;
    // Its list is (self, self): one that believes itself alone passes over all others.
    if (list.length === 0) dropBetween(ids, last, last);
    for (const node of list) {
      const member = members.get(node.id);
      if (member !== undefined && !sameLife(member, node)) ids.delete(node.id);
      dropBetween(ids, last, node.id);
      last = node.id;
    }
  }
  return ids;
}

function dropBetween(ids: Set<Id>, from: Id, to: Id): void {
  for (const id of ids) if (between(from, id, to)) ids.delete(id);
}

/** The first entry of the list that lives, in this very life of it. */
function bestSuccessor(view: NodeView, members: ReadonlyMap<Id, NodeView>): NodeView | undefined {
  for (const node of view.successors) {
    const member = members.get(node.id);
    if (member !== undefined && sameLife(member.self, node)) return member;
  }
  return othersOf(view).length === 0 ? view : undefined;
}

function sameLife(a: Ref, b: Ref): boolean {
  return a.address === undefined || b.address === undefined || a.address === b.address;
}

function checkCycles(
  views: readonly NodeView[],
  next: ReadonlyMap<NodeView, NodeView>,
): Violation[] {
  /** The turn in which a member was first reached: one of an earlier turn leads to its ring. */
  const reachedIn = new Map<NodeView, number>();
  const rings: NodeView[][] = [];
  const violations: Violation[] = [];
  for (const [turn, start] of views.entries()) {
    const way: NodeView[] = [];
    let view = start;
    for (; !reachedIn.has(view); view = next.get(view) as NodeView) {
      reachedIn.set(view, turn);
      way.push(view);
    }
    if (reachedIn.get(view) !== turn) continue;
    const ring = way.slice(way.indexOf(view));
    rings.push(ring);
    if (rings.length > 1) violations.push(...secondRing(rings[0] as NodeView[], ring));
    const turns = turnsOf(ring);
    if (turns !== 1) {
      violations.push({ invariant: "R11", problem: `the ring goes round ${turns} times` });
    }
  }
  return violations;
}

function secondRing(first: readonly NodeView[], second: readonly NodeView[]): Violation[] {
  const names = (ring: readonly NodeView[]): string => ring.map((v) => v.self.name).join(", ");
  const [kept, other] = first.length >= second.length ? [first, second] : [second, first];
  return [
    { invariant: "R5", problem: `two rings: ${names(kept)}; and ${names(other)}` },
    { invariant: "R6", problem: `${names(other)} do not reach the ring of ${names(kept)}` },
  ];
}

/** How often a walk along the ring passes the zero of the circle. */
function turnsOf(ring: readonly NodeView[]): number {
  let turns = 0;
  for (const [index, view] of ring.entries()) {
    const behind = ring[(index + 1) % ring.length] as NodeView;
    if (behind.self.id <= view.self.id) turns += 1;
  }
  return turns;
}

/** The list without the entry by which a ring of one shows itself. */
function othersOf(view: NodeView): readonly Ref[] {
  const [first] = view.successors;
  return view.successors.length === 1 && first?.id === view.self.id ? [] : view.successors;
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
    if (view.predecessor?.id !== before.self.id || !sameLife(before.self, view.predecessor)) {
      problems.push(`${view.self.name}: predecessor is not ${before.self.name}`);
    }
    const shown = view.successors.length === 0 ? [view.self] : view.successors;
    const right =
      shown.length === expectedCount &&
      expected.every((node, i) => {
        const entry = shown[i];
        return entry !== undefined && entry.id === node.self.id && sameLife(node.self, entry);
      });
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
  return othersOf(view).every((node) => {
    const inOrder = between(last, node.id, view.self.id);
    last = node.id;
    return inOrder;
  });
}
