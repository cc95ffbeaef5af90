/**
 * Goal: the figures of docs/paper.md that need no time hold at small sizes too, so that a change of
 * the routing code is seen before `make paper` is run again.
 * Method: production lookups on ideal, wounded and just doubled rings, each beside the independent
 * model; all from fixed seeds.
 */
import assert from "node:assert/strict";
import { measureFailures } from "../../sim/paper/failures.ts";
import { measureStorm } from "../../sim/paper/join-storm.ts";
import { measureWalks } from "../../sim/paper/naive-walk.ts";
import { measure, pathGates } from "../../sim/paper/path-length.ts";
import { nearMean, nearTail } from "../../sim/paper/statistics.ts";

describe("production lookups beside the independent model", () => {
  it("take as many hops, lookup by lookup, on ideal rings of 8 to 1024 nodes", async () => {
    for (const successors of [1, 4]) {
      for (const nodes of [8, 64, 1024]) {
        const result = await measure({ nodes, successors, lookups: 800, rings: 2 });
        assert.equal(result.unequal, 0, `${nodes} nodes, r = ${successors}`);
        for (const gate of pathGates([result])) assert.ok(gate.met, gate.text);
      }
    }
  });

  it("take none at all where the successor list is the whole ring", async () => {
    const { ours, wrong } = await measure({ nodes: 5, successors: 4, lookups: 500, rings: 5 });
    assert.equal(ours.max, 0);
    assert.equal(wrong, 0);
  });

  it("name no wrong owner with half of all nodes dead and every pointer stale", async () => {
    for (const failedFraction of [0.2, 0.5]) {
      const { ours, model } = await measureFailures({
        nodes: 256,
        successors: 16,
        failedFraction,
        lookups: 800,
        rings: 2,
      });
      assert.equal(ours.wrong, 0);
      assert.equal(ours.failed, 0);
      assert.ok(nearMean(ours.path, model.path));
      assert.ok(nearTail(ours.path, model.path));
    }
  });

  it("stay logarithmic when the ring has just doubled", async () => {
    for (const successors of [1, 4]) {
      const storm = await measureStorm({ nodes: 256, successors, lookups: 800 });
      assert.equal(storm.wrong, 0);
      assert.equal(storm.unequal, 0);
      assert.ok(storm.ours.mean - storm.before.mean <= 2);
    }
  });

  it("walk past every node in between without fingers", async () => {
    const { walk, model, finger, wrong } = await measureWalks(64, 400);
    assert.equal(wrong, 0);
    assert.equal(walk.mean, model.mean);
    assert.ok(walk.mean > 10 * finger.mean);
  });
});
