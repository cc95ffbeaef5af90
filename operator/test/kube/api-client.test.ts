/**
 * Goal: requests share one pool of connections, end in time, and fail in words. Method: a real
 * client against the fake API server, which counts connections.
 */
import assert from "node:assert/strict";
import { ApiClient, ApiError } from "../../src/kube/api-client.ts";
import { KINDS } from "../../src/kube/kinds.ts";
import { FakeApiServer } from "../support/fake-api-server.ts";

const key = { namespace: "default", name: "one" };

describe("API client: one pool, deadlines, refusals in words", () => {
  let api: FakeApiServer;

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
  });

  afterEach(async () => {
    await api.stop();
  });

  it("sends a hundred requests over one or two connections", async () => {
    const client = new ApiClient(api.kubeConfig());
    for (let count = 0; count < 100; count += 1) await client.get(KINDS.configMap, key);
    assert.ok(api.connections <= 2, `${api.connections} connections`);
  });

  it("gives up on a request that is never answered", async () => {
    api.failNext("hang", () => true);
    const client = new ApiClient(api.kubeConfig(), 50);
    await assert.rejects(client.get(KINDS.configMap, key), /timeout/i);
  });

  it("says what the API server said", async () => {
    api.failNext(403, () => true);
    const client = new ApiClient(api.kubeConfig());
    const failure = client.list(KINDS.configMap);
    await assert.rejects(failure, (error: unknown) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, 403);
      assert.match(error.message, /GET \/api\/v1\/configmaps: injected fault/);
      return true;
    });
  });

  it("takes an object that is gone as read and as deleted", async () => {
    const client = new ApiClient(api.kubeConfig());
    assert.equal(await client.get(KINDS.configMap, key), undefined);
    await client.delete(KINDS.configMap, key);
  });
});
