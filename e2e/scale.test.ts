/**
 * Goal: a ring grows and shrinks by `kubectl scale`, moves its data, touches no pod that stays, and
 * is ideal again soon after its pods are there.
 * Method: store values, scale, wait for the pods, then measure how long the views take to be the
 * ideal ring, and the copies to be where they should be; read the values.
 */
import assert from "node:assert/strict";
import { figure, inSeconds } from "./support/figures.ts";
import { assertKept, type KeptValues, storeValues } from "./support/kept-values.ts";
import { get, put, Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { minuteMs, secondMs } from "./support/wait.ts";

/** From the moment the pods run, or the last one is gone. */
const idealWithinMs = 30 * secondMs;
/** The same where fifteen nodes start and join at once, on two cores maybe. */
const manyIdealWithinMs = 60 * secondMs;
const MANY = 16;
const podsWithinMs = 5 * minuteMs;
const placedWithinMs = 3 * minuteMs;
const valueCount = 200;

/** Scales, checks that no pod of the remaining range was touched, and notes the time. */
async function scaleAndCheck(ring: Ring, from: number, to: number): Promise<void> {
  const kept = ring.podNames(Math.min(from, to));
  const before = await ring.podIdentities();
  const startMs = Date.now();
  await ring.scale(to);
  await ring.running(to, podsWithinMs);
  const runningMs = Date.now() - startMs;
  const idealMs = await ring.ideal(to, to < MANY ? idealWithinMs : manyIdealWithinMs);
  figure(
    `scale ${from} to ${to}`,
    `pods after ${inSeconds(runningMs)}, ideal ${inSeconds(idealMs)} later`,
  );
  const after = await ring.podIdentities();
  for (const name of kept) assert.equal(after.get(name), before.get(name), `${name} was touched`);
  await ring.condition("RingConverged", minuteMs);
  const convergedMs = Date.now();
  await ring.condition("DataPlaced", placedWithinMs);
  figure(`data placed after ${from} to ${to}`, `${inSeconds(Date.now() - convergedMs)} later`);
}

describe("scale: a ring follows its number of replicas", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("scale");

  describe("from 3 nodes to 9 and to 4", () => {
    let ring: Ring;
    let values: KeptValues;

    before(
      prepared(namespace, async () => {
        ring = await Ring.create(namespace, "steps", { replicas: 3 });
        await ring.ideal(3, podsWithinMs);
        values = await storeValues(ring, valueCount);
      }),
    );

    it("grows from 3 to 9", async () => {
      await scaleAndCheck(ring, 3, 9);
      await assertKept(ring, values);
    });

    it("shrinks from 9 to 4", async () => {
      await scaleAndCheck(ring, 9, 4);
      await assertKept(ring, values);
    });

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

    it("shrinks from 16 to 1", async () => {
      await scaleAndCheck(ring, 16, 1);
      const node = await ring.node(0);
      assert.ok((await get(node, "key")).body.equals(value.bytes));
    });
  });
});
