/**
 * Goal: the experiments on live rings measure what they say.
 * Method: a small ring of whole nodes in virtual time: at rest, under churn, and half of it dead.
 */
import assert from "node:assert/strict";
import { LiveRing, LookupLog, paperOptions } from "../../sim/paper/live-ring.ts";
import { TrafficMeter } from "../../sim/paper/traffic-meter.ts";

const stabilizeIntervalMs = 30_000;

function newRing(nodes: number, successors: number): LiveRing {
  return new LiveRing({ seed: 3, nodes, successors, stabilizeIntervalMs, options: paperOptions });
}

describe("a live ring of the paper's experiments", () => {
  it("starts ideal, and finds every owner", async () => {
    const ring = newRing(32, 4);
    assert.ok(ring.world.ideal().ideal);
    assert.ok(ring.neighboursRight());
    const log = new LookupLog();
    for (let i = 0; i < 200; i++) ring.lookup(log);
    await ring.run(10_000);
    assert.equal(log.count, 200);
    assert.equal(log.failed + log.wrong, 0);
    assert.equal(log.timeouts.max, 0);
  });

  it("goes on finding owners while nodes join and die", async () => {
    const ring = newRing(64, 12);
    const log = new LookupLog();
    const stops = [
      ring.poisson(0.01, () => ring.join()),
      ring.poisson(0.01, () => ring.crash()),
      ring.poisson(0.5, () => ring.lookup(log)),
    ];
    await ring.run(900_000);
    for (const stop of stops) stop();
    await ring.run(60_000);
    assert.ok(log.count > 350, `${log.count} lookups`);
    assert.ok((log.failed + log.wrong) / log.count < 0.03, `${log.failed} and ${log.wrong}`);
  });

  it("heals when a quarter dies and when it doubles", async () => {
    const ring = newRing(32, 10);
    for (const node of ring.random.shuffle(ring.nodes).slice(0, 8)) ring.crash(node);
    assert.ok(!ring.neighboursRight());
    await ring.run(10 * stabilizeIntervalMs);
    assert.ok(ring.neighboursRight());
    for (let i = 0; i < 24; i++) ring.join();
    await ring.run(20 * stabilizeIntervalMs);
    assert.ok(ring.neighboursRight());
    assert.equal(ring.nodes.length, 48);
  });

  it("counts messages, and bytes of their JSON", async () => {
    const ring = newRing(16, 4);
    const meter = new TrafficMeter(ring.world.network, { bytes: true });
    ring.world.network.observer = meter;
    await ring.run(10 * stabilizeIntervalMs);
    const { requests, bytes, byType } = meter.take();
    const state = byType.get("state") ?? 0;
    assert.ok(state > 16 * 8 && state < 16 * 15, `${state} stabilizations in ten periods`);
    assert.ok(bytes > 100 * requests, `${bytes} bytes`);
    assert.equal(meter.take().requests, 0);
  });
});
