/**
 * Moves on the page. Goal: the line for moves is there only while something moves, and its rate
 * counts what was copied, not what was added. Method: looks at a ring of one node, by hand.
 */
import { deepEqual, equal } from "node:assert/strict";
import { duration, MoveProgress } from "../../ui/move-progress.js";
import { buildRing } from "../../ui/ring-model.js";

const self = { name: "a", id: "0".repeat(40), address: "a:8081" };
const facts = { ring: "demo", state: "member", epoch: 1, keys: 0, bytes: 0 };
const still = { held: 1, catchingUp: 0, led: 1, degraded: 0, unled: 0, chartered: true };
const counts = { keysHeld: 0, bytesHeld: 0, keysLed: 0, bytesLed: 0 };

function ringWith(misplaced: number, keysLeft: number, bytesLeft: number) {
  const moving = { misplaced, keysLeft, bytesLeft, incarnation: "0", roster: null };
  const data = { ...still, ...counts, ...moving };
  const view = { ...facts, self, predecessor: null, successors: [self], fingers: [], data };
  return buildRing(view, { nodes: [view], ideal: true });
}

describe("moves on the page", () => {
  it("show nothing while nothing moves", () => {
    equal(new MoveProgress().look(ringWith(0, 0, 0), 0), null);
  });

  it("have no rate at first, then that of the bytes that became less", () => {
    const progress = new MoveProgress();
    deepEqual(progress.look(ringWith(8, 10, 10_000), 0), {
      partitions: 8,
      keys: 10,
      bytes: 10_000,
      bytesPerSecond: null,
      secondsLeft: null,
    });
    deepEqual(progress.look(ringWith(6, 6, 6_000), 2_000), {
      partitions: 6,
      keys: 6,
      bytes: 6_000,
      bytesPerSecond: 2_000,
      secondsLeft: 6,
    });
  });

  it("do not take the next move that begins for one that goes back", () => {
    const progress = new MoveProgress();
    progress.look(ringWith(4, 1, 1_000), 0);
    progress.look(ringWith(3, 9, 9_000), 1_000);
    equal(progress.look(ringWith(3, 7, 7_000), 2_000)?.bytesPerSecond, 1_000);
  });

  it("begin anew after all have ended", () => {
    const progress = new MoveProgress();
    progress.look(ringWith(2, 5, 5_000), 0);
    equal(progress.look(ringWith(0, 0, 0), 1_000), null);
    equal(progress.look(ringWith(1, 5, 5_000), 2_000)?.bytesPerSecond, null);
  });

  it("say how long, as a person would", () => {
    deepEqual([1, 12, 100, 7_000].map(duration), ["a moment", "12 s", "2 min", "2 h"]);
  });
});
