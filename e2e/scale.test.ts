/**
 * Goal: a ring grows and shrinks by `kubectl scale`, keeps its data's nodes running, and is ideal
 * again soon after its pods are there.
 * Method: scale, wait for the pods, then measure how long the views take to be the ideal ring.
 */
import assert from "node:assert/strict";
import { figure, inSeconds } from "./support/figures.ts";
import { get, put, Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { minuteMs, secondMs } from "./support/wait.ts";

/** From the moment the pods run, or the last one is gone. */
const idealWithinMs = 30 * secondMs;
const podsWithinMs = 5 * minuteMs;

/** Scales, checks that no pod of the remaining range was touched, and notes the time. */
async function scaleAndCheck(ring: Ring, from: number, to: number): Promise<void> {
  const kept = ring.podNames(Math.min(from, to));
  const before = await ring.podIdentities();
  const startMs = Date.now();
  await ring.scale(to);
  await ring.running(to, podsWithinMs);
  const runningMs = Date.now() - startMs;
  const idealMs = await ring.ideal(to, idealWithinMs);
  figure(
    `scale ${from} to ${to}`,
    `pods after ${inSeconds(runningMs)}, ideal ${inSeconds(idealMs)} later`,
  );
  const after = await ring.podIdentities();
  for (const name of kept) assert.equal(after.get(name), before.get(name), `${name} was touched`);
  await ring.condition("RingConverged", minuteMs);
}

describe("scale: a ring follows its number of replicas", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("scale");

  describe("from 3 nodes to 9 and to 4", () => {
    let ring: Ring;

    before(
      prepared(namespace, async () => {
        ring = await Ring.create(namespace, "steps", { replicas: 3 });
        await ring.ideal(3, podsWithinMs);
      }),
    );

    it("grows from 3 to 9", () => scaleAndCheck(ring, 3, 9));

    it("shrinks from 9 to 4", () => scaleAndCheck(ring, 9, 4));

    it("goes away with all its pods", () => ring.delete());
  });

  describe("from 1 node to 16 and back", () => {
    let ring: Ring;
    const value = { contentType: "text/plain", bytes: Buffer.from("kept by the one node") };

    before(
      prepared(namespace, async () => {
        ring = await Ring.create(namespace, "single", { replicas: 1 });
        await ring.ideal(1, podsWithinMs);
      }),
    );

    it("a ring of one serves", async () => {
      const node = await ring.node(0);
      await put(node, "key", value);
      assert.ok((await get(node, "key")).body.equals(value.bytes));
    });

    it("grows from 1 to 16", () => scaleAndCheck(ring, 1, 16));

    it("shrinks from 16 to 1", () => scaleAndCheck(ring, 16, 1));
  });
});
