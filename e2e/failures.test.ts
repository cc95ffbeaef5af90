/**
 * Goal: pods of a ring of nine die, one, two and all at once; the ring repairs itself, clients of
 * the living nodes hardly notice, and nothing that was stored is lost.
 * Method: kill by kubectl while a prober asks all the time; measure from the pods' return to the
 * ideal ring.
 */
import assert from "node:assert/strict";
import { figure, inSeconds } from "./support/figures.ts";
import { assertKept, type KeptValues, storeValues } from "./support/kept-values.ts";
import { assertServed, Prober, type ProbeReport } from "./support/prober.ts";
import { Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { minuteMs, secondMs } from "./support/wait.ts";

const count = 9;
const valueCount = 200;
const podsWithinMs = 3 * minuteMs;

interface Kill {
  readonly ordinals: readonly number[];
  readonly force: boolean;
  readonly idealWithinMs: number;
}

describe("failures: a ring of nine survives the loss of pods", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("failures");
  let values: KeptValues;
  let ring: Ring;

  before(
    prepared(namespace, async () => {
      ring = await Ring.create(namespace, "nine", { replicas: count });
      await ring.ideal(count, podsWithinMs);
      values = await storeValues(ring, valueCount);
    }),
  );

  /** Kills pods under load; answers what the prober saw until the ring was ideal again. */
  async function kill({ ordinals, force, idealWithinMs }: Kill): Promise<ProbeReport> {
    const names = ordinals.map((ordinal) => `${ring.name}-${ordinal}`);
    const before = await ring.podIdentities();
    const prober = new Prober(ring, count);
    await prober.start();
    try {
      prober.killing(names);
      const how = force ? ["--force", "--grace-period=0"] : [];
      await ring.kubectl(["delete", "pod", ...names, "--wait=false", ...how]);
      await ring.replaced(names, before, { count, withinMs: podsWithinMs });
      const idealMs = await ring.ideal(count, idealWithinMs);
      const what = `${names.length} of ${count} pods ${force ? "killed" : "deleted"}`;
      figure(what, `ideal ${inSeconds(idealMs)} after their return`);
      await prober.settled();
    } finally {
      const { asked, failed, slowestMs } = await prober.stop();
      figure("lookups meanwhile", `${asked}, ${failed} failed, slowest ${slowestMs} ms`);
    }
    const after = await ring.podIdentities();
    for (const name of ring.podNames(count).filter((one) => !names.includes(one))) {
      assert.equal(after.get(name), before.get(name), `${name} was touched`);
    }
    return prober.stop();
  }

  it("one pod is deleted", async () => {
    assertServed(await kill({ ordinals: [4], force: false, idealWithinMs: 30 * secondMs }));
    await assertKept(ring, values);
  });

  it("two pods are killed at once", async () => {
    assertServed(await kill({ ordinals: [1, 6], force: true, idealWithinMs: 30 * secondMs }));
    await assertKept(ring, values);
  });

  it("all nine pods are killed at once", async () => {
    const ordinals = Array.from({ length: count }, (_, ordinal) => ordinal);
    const report = await kill({ ordinals, force: true, idealWithinMs: 60 * secondMs });
    assert.deepEqual(report.wrong, []);
    await assertKept(ring, values);
  });
});
