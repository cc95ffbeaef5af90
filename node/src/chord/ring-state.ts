/**
 * What one node knows of its ring, and every change it can make to that: all of them synchronous,
 * so that no other code can see or cause half of one.
 *
 * Invariants: only a member has pointers; the successor list is ordered, without self and without
 * repeats; a member with an empty list is a ring of its own.
 */
import { FingerTable } from "./finger-table.ts";
import { between, betweenRightClosed, Circle, type Id } from "./id.ts";
import { invariant } from "./errors.ts";
import type { NodeRef, NodeState, StateReply } from "./messages.ts";
import type { ChordOptions } from "./options.ts";
import type { Metrics } from "./ports.ts";
import { sameNode, sameNodes, type SuccessorList, successorList } from "./successor-list.ts";

const noSuccessors: SuccessorList = { nodes: [], complete: true };

export class RingState {
  readonly self: NodeRef;
  readonly fingers: FingerTable;
  readonly #options: ChordOptions;
  readonly #metrics: Metrics;
  #state: NodeState = "waiting";
  #epoch = 0;
  #generation = 0;
  #predecessor: NodeRef | null = null;
  #successors: SuccessorList = noSuccessors;
  #contacts: readonly NodeRef[] | null = null;
  #leads: readonly NodeRef[] = [];
  /** Called after every change of state or pointers. */
  onChange: () => void = () => {};

  constructor(self: NodeRef, options: ChordOptions, metrics: Metrics) {
    this.self = self;
    this.#options = options;
    this.#metrics = metrics;
    this.fingers = new FingerTable(new Circle(options.bits), self.id);
  }

  get state(): NodeState {
    return this.#state;
  }

  /** Epoch of the ring this node is a member of; 0 in none. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Grows whenever membership begins or ends: what was awaited across that is void. */
  get generation(): number {
    return this.#generation;
  }

  get member(): boolean {
    return this.#state === "member" || this.#state === "leaving";
  }

  get predecessor(): NodeRef | null {
    return this.#predecessor;
  }

  get successors(): readonly NodeRef[] {
    return this.#successors.nodes;
  }

  /** Whether the successor list is the whole rest of the ring. */
  get complete(): boolean {
    return this.#successors.complete;
  }

  /** Members to ask when every successor is gone. Never adopted unseen. */
  get leads(): readonly NodeRef[] {
    return this.#leads;
  }

  rememberLeads(nodes: readonly NodeRef[]): void {
    this.#leads = nodes.slice(0, this.#options.successors);
  }

  /** A ring of one, as far as it knows. One that lost a list of the next few nodes is not. */
  get alone(): boolean {
    return this.member && this.#successors.nodes.length === 0 && this.#successors.complete;
  }

  /** In the ring, and the ring knows it: a predecessor has made itself known, or it is alone. */
  get ready(): boolean {
    return this.#state === "member" && this.#predecessor !== null;
  }

  /** Whether this node is the successor of id, as far as it knows. */
  owns(id: Id): boolean {
    if (!this.ready || this.#predecessor === null) return false;
    return betweenRightClosed(this.#predecessor.id, id, this.self.id);
  }

  /** All known nodes but self, clockwise from self, each once. */
  get contacts(): readonly NodeRef[] {
    this.#contacts ??= this.#collectContacts();
    return this.#contacts;
  }

  #collectContacts(): readonly NodeRef[] {
    const byId = new Map<Id, NodeRef>();
    for (const node of this.fingers.nodes()) byId.set(node.id, node);
    for (const node of this.successors) byId.set(node.id, node);
    byId.delete(this.self.id);
    const clockwise = (a: NodeRef, b: NodeRef): number =>
      between(this.self.id, a.id, b.id) ? -1 : 1;
    return [...byId.values()].sort(clockwise);
  }

  // --- membership -----------------------------------------------------------------------------

  /** Starts as one of the founding members of an ideal ring. */
  becomeFounder(epoch: number, members: readonly NodeRef[]): void {
    invariant(!this.member, "a founder is no member yet");
    const others = members
      .filter((node) => node.id !== this.self.id)
      .sort((a, b) => (between(this.self.id, a.id, b.id) ? -1 : 1));
    this.#enter(epoch, this.#listOf([...others, this.self]));
    this.#predecessor = others.at(-1) ?? this.self;
    this.#changed();
  }

  /** Becomes a member with the whole list of `before` (Zave's join). Nobody else changes. */
  becomeMember(epoch: number, list: SuccessorList, before: NodeRef): void {
    invariant(!this.member && list.nodes.length > 0, "a joiner brings a list");
    this.#enter(epoch, list);
    this.#leads = [before];
    this.#changed();
  }

  #enter(epoch: number, list: SuccessorList): void {
    this.#generation += 1;
    this.#state = "member";
    this.#epoch = epoch;
    this.#predecessor = null;
    this.#successors = list;
    this.#leads = [];
    this.fingers.clear();
  }

  /** Drops all pointers and membership. */
  becomeOutsider(state: "waiting" | "left"): void {
    this.#generation += 1;
    this.#state = state;
    this.#epoch = 0;
    this.#predecessor = null;
    this.#successors = noSuccessors;
    this.fingers.clear();
    this.#changed();
  }

  /** Between `waiting` and `joining`, and from `member` to `leaving`. */
  setState(state: "waiting" | "joining" | "leaving"): void {
    invariant((state === "leaving") === this.member, `${this.#state} does not become ${state}`);
    this.#state = state;
    this.#changed();
  }

  // --- pointers -------------------------------------------------------------------------------

  /** Adopts a contacted successor and its list behind it. True when that changed the list. */
  adoptSuccessor(successor: NodeRef, reply: StateReply): boolean {
    invariant(this.member, "only a member has successors");
    const list = this.#listOf([successor, ...reply.successors]);
    const changed = !sameNodes(list.nodes, this.successors);
    if (!sameNode(list.nodes[0] ?? null, this.successors[0] ?? null)) {
      this.#metrics.successorChanged();
    }
    this.#successors = list;
    if (changed) this.#changed();
    return changed;
  }

  #listOf(heard: readonly NodeRef[]): SuccessorList {
    return successorList(this.self.id, heard, this.#options.successors);
  }

  /** Drops the first successor, which is gone. */
  dropSuccessor(successor: NodeRef): void {
    if (!sameNode(this.successors[0] ?? null, successor)) return;
    this.#successors = {
      nodes: this.successors.slice(1),
      complete: this.#successors.complete,
    };
    this.fingers.remove(successor);
    this.#metrics.successorChanged();
    this.#changed();
  }

  /** The last other member is gone: this node alone is the ring. */
  becomeAlone(): void {
    invariant(this.member && this.successors.length === 0, "alone means no successor");
    this.fingers.clear();
    this.setPredecessor(this.self);
  }

  setPredecessor(node: NodeRef | null): void {
    if (sameNode(node, this.#predecessor)) return;
    this.#predecessor = node;
    this.#metrics.predecessorChanged();
    this.#changed();
  }

  setFinger(exponent: number, node: NodeRef): boolean {
    if (!this.fingers.set(exponent, node)) return false;
    this.#contacts = null;
    return true;
  }

  #changed(): void {
    this.#contacts = null;
    this.onChange();
  }
}
