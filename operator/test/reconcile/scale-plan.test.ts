/**
 * Goal: no move that could lose a node's place or data. Method: every situation as a picture, and
 * the one move that fits it.
 */
import assert from "node:assert/strict";
import {
  nodesToRejoin,
  planScale,
  type ScaleMove,
  type ScaleSituation,
} from "../../src/reconcile/scale-plan.ts";
import { type NodeReading, pictureOf } from "../../src/ring/picture.ts";
import { idealViews, outside, readingsOf } from "../support/example-views.ts";

function nodeName(ordinal: number): string {
  return `demo-${ordinal}`;
}

function situation(
  desired: number,
  current: number,
  readings: NodeReading[],
  formed = true,
): ScaleSituation {
  const picture = pictureOf(readings, 4);
  return { desired, current, successorListLength: 4, nodeName, picture, formed };
}

function ideal(count: number): NodeReading[] {
  return readingsOf(idealViews(Array.from({ length: count }, (_, index) => nodeName(index))));
}

function plan(...args: Parameters<typeof situation>): ScaleMove {
  return planScale(situation(...args));
}

function replace(readings: NodeReading[], reading: NodeReading): NodeReading[] {
  return readings.map((entry) => (entry.name === reading.name ? reading : entry));
}

describe("scale plan: one safe move at a time", () => {
  it("does nothing when the number is right, and grows at once when it is too small", () => {
    assert.deepEqual(plan(5, 5, ideal(5)), { move: "none" });
    assert.deepEqual(plan(9, 5, ideal(5)), { move: "grow", replicas: 9 });
    assert.deepEqual(plan(9, 5, []), { move: "grow", replicas: 9 });
  });

  it("asks the node with the highest ordinal to leave", () => {
    assert.deepEqual(plan(2, 5, ideal(5)), { move: "askToLeave", node: "demo-4" });
  });

  it("waits while the node leaves", () => {
    const readings = replace(ideal(5), outside("demo-4", "leaving", true));
    assert.equal(plan(2, 5, readings).move, "wait");
  });

  it("waits until nobody counts on a node that has left", () => {
    const readings = replace(ideal(5), outside("demo-4", "left", true));
    const move = plan(2, 5, readings);
    assert.equal(move.move, "wait");
    assert.match(move.move === "wait" ? move.message : "", /still counts on demo-4/);
  });

  it("waits until the others have settled", () => {
    const views = idealViews(["demo-0", "demo-1", "demo-2", "demo-3"]);
    const [first, ...rest] = views;
    assert.ok(first);
    const bent = readingsOf([{ ...first, predecessor: null }, ...rest]);
    const move = plan(3, 5, [...bent, outside("demo-4", "left", true)]);
    assert.equal(move.move, "wait");
    assert.match(move.move === "wait" ? move.message : "", /until the ring has settled/);
  });

  it("removes a node that has left, once the ring has settled without it", () => {
    const readings = [...ideal(4), outside("demo-4", "left", true)];
    assert.deepEqual(plan(2, 5, readings), { move: "remove", node: "demo-4", replicas: 4 });
  });

  it("counts a node that is gone, does not run, or never joined as out", () => {
    const expected = { move: "remove", node: "demo-4", replicas: 4 };
    assert.deepEqual(plan(4, 5, ideal(4)), expected);
    assert.deepEqual(plan(4, 5, [...ideal(4), { kind: "notRunning", name: "demo-4" }]), expected);
    assert.deepEqual(plan(4, 5, [...ideal(4), outside("demo-4", "waiting", false)]), expected);
  });

  it("waits for the ring to drop a node that crashed as a member", () => {
    const readings = replace(ideal(5), { kind: "notRunning", name: "demo-4" });
    assert.equal(plan(4, 5, readings).move, "wait");
  });

  it("refuses while any running node is unknown, the leaving one or another", () => {
    for (const name of ["demo-4", "demo-1"]) {
      const readings = replace(ideal(5), { kind: "unreadable", name, cause: `${name}: down` });
      const move = plan(2, 5, readings);
      assert.equal(move.move, "refuse");
      assert.equal(move.move === "refuse" ? move.reason : "", "NodesUnreadable");
    }
  });

  it("refuses while the ring is split", () => {
    const views = idealViews(["demo-0", "demo-1", "demo-2"]);
    const readings = readingsOf(views.map((view) => ({ ...view, split: true })));
    const move = plan(2, 3, readings);
    assert.equal(move.move === "refuse" ? move.reason : move.move, "RingSplit");
  });

  it("never asks the last member to leave", () => {
    const [alone] = idealViews(["demo-1"]);
    assert.ok(alone);
    const readings = [outside("demo-0", "waiting", true), ...readingsOf([alone])];
    const move = plan(1, 2, readings);
    assert.equal(move.move === "refuse" ? move.reason : move.move, "LastMember");
  });

  it("asks a node that waits for the ring it belonged to, instead of dropping it", () => {
    const readings = [...ideal(4), outside("demo-4", "waiting", true)];
    assert.equal(plan(4, 5, readings).move, "askToLeave");
  });

  it("removes nothing from a formed ring of which no member is left to ask", () => {
    const readings = [0, 1, 2].map((index) => outside(nodeName(index), "waiting", false));
    assert.equal(plan(2, 3, readings, true).move, "wait");
    assert.equal(plan(2, 3, readings, false).move, "remove");
  });

  it("lets nodes come back that left, but only those that are wanted", () => {
    const readings = [
      ...ideal(3),
      outside("demo-3", "left", true),
      outside("demo-4", "left", true),
    ];
    assert.deepEqual(nodesToRejoin(situation(4, 5, readings)), ["demo-3"]);
    assert.deepEqual(nodesToRejoin(situation(3, 5, readings)), []);
  });
});
