/**
 * Goal: an open loop keeps its schedule whatever the server does, and loses no request of it.
 * Method: a clock of numbers, asked late and in bursts.
 */
import assert from "node:assert/strict";
import { Arrivals } from "../../bench/arrivals.ts";

function takeAll(arrivals: Arrivals, nowMs: number): number[] {
  const taken: number[] = [];
  for (;;) {
    const scheduledMs = arrivals.take(nowMs);
    if (scheduledMs === undefined) return taken;
    taken.push(scheduledMs);
  }
}

describe("an open loop keeps its schedule", () => {
  it("each request is due at its time, not before", () => {
    const arrivals = new Arrivals(1_000, 100);
    assert.equal(arrivals.take(999), undefined);
    assert.equal(arrivals.take(1_000), 1_000);
    assert.equal(arrivals.take(1_009), undefined);
    assert.equal(arrivals.take(1_010), 1_010);
  });

  it("after a pause all that were due come, with the times they were due at", () => {
    const arrivals = new Arrivals(0, 1_000);
    takeAll(arrivals, 2);
    assert.deepEqual(takeAll(arrivals, 6.5), [3, 4, 5, 6]);
  });

  it("no rounding error adds up over a long run", () => {
    const arrivals = new Arrivals(0, 7_000);
    assert.equal(takeAll(arrivals, 10 * 60_000).length, 7_000 * 600 + 1);
  });

  it("counts what waits", () => {
    const arrivals = new Arrivals(50, 1_000);
    assert.equal(arrivals.waiting(0), 0);
    assert.equal(arrivals.waiting(52.5), 3);
    arrivals.take(52.5);
    assert.equal(arrivals.waiting(52.5), 2);
  });
});
