/**
 * Goal: the whole operator takes a ring from its spec to the wanted state and keeps it there,
 * whether its nodes have a data layer or not.
 * Method: the real operator against a fake API server and nodes with real admin servers; only the
 * state of the world is asserted, not the calls that led there.
 */
import assert from "node:assert/strict";
import { KEYS_OF_PARTITION, PARTITIONS } from "../support/fake-data.ts";
import { FakeCluster, NAMESPACE } from "../support/fake-cluster.ts";
import { until } from "../support/until.ts";

function ringsLife(what: string, data: boolean): void {
  describe(`operator: a ring's life, ${what}`, () => {
    let cluster: FakeCluster;

    beforeEach(async () => {
      cluster = new FakeCluster({ data });
      await cluster.start();
    });

    afterEach(async () => {
      await cluster.stop();
    });

    it("makes a ring of five from its manifest", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 5 });
      await cluster.converged(5);
      await until("ready", () => cluster.condition("Ready").status === "True");
      await until("settled", () => cluster.condition("Progressing").status === "False");
      assert.equal(cluster.condition("Degraded").status, "False");
      const { status } = { status: cluster.status() };
      assert.equal(status.keys, data ? PARTITIONS * KEYS_OF_PARTITION : 50);
      assert.equal(status.selector, "chordring.dev/ring=demo");
      assert.equal(status.nodes?.length, 5);
      assert.match(status.nodes?.[0]?.id ?? "", /^[0-9a-f]{40}$/);
      for (const [plural, names] of Object.entries({
        services: ["demo", "demo-nodes", "demo-seed"],
        configmaps: ["demo-config"],
        secrets: ["demo-peer-token"],
        serviceaccounts: ["demo-node"],
        networkpolicies: ["demo"],
        poddisruptionbudgets: ["demo"],
      })) {
        const found = cluster.api.list(plural);
        assert.deepEqual(found.map((object) => object.metadata.name).toSorted(), names);
        for (const object of found) {
          assert.equal(object.metadata.labels?.["chordring.dev/ring"], "demo");
          assert.equal(object.metadata.ownerReferences?.length, 1);
        }
      }
    });

    it("speaks of data as far as the nodes do", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      await until("settled", () => cluster.condition("Progressing").status === "False");
      assert.equal(cluster.status().data !== undefined, data);
      assert.equal(cluster.status().bytes !== undefined, data);
      assert.equal(cluster.condition("DataPlaced").status, data ? "True" : "Unknown");
      const annotations = cluster.api.find("statefulsets", "demo")?.metadata.annotations ?? {};
      assert.equal(annotations["chordring.dev/chartered"], data ? "true" : undefined);
    });

    it("writes nothing while nothing changes, also after a restart of the operator", async () => {
      const first = cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      await until("settled", () => cluster.condition("Progressing").status === "False");
      await first.stop();
      const before = cluster.api.writes().length;
      const second = cluster.startOperator();
      await until("five passes over a settled ring", async () => {
        const text = await second.metrics.registry.metrics();
        const passes = /chordring_reconcile_total\{result="success"\} (\d+)/.exec(text)?.[1];
        return Number(passes ?? 0) >= 5;
      });
      assert.deepEqual(cluster.api.writes().slice(before), []);
    });

    it("puts deleted and changed objects back", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      const founders = cluster.api.find("configmaps", "demo-config")?.["data"];
      cluster.api.remove("/api/v1", "services", NAMESPACE, "demo-seed");
      cluster.api.remove("/api/v1", "configmaps", NAMESPACE, "demo-config");
      cluster.api.remove("/apis/policy/v1", "poddisruptionbudgets", NAMESPACE, "demo");
      const service = cluster.api.find("services", "demo");
      assert.ok(service);
      cluster.api.put("/api/v1", "services", { ...service, spec: { ...service.spec, ports: [] } });
      await until("the objects are back", () => {
        const ports = cluster.api.find("services", "demo")?.spec?.["ports"] as unknown[];
        return (
          cluster.api.find("services", "demo-seed") &&
          cluster.api.find("configmaps", "demo-config") &&
          cluster.api.find("poddisruptionbudgets", "demo") &&
          ports.length === 1
        );
      });
      assert.deepEqual(cluster.api.find("configmaps", "demo-config")?.["data"], founders);
      assert.deepEqual(cluster.restarts, []);
    });

    it("grows without touching the nodes that are there", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      cluster.applyRing({ replicas: 8 });
      await cluster.converged(8);
      assert.deepEqual(cluster.restarts, []);
    });

    it("shrinks one node at a time, each only after it has left", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 8 });
      await cluster.converged(8);
      cluster.applyRing({ replicas: 2 });
      await cluster.converged(2);
      await until("the pods are gone", () => cluster.podNames().length === 2);
      assert.deepEqual(cluster.ring.leaves, [
        "demo-7",
        "demo-6",
        "demo-5",
        "demo-4",
        "demo-3",
        "demo-2",
      ]);
      assert.deepEqual(cluster.ring.losses, []);
      cluster.applyRing({ replicas: 1 });
      await cluster.converged(1);
      await until("no budget", () => !cluster.api.find("poddisruptionbudgets", "demo"));
    });

    it("goes on with a removal that an earlier operator began", async () => {
      const first = cluster.startOperator();
      cluster.applyRing({ replicas: 5 });
      await cluster.converged(5);
      cluster.applyRing({ replicas: 3 });
      await until("a node was asked to leave", () => cluster.ring.leaves.length > 0);
      await first.stop();
      cluster.startOperator();
      await cluster.converged(3);
      assert.deepEqual(cluster.ring.losses, []);
      assert.deepEqual(cluster.ring.leaves, ["demo-4", "demo-3"]);
    });

    it("loses no node however often the operator dies in the middle of things", async () => {
      cluster.applyRing({ replicas: 5 });
      const { api } = cluster;
      for (let deaths = 0; deaths < 20; deaths += 1) {
        if (deaths === 6) cluster.applyRing({ replicas: 2 });
        const running = cluster.startOperator();
        const before = api.writes().length;
        const idle = (): boolean =>
          cluster.ring.names.length === (deaths < 6 ? 5 : 2) &&
          cluster.condition("Progressing").status === "False";
        await until("it writes", () => idle() || api.writes().length > before + (deaths % 4));
        // Whatever it is about to write does not get through any more.
        api.failNext("destroy", (request) => request.method !== "GET", 1_000);
        await running.stop();
        api.clearFaults();
      }
      cluster.startOperator();
      await cluster.converged(2);
      assert.deepEqual(cluster.ring.losses, []);
      assert.deepEqual(cluster.restarts, []);
    });

    it("keeps quiet about a ring whose namespace is being deleted", async () => {
      const running = cluster.startOperator();
      const isWrite = (request: { method: string }): boolean => request.method !== "GET";
      cluster.api.failNext(403, isWrite, 1_000, ["NamespaceTerminating"]);
      cluster.applyRing({ replicas: 3 });
      await until("a pass", async () => {
        const text = await running.metrics.registry.metrics();
        return text.includes('chordring_reconcile_total{result="waiting"}');
      });
      assert.equal(cluster.api.list("events").length, 0);
      assert.deepEqual(cluster.status(), {});
    });

    it("lets a node come back that had left when the ring is scaled up again", async () => {
      const first = cluster.startOperator();
      cluster.applyRing({ replicas: 5 });
      await cluster.converged(5);
      cluster.applyRing({ replicas: 4 });
      await until("a node was asked to leave", () => cluster.ring.leaves.length > 0);
      await first.stop();
      await until("it left", () => cluster.ring.node("demo-4")?.state !== "leaving");
      cluster.applyRing({ replicas: 5 });
      cluster.startOperator();
      await cluster.converged(5);
      assert.deepEqual(cluster.ring.losses, []);
    });

    it("removes nothing while a running node cannot be read, and says so", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 4 });
      await cluster.converged(4);
      const hidden = cluster.ring.node("demo-1");
      assert.ok(hidden);
      hidden.unreachable = true;
      cluster.applyRing({ replicas: 2 });
      await until("degraded", () => cluster.condition("Degraded").reason === "NodesUnreadable");
      await until("unknown", () => cluster.condition("RingConverged").status === "Unknown");
      assert.equal(cluster.replicas(), 4);
      assert.deepEqual(cluster.ring.leaves, []);
      const told = (): number =>
        cluster.api.list("events").filter((event) => event["reason"] === "NodesUnreadable").length;
      await until("an event", () => told() > 0);
      assert.equal(told(), 1);
      hidden.unreachable = false;
      await cluster.converged(2);
      assert.deepEqual(cluster.ring.losses, []);
    });

    it("removes a node directly whose pod never ran", async () => {
      cluster.stuck.set("demo-3", "ImagePullBackOff");
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      cluster.applyRing({ replicas: 4 });
      await until("said", () => cluster.condition("Degraded").reason === "PodsNotStarting");
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      await until("three pods", () => cluster.podNames().length === 3);
      assert.deepEqual(cluster.ring.leaves, []);
    });

    it("chooses founders again when the ring shrinks before it ever formed", async () => {
      cluster.stuck.set("demo-4", "ImagePullBackOff");
      cluster.startOperator();
      cluster.applyRing({ replicas: 5 });
      await until("five pods", () => cluster.podNames().length === 5);
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      const data = JSON.stringify(cluster.api.find("configmaps", "demo-config")?.["data"]);
      assert.doesNotMatch(data, /demo-3/);
    });

    it("restarts no node because the operator is newer, but does so when asked", async () => {
      const first = cluster.startOperator("node:1");
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      await first.stop();
      cluster.startOperator("node:2");
      await until("said", () => cluster.condition("UpdateAvailable").status === "True");
      cluster.applyRing({ replicas: 4 });
      await cluster.converged(4);
      assert.deepEqual(cluster.restarts, []);
      cluster.applyRing({ replicas: 4 }, { "chordring.dev/restart": "now" });
      await until("restarted", () => cluster.restarts.length >= 4);
      await until("current", () => cluster.condition("UpdateAvailable").status === "False");
      await cluster.converged(4);
    });

    it("leaves an object of somebody else alone, and says so", async () => {
      const theirs = { name: "demo", namespace: NAMESPACE };
      cluster.api.put("/api/v1", "services", { metadata: theirs, spec: { ports: [{ port: 1 }] } });
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await until("said", () => cluster.condition("Degraded").reason === "NameTaken");
      assert.match(cluster.condition("Degraded").message ?? "", /Service demo exists already/);
      assert.deepEqual(cluster.api.find("services", "demo")?.spec?.["ports"], [{ port: 1 }]);
    });

    it("brings a deleted Secret back with the token the nodes know", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      const before = cluster.api.find("secrets", "demo-peer-token")?.["data"];
      assert.ok(before);
      cluster.api.remove("/api/v1", "secrets", NAMESPACE, "demo-peer-token");
      await until("it is back", () => cluster.api.find("secrets", "demo-peer-token"));
      assert.deepEqual(cluster.api.find("secrets", "demo-peer-token")?.["data"], before);
    });

    it("does nothing more for a ring that was deleted", async () => {
      const running = cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await cluster.converged(3);
      await until("settled", () => cluster.condition("Progressing").status === "False");
      cluster.api.remove("/apis/chordring.dev/v1alpha1", "chordrings", NAMESPACE, "demo");
      await until("children are gone", () => cluster.api.list("services").length === 0);
      await until("forgotten", async () => {
        const text = await running.metrics.registry.metrics();
        return text.includes('chordring_rings{state="converged"} 0');
      });
      assert.equal(cluster.api.list("statefulsets").length, 0);
    });
  });
}

ringsLife("nodes with a data layer", true);
ringsLife("nodes of an earlier version", false);
