/** Views of an ideal ring, to be bent by the tests. */
import { createHash } from "node:crypto";
import type { NodeReading } from "../../src/ring/picture.ts";
import type { NodeData, NodeReference, Roster, View } from "../../src/ring/view.ts";

export function reference(name: string): NodeReference {
  const id = createHash("sha1").update(name).digest("hex");
  return { name, id, address: `${name}:8081` };
}

/** The views of these members in an ideal ring with successor lists of `length`. */
export function idealViews(names: readonly string[], length = 4): View[] {
  const order = names.map(reference).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return order.map((self, index) => {
    const next = (offset: number): NodeReference =>
      order[(index + offset + order.length) % order.length] ?? self;
    const count = Math.max(1, Math.min(length, order.length - 1));
    return {
      self,
      state: "member",
      predecessor: next(-1),
      successors: Array.from({ length: count }, (_, offset) => next(offset + 1)),
      keys: 1,
      founded: true,
      split: false,
      detail: "",
    };
  });
}

export function readingsOf(views: readonly View[]): NodeReading[] {
  return views.map((view) => ({ kind: "view", name: view.self.name, view }));
}

/** A roster that names these pods, none of them in a zone. */
export function rosterOf(names: readonly string[], generation = 1, copies = 3): Roster {
  return { generation, copies, pods: names.map((name) => ({ name, zone: null })) };
}

/**
 * What a node says that holds and leads nothing, and to which nothing is amiss; there are no
 * partitions that anyone would have to lead.
 */
export function dataReport(change: Partial<NodeData> = {}): NodeData {
  return {
    chartered: true,
    partitions: 0,
    roster: null,
    held: 0,
    led: 0,
    degraded: 0,
    misplaced: 0,
    unled: 0,
    keysLed: 0,
    bytesLed: 0,
    keysLeft: 0,
    bytesLeft: 0,
    ...change,
  };
}

/** A node that is not in the ring. */
export function outside(name: string, state: View["state"], founded: boolean): NodeReading {
  const view: View = {
    self: reference(name),
    state,
    predecessor: null,
    successors: [],
    keys: 0,
    founded,
    split: false,
    detail: "",
  };
  return { kind: "view", name, view };
}
