/**
 * The next step of a lookup at one node, from its successor list and fingers together.
 * Pure reading: it answers at any time, even while the node is busy with its own pointers.
 */
import { between, betweenRightClosed, type Id } from "./id.ts";
import type { LookupMode, NextReply, NodeRef } from "./messages.ts";

/** Nearer nodes to offer in one reply: spare ones save asking again when the first is dead. */
const candidateCount = 3;

export interface RoutingView {
  readonly self: NodeRef;
  readonly successors: readonly NodeRef[];
  /** Whether the node is a ring of its own, and so owns everything. */
  readonly alone: boolean;
  /** All known nodes but self, clockwise from self. */
  readonly contacts: readonly NodeRef[];
  /** Whether the last request to the node was answered. */
  readonly healthy: (node: NodeRef) => boolean;
}

export interface NextQuestion {
  readonly id: Id;
  readonly mode: LookupMode;
  readonly exclude: readonly string[];
}

/**
 * `owner` when id lies between this node and one of its successors: the successors from there on.
 * Else `forward`: the known nodes closest before id, best first, those that answered last first.
 */
export function nextStep(view: RoutingView, question: NextQuestion): NextReply {
  const { self } = view;
  const excluded = (node: NodeRef): boolean => question.exclude.includes(node.name);
  const successors = view.successors.filter((node) => !excluded(node));
  if (view.alone) return { step: "owner", nodes: [self] };
  const reach = question.mode === "walk" ? successors.slice(0, 1) : successors;
  const index = reach.findIndex((node) => betweenRightClosed(self.id, question.id, node.id));
  if (index >= 0) return { step: "owner", nodes: successors.slice(index) };
  if (question.mode === "walk") return { step: "forward", nodes: successors };
  return { step: "forward", nodes: closestPreceding(view, question.id, excluded) };
}

function closestPreceding(
  view: RoutingView,
  id: Id,
  excluded: (node: NodeRef) => boolean,
): NodeRef[] {
  const healthy: NodeRef[] = [];
  const silent: NodeRef[] = [];
  for (let i = view.contacts.length - 1; i >= 0 && healthy.length < candidateCount; i--) {
    const node = view.contacts[i];
    if (node === undefined || !between(view.self.id, node.id, id) || excluded(node)) continue;
    (view.healthy(node) ? healthy : silent).push(node);
  }
  return [...healthy, ...silent].slice(0, candidateCount);
}
