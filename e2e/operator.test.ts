/**
 * Goal: the operator may die, be away and come back at any moment; it repairs what others break,
 * and writes nothing when there is nothing to do.
 * Method: kill it in the middle of a scale-down, stop it under load, delete a ring's objects by
 * hand, and watch the API server while the ring is at rest.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { V1ConfigMap, V1ObjectMeta } from "@kubernetes/client-node";
import { apiFind, apiGet } from "./support/cluster.ts";
import { figure, inSeconds } from "./support/figures.ts";
import { killOperator, operatorReady, startOperator, stopOperator } from "./support/operator.ts";
import { auditMark, objectVersions, operatorWritesSince } from "./support/operator-writes.ts";
import { get, put, Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs, secondMs, throughout } from "./support/wait.ts";
import { config } from "./config.ts";

const value = {
  contentType: "text/plain",
  bytes: Buffer.from("here before the operator came back"),
};

/** Longer than a StatefulSet waits until it calls a ready pod available. */
const restMs = 10 * secondMs;

describe("operator: it may die and come back, repairs, and rests", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("operator");
  let ring: Ring;

  before(
    prepared(namespace, async () => {
      ring = await Ring.create(namespace, "tended", { replicas: 7 });
      await ring.ideal(7, 3 * minuteMs);
      await ring.condition("RingConverged", minuteMs);
    }),
  );

  /** Waits until a scale-down has begun and is far from done. */
  async function leavingBegun(from: number): Promise<void> {
    await eventually(`fewer than ${from} nodes are members`, minuteMs, async () => {
      const states = (await ring.views()).map(({ self, state }) => `${self.name} ${state}`);
      const members = states.filter((state) => state.endsWith(" member"));
      assert.ok(members.length < from, states.join("; "));
    });
  }

  it("killed in the middle of a scale-down, it comes back and finishes", async () => {
    const before = await ring.podIdentities();
    await ring.scale(4);
    await leavingBegun(7);
    const startMs = Date.now();
    await killOperator();
    await operatorReady();
    figure("operator killed", `another one leads after ${inSeconds(Date.now() - startMs)}`);
    await ring.running(4, 3 * minuteMs);
    await ring.ideal(4, 30 * secondMs);
    await ring.condition("RingConverged", minuteMs);
    const after = await ring.podIdentities();
    for (const [name, identity] of after) assert.equal(identity, before.get(name), name);
  });

  it("stopped in the middle of a scale-down, it goes on where it was", async () => {
    await ring.scale(2);
    await leavingBegun(4);
    await stopOperator();
    await startOperator();
    await ring.running(2, 3 * minuteMs);
    await ring.ideal(2, 30 * secondMs);
    await ring.condition("RingConverged", minuteMs);
  });

  it("while it is away clients go on, and no pod restarts when it returns", async () => {
    const before = await ring.podIdentities();
    await stopOperator();
    const [first, second] = await ring.nodes();
    assert.ok(first !== undefined && second !== undefined);
    await put(first, "while away", value);
    assert.ok((await get(second, "while away")).body.equals(value.bytes));
    await startOperator();
    await ring.condition("RingConverged", minuteMs);
    assert.deepEqual(await ring.podIdentities(), before);
    assert.ok((await get(first, "while away")).body.equals(value.bytes));
  });

  it("a change made while it is away is carried out when it returns", async () => {
    await stopOperator();
    await ring.scale(3);
    await startOperator();
    await ring.running(3, 2 * minuteMs);
    await ring.ideal(3, 30 * secondMs);
  });

  describe("an object deleted by hand comes back", () => {
    const objects: readonly (readonly [kind: string, name: string, list: string])[] = [
      ["service", "tended", "/api/v1/namespaces/{}/services"],
      ["service", "tended-nodes", "/api/v1/namespaces/{}/services"],
      ["service", "tended-seed", "/api/v1/namespaces/{}/services"],
      ["poddisruptionbudget", "tended", "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"],
      ["networkpolicy", "tended", "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies"],
      ["serviceaccount", "tended-node", "/api/v1/namespaces/{}/serviceaccounts"],
      ["configmap", "tended-config", "/api/v1/namespaces/{}/configmaps"],
      ["statefulset", "tended", "/apis/apps/v1/namespaces/{}/statefulsets"],
    ];

    for (const [kind, name, list] of objects) {
      it(`${kind} ${name}`, async () => {
        const path = `${list.replace("{}", namespace)}/${name}`;
        const { metadata } = await apiGet<{ metadata: V1ObjectMeta }>(path);
        const pods = await ring.podIdentities();
        await ring.kubectl(["delete", kind, name, "--cascade=orphan", "--wait=false"]);
        await eventually(`${kind} ${name} is back`, minuteMs, async () => {
          const found = await apiFind<{ metadata: V1ObjectMeta }>(path);
          assert.ok(found !== undefined, "there is none");
          assert.notEqual(found.metadata.uid, metadata.uid, "the old one is still there");
        });
        await ring.condition("RingConverged", minuteMs);
        assert.deepEqual(await ring.podIdentities(), pods);
      });
    }

    it("and the founders are those nodes that hold the data", async () => {
      const path = `/api/v1/namespaces/${namespace}/configmaps/tended-config`;
      // The ring was made with seven nodes and lists of four, so that there were five at first.
      await eventually("the founders follow the ring", minuteMs, async () => {
        const { data } = await apiGet<V1ConfigMap>(path);
        const { founders } = JSON.parse(data?.["ring.json"] ?? "{}") as { founders: string[] };
        assert.deepEqual(founders, ring.podNames(3));
      });
    });
  });

  // In a group of its own, because mocha runs single tests before groups.
  describe("at rest", () => {
    it(`it writes nothing for ${config.steadyMs / secondMs} s`, async () => {
      await ring.ideal(3, minuteMs);
      await ring.condition("RingConverged", minuteMs);
      const settled = await restingVersions(ring);
      const mark = await auditMark();
      await throughout(config.steadyMs, async () => {
        assert.deepEqual(await objectVersions(ring), settled);
        if (mark !== undefined) assert.deepEqual(await operatorWritesSince(mark, namespace), []);
      });
      const how = mark === undefined ? "by resource versions" : "by the audit log too";
      figure("operator's writes at rest", `none in ${config.steadyMs / secondMs} s, ${how}`);
    });
  });
});

/** The versions once nothing has changed for a while: the last change has run its course. */
async function restingVersions(ring: Ring): Promise<Record<string, string>> {
  let last = await objectVersions(ring);
  let changedMs = Date.now();
  return eventually("the ring's objects rest", 2 * minuteMs, async () => {
    const now = await objectVersions(ring);
    const before = last;
    if (!isDeepStrictEqual(now, before)) changedMs = Date.now();
    last = now;
    assert.deepEqual(now, before);
    assert.ok(Date.now() - changedMs >= restMs, "the last change was just now");
    return now;
  });
}
