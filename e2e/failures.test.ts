/**
 * Goal: pods of a ring of nine die, one, two and all at once; the ring repairs itself, clients of
 * the living nodes hardly notice, and nothing that was stored is lost.
 * Method: kill by kubectl while a prober asks all the time; measure from the pods' return to the
 * ideal ring.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { figure, inSeconds } from "./support/figures.ts";
import { assertServed, Prober, type ProbeReport } from "./support/prober.ts";
import { get, put, Ring, type Value } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs, secondMs } from "./support/wait.ts";

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
  const values = new Map<string, Value>();
  let ring: Ring;

  before(
    prepared(namespace, async () => {
      ring = await Ring.create(namespace, "nine", { replicas: count });
      await ring.ideal(count, podsWithinMs);
      const nodes = await ring.nodes();
      for (let i = 0; i < valueCount; i += 1) {
        const value = { contentType: "application/x-e2e", bytes: randomBytes(1 + 37 * i) };
        const node = nodes[i % nodes.length];
        assert.ok(node);
        await put(node, `kept-${i}`, value);
        values.set(`kept-${i}`, value);
      }
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
      await replaced(names, before);
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

  /** Waits until the pods of these names are new ones, and run. */
  async function replaced(
    names: readonly string[],
    before: ReadonlyMap<string, string>,
  ): Promise<void> {
    await eventually(`${names.length} pods are replaced`, podsWithinMs, async () => {
      const now = await ring.podIdentities();
      for (const name of names) {
        assert.ok(now.has(name), `${name} is missing`);
        assert.notEqual(now.get(name), before.get(name), `${name} is still the old pod`);
      }
    });
    await ring.running(count, podsWithinMs);
  }

  async function assertAllKept(): Promise<void> {
    const nodes = await ring.nodes();
    for (const [index, [key, value]] of [...values].entries()) {
      const node = nodes[index % nodes.length];
      assert.ok(node);
      const { status, headers, body } = await get(node, key);
      assert.equal(status, 200, `${key} through ${node.name}: ${body.toString()}`);
      assert.ok(body.equals(value.bytes), `bytes of ${key} through ${node.name}`);
      assert.equal(headers["content-type"], value.contentType);
    }
  }

  it("one pod is deleted", async () => {
    assertServed(await kill({ ordinals: [4], force: false, idealWithinMs: 30 * secondMs }));
    await assertAllKept();
  });

  it("two pods are killed at once", async () => {
    assertServed(await kill({ ordinals: [1, 6], force: true, idealWithinMs: 30 * secondMs }));
    await assertAllKept();
  });

  it("all nine pods are killed at once", async () => {
    const ordinals = Array.from({ length: count }, (_, ordinal) => ordinal);
    const report = await kill({ ordinals, force: true, idealWithinMs: 60 * secondMs });
    assert.deepEqual(report.wrong, []);
    await assertAllKept();
  });
});
