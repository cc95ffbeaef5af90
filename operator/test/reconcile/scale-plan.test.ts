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
import type { NodeData } from "../../src/ring/view.ts";
import { dataReport, idealViews, outside, readingsOf, rosterOf } from "../support/example-views.ts";

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
  const ring = { successorListLength: 4, nodeName, formed };
  return { desired, current, ...ring, picture, chartered: false, secondsLeft: undefined };
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

/** The readings of nodes whose rosters name the first `named` pods. */
function told(readings: NodeReading[], named: number): NodeReading[] {
  const roster = rosterOf(Array.from({ length: named }, (_, index) => nodeName(index)));
  return readings.map((reading) => say(reading, { roster }));
}

function say(reading: NodeReading, change: Partial<NodeData>): NodeReading {
  if (reading.kind !== "view") return reading;
  const data = { ...(reading.view.data ?? dataReport()), ...change };
  return { ...reading, view: { ...reading.view, data } };
}

function sayAt(readings: NodeReading[], name: string, change: Partial<NodeData>): NodeReading[] {
  return readings.map((reading) => (reading.name === name ? say(reading, change) : reading));
}

/** The move of a ring that holds data. */
function planData(
  desired: number,
  current: number,
  readings: NodeReading[],
  secondsLeft?: number,
): ScaleMove {
  return planScale({ ...situation(desired, current, readings), chartered: true, secondsLeft });
}

function messageOf(move: ScaleMove): string {
  return "message" in move ? move.message : "";
}

describe("scale plan: no node goes with data", () => {
  it("grows without looking at data", () => {
    assert.deepEqual(planData(9, 5, ideal(5)), { move: "grow", replicas: 9 });
  });

  it("asks a node to leave that holds nothing, once all data is in place", () => {
    const readings = told(ideal(5), 2);
    assert.deepEqual(planData(2, 5, readings), { move: "askToLeave", node: "demo-4" });
  });

  it("waits while the node holds data, and says how much is left", () => {
    const held = sayAt(told(ideal(5), 2), "demo-4", { held: 14 });
    const readings = sayAt(held, "demo-0", { misplaced: 14, keysLeft: 1_234, bytesLeft: 4_096 });
    assert.deepEqual(planData(2, 5, readings, 12), {
      move: "waitForData",
      node: "demo-4",
      message: "demo-4 still holds 14 partitions; 1,200 keys (4 KiB) left to move, about 12 s",
    });
    assert.equal(messageOf(planData(2, 5, held)), "demo-4 still holds 14 partitions");
  });

  it("waits while others have something to move, to complete or to lead", () => {
    for (const [change, expected] of [
      [{ misplaced: 2 }, /2 partitions not yet where they belong/],
      [{ degraded: 1 }, /1 partition without all copies/],
      [{ unled: 3 }, /3 partitions without a leader/],
    ] as const) {
      const move = planData(2, 5, sayAt(told(ideal(5), 2), "demo-1", change));
      assert.equal(move.move, "waitForData");
      assert.match(messageOf(move), expected);
    }
  });

  it("waits until every node knows that the node is to hold nothing", () => {
    const readings = sayAt(told(ideal(5), 2), "demo-1", { roster: rosterOf(["demo-4"]) });
    const move = planData(2, 5, readings);
    assert.equal(move.move, "waitForData");
    assert.match(messageOf(move), /until 1 more node has heard/);
    assert.equal(planData(2, 5, sayAt(readings, "demo-1", { roster: null })).move, "waitForData");
  });

  it("refuses while a running node does not say what it holds", () => {
    for (const name of ["demo-4", "demo-1"]) {
      const old = ideal(5).find((reading) => reading.name === name);
      assert.ok(old);
      const move = planData(2, 5, replace(told(ideal(5), 2), old));
      assert.equal(move.move === "refuse" ? move.reason : move.move, "DataUnknown");
      assert.match(messageOf(move), new RegExp(`${name} does not say`));
    }
    const down: NodeReading[] = [0, 1, 2].map((index) => ({
      kind: "notRunning",
      name: nodeName(index),
    }));
    const move = planData(2, 3, down);
    assert.equal(move.move === "refuse" ? move.reason : move.move, "DataUnknown");
    // Only the node itself knows of partitions.
    const alone = told(ideal(3), 2).map((reading) =>
      say(reading, { chartered: reading.name === "demo-2" }),
    );
    assert.equal(planData(2, 3, alone).move, "refuse");
  });

  it("takes a node that does not run for empty only when all data is elsewhere", () => {
    const gone: NodeReading = { kind: "notRunning", name: "demo-4" };
    const readings = [...told(ideal(4), 4), gone];
    assert.equal(planData(4, 5, readings).move, "remove");
    assert.equal(planData(4, 5, told(ideal(4), 4)).move, "remove");
    assert.equal(planData(4, 5, sayAt(readings, "demo-0", { degraded: 1 })).move, "waitForData");
    assert.equal(planData(4, 5, [...told(ideal(4), 5), gone]).move, "waitForData");
    // It led a partition, and nobody has noticed that it is gone.
    const led = sayAt(readings, "demo-0", { partitions: 256, led: 255 });
    assert.equal(planData(4, 5, led).move, "waitForData");
  });

  it("removes a node that never joined, or has left, if it holds nothing", () => {
    for (const reading of [outside("demo-4", "waiting", false), outside("demo-4", "left", true)]) {
      const empty = say(reading, { chartered: false });
      const busy = sayAt(told(ideal(4), 4), "demo-0", { degraded: 1 });
      assert.equal(planData(4, 5, [...busy, empty]).move, "remove");
      assert.equal(planData(4, 5, [...busy, say(empty, { held: 1 })]).move, "waitForData");
    }
  });

  it("goes by the ring alone while a node leaves", () => {
    const leaving = say(outside("demo-4", "leaving", true), {});
    const readings = replace(sayAt(told(ideal(5), 4), "demo-0", { degraded: 1 }), leaving);
    assert.equal(planData(4, 5, readings).move, "wait");
  });

  it("pays no heed to reports of nodes that have not begun to hold data", () => {
    const readings = ideal(5).map((reading) => say(reading, { chartered: false }));
    assert.equal(plan(4, 5, readings).move, "askToLeave");
  });
});
