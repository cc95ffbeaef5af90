/**
 * Goal: zones are read where they may be, cost next to nothing, and are never a reason to fail.
 * Method: Node objects on the fake API server, with its refusals; requests counted.
 */
import assert from "node:assert/strict";
import { ApiClient } from "../../src/kube/api-client.ts";
import { NodeZones, ZONE_LABEL } from "../../src/kube/node-zones.ts";
import { FakeApiServer, type RequestRecord } from "../support/fake-api-server.ts";
import { silent } from "../support/fake-cluster.ts";
import { until } from "../support/until.ts";

describe("node zones: read once, never in the way", () => {
  let api: FakeApiServer;
  const forAges = { knownMs: 60_000, retryMs: 60_000 };
  const isNode = ({ path }: RequestRecord): boolean => path.startsWith("/api/v1/nodes/");

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
  });

  afterEach(async () => {
    await api.stop();
  });

  function zones(timing = forAges): NodeZones {
    return new NodeZones(new ApiClient(api.kubeConfig()), silent, timing);
  }

  function put(name: string, labels: Record<string, string>): void {
    api.put("/api/v1", "nodes", { metadata: { name, labels } });
  }

  it("reads the label of one node at a time, once", async () => {
    put("one", { [ZONE_LABEL]: "a" });
    put("two", {});
    const known = zones();
    for (let count = 0; count < 3; count += 1) {
      assert.equal(await known.zoneOf("one"), "a");
      assert.equal(await known.zoneOf("two"), null);
    }
    assert.deepEqual(
      api.requests.map(({ method, path }) => `${method} ${path}`),
      ["GET /api/v1/nodes/one", "GET /api/v1/nodes/two"],
    );
  });

  it("reads it again after some time", async () => {
    put("one", { [ZONE_LABEL]: "a" });
    const known = zones({ knownMs: 1, retryMs: 1 });
    assert.equal(await known.zoneOf("one"), "a");
    put("one", { [ZONE_LABEL]: "b" });
    await until("the new zone", async () => (await known.zoneOf("one")) === "b");
  });

  it("takes a refusal for a cluster without zones, and asks no more", async () => {
    put("one", { [ZONE_LABEL]: "a" });
    api.failNext(403, isNode, 10);
    const known = zones();
    assert.equal(await known.zoneOf("one"), null);
    assert.equal(await known.zoneOf("one"), null);
    assert.equal(api.requests.length, 1);
  });

  it("does not know the zone after a failure, or of a node that is gone, for a while", async () => {
    put("one", { [ZONE_LABEL]: "a" });
    api.failNext(500, isNode);
    const known = zones({ knownMs: 60_000, retryMs: 1 });
    assert.equal(await known.zoneOf("one"), undefined);
    assert.equal(await known.zoneOf("gone"), undefined);
    await until("it is known", async () => (await known.zoneOf("one")) === "a");
    put("gone", { [ZONE_LABEL]: "c" });
    await until("it is back", async () => (await known.zoneOf("gone")) === "c");
  });
});
