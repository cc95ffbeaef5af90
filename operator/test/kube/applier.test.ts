/**
 * Goal: objects become as their manifests say with no write too many. Method: applies over the fake
 * API server, which adds defaults as a real one does; writes are counted.
 */
import assert from "node:assert/strict";
import { ApiClient } from "../../src/kube/api-client.ts";
import { Applier, NameTakenError } from "../../src/kube/applier.ts";
import { contains } from "../../src/kube/contains.ts";
import type { KubeObject } from "../../src/kube/kinds.ts";
import { Store } from "../../src/kube/store.ts";
import { digest } from "../../src/resources/digest.ts";
import { FakeApiServer } from "../support/fake-api-server.ts";
import { silent } from "../support/fake-cluster.ts";

const OWNER = "owner";

function manifest(data: Record<string, string>): KubeObject & { data: Record<string, string> } {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "one", namespace: "default", ownerReferences: [{ uid: OWNER }] },
    data,
  };
}

describe("applier: no write too many, no field too few", () => {
  let api: FakeApiServer;
  let applier: Applier;

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
    const store = new Store<KubeObject>();
    applier = new Applier({
      client: new ApiClient(api.kubeConfig()),
      storeOf: () => store,
      fingerprint: digest,
      log: silent,
    });
    api.defaults = (_plural, object) => {
      object["immutable"] = false;
    };
  });

  afterEach(async () => {
    await api.stop();
  });

  function data(): unknown {
    return api.find("configmaps", "one")?.["data"];
  }

  it("creates, then leaves alone, then changes, dropping what is no longer wanted", async () => {
    assert.equal((await applier.apply(manifest({ a: "1", b: "2" }), OWNER)).outcome, "created");
    for (let count = 0; count < 5; count += 1) {
      const { outcome } = await applier.apply(manifest({ a: "1", b: "2" }), OWNER);
      assert.equal(outcome, "unchanged");
    }
    assert.equal(api.writes().length, 1);
    assert.equal((await applier.apply(manifest({ a: "1" }), OWNER)).outcome, "updated");
    assert.deepEqual(data(), { a: "1" });
  });

  it("writes nothing for an object that an earlier process applied", async () => {
    await applier.apply(manifest({ a: "1" }), OWNER);
    const fresh = new Applier({
      client: new ApiClient(api.kubeConfig()),
      storeOf: () => undefined,
      fingerprint: digest,
      log: silent,
    });
    assert.equal((await fresh.apply(manifest({ a: "1" }), OWNER)).outcome, "unchanged");
  });

  it("sets back what somebody changed, but does not fight over it", async () => {
    const { object } = await applier.apply<KubeObject>(manifest({ a: "1" }), OWNER);
    const readers = new Store<KubeObject>();
    const contested = new Applier({
      client: new ApiClient(api.kubeConfig()),
      storeOf: () => readers,
      fingerprint: digest,
      log: silent,
    });
    readers.put(object);
    const rounds: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const live = api.find("configmaps", "one");
      assert.ok(live);
      readers.put(api.put("/api/v1", "configmaps", { ...live, data: { a: `not ${round}` } }));
      rounds.push((await contested.apply(manifest({ a: "1" }), OWNER)).outcome);
    }
    assert.deepEqual(rounds, ["updated", "unchanged", "unchanged"]);
  });

  it("never touches an object of somebody else", async () => {
    const metadata = { name: "one", namespace: "default" };
    api.put("/api/v1", "configmaps", { metadata, data: { theirs: "yes" } });
    await assert.rejects(applier.apply(manifest({ a: "1" }), OWNER), NameTakenError);
    assert.deepEqual(data(), { theirs: "yes" });
    assert.equal(api.writes().length, 0);
  });

  it("compares by what is wanted: defaults do not count, quantities count by value", () => {
    assert.ok(contains({ a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }));
    assert.ok(contains({ cpu: "500m", memory: "1Gi" }, { cpu: "0.5", memory: "1024Mi" }));
    assert.ok(contains({ cpu: "1" }, { cpu: 1 }));
    assert.ok(contains({}, { tolerations: [], nodeSelector: {} }));
    assert.ok(contains({ list: [{ a: 1, b: 2 }] }, { list: [{ a: 1 }] }));
    assert.ok(!contains({ list: [{ a: 1 }, { a: 2 }] }, { list: [{ a: 1 }] }));
    assert.ok(!contains({ cpu: "500m" }, { cpu: "600m" }));
    assert.ok(!contains({ flag: true }, { flag: false }));
    assert.ok(!contains({ name: "a" }, { name: "b" }));
    assert.ok(!contains({}, { name: "b" }));
  });
});
