/**
 * Chord's ring maintenance as its papers give it (SIGCOMM 2001, figure 7; the 2003 journal version
 * with successor lists), in steps that each happen at once, as Zave 2012 examined it. Scenarios run
 * it beside ours, so that what the original does with a history is computed and not claimed.
 *
 * A joiner takes one successor. Stabilize adopts the successor's predecessor unseen. Copying the
 * successor's list is a step of its own. A dead successor gives way to the next entry; a dead
 * predecessor is forgotten. Where the papers leave it open, this is the reading kindest to them: an
 * adopted node stands before the old list instead of replacing its head. Nothing here keeps an
 * invariant: that is the point.
 */
import { between, type Id } from "../../src/chord/index.ts";

export interface OriginalNode {
  readonly id: Id;
  predecessor: Id | null;
  /** The successor and those behind it; of one entry right after a join. */
  successors: readonly Id[];
}

export class OriginalChord {
  readonly members = new Map<Id, OriginalNode>();
  readonly #successors: number;

  /** An ideal ring of these nodes; a ring of one is its own successor, without a predecessor. */
  constructor(ids: readonly Id[], successors: number) {
    this.#successors = successors;
    const ring = [...ids].sort();
    for (const [index, id] of ring.entries()) {
      const behind = [...ring.slice(index + 1), ...ring.slice(0, index)];
      const list = Array.from({ length: successors }, (_, i) => behind[i % behind.length] ?? id);
      this.members.set(id, {
        id,
        predecessor: behind.at(-1) ?? null,
        successors: behind.length < successors ? [...behind, id].slice(0, successors) : list,
      });
    }
  }

  /** The newcomer learns its successor from the member before it, and nothing else. */
  join(id: Id, through: Id): boolean {
    const successor = this.members.get(through)?.successors[0];
    if (successor === undefined || this.members.has(id)) return false;
    if (!this.members.has(successor) || !between(through, id, successor)) return false;
    this.members.set(id, { id, predecessor: null, successors: [successor] });
    return true;
  }

  fail(id: Id): boolean {
    return this.members.delete(id);
  }

  /** Adopts the successor's predecessor if that stands between, alive or not. */
  stabilize(id: Id): boolean {
    const node = this.members.get(id);
    const successor = this.members.get(node?.successors[0] ?? id);
    const candidate = successor?.predecessor ?? null;
    if (node === undefined || successor === undefined || candidate === null) return false;
    if (!between(id, candidate, successor.id)) return false;
    node.successors = [candidate, ...node.successors].slice(0, this.#successors);
    return true;
  }

  /** The successor hears of this node, and takes it if it stands nearer than its predecessor. */
  notify(id: Id): boolean {
    const node = this.members.get(id);
    const successor = this.members.get(node?.successors[0] ?? id);
    if (node === undefined || successor === undefined || successor.id === id) return false;
    const old = successor.predecessor;
    if (old !== null && !between(old, id, successor.id)) return false;
    successor.predecessor = id;
    return true;
  }

  /** Copies the successor's list behind the successor. */
  reconcile(id: Id): boolean {
    const node = this.members.get(id);
    const successor = this.members.get(node?.successors[0] ?? id);
    if (node === undefined || successor === undefined) return false;
    const list = [successor.id, ...successor.successors].slice(0, this.#successors);
    const changed = list.join() !== node.successors.join();
    node.successors = list;
    return changed;
  }

  /** A dead successor gives way to the next entry of the list. */
  replace(id: Id): boolean {
    const node = this.members.get(id);
    const head = node?.successors[0];
    if (node === undefined || head === undefined || this.members.has(head)) return false;
    if (node.successors.length === 1) return false;
    node.successors = node.successors.slice(1);
    return true;
  }

  /** `check_predecessor` of the 2003 version: a dead predecessor is forgotten. */
  flush(id: Id): boolean {
    const node = this.members.get(id);
    if (node === undefined || node.predecessor === null) return false;
    if (this.members.has(node.predecessor)) return false;
    node.predecessor = null;
    return true;
  }

  /** Every node repairs what it can, again and again, until nothing changes any more. */
  repair(): void {
    for (let round = 0; round < 4 * this.members.size + 4; round++) {
      let changed = false;
      for (const id of this.members.keys()) {
        changed = this.replace(id) || changed;
        changed = this.flush(id) || changed;
        changed = this.stabilize(id) || changed;
        changed = this.notify(id) || changed;
        changed = this.reconcile(id) || changed;
      }
      if (!changed) return;
    }
  }
}
