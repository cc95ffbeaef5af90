/** Goal: news is told once. Method: repeats within and across processes, writes counted. */
import assert from "node:assert/strict";
import { ApiClient } from "../../src/kube/api-client.ts";
import { EventRecorder } from "../../src/kube/event-recorder.ts";
import { FakeApiServer } from "../support/fake-api-server.ts";
import { silent } from "../support/fake-cluster.ts";

const subject = {
  apiVersion: "chordring.dev/v1alpha1",
  kind: "ChordRing",
  metadata: { name: "demo", namespace: "default", uid: "1" },
};
const news = { type: "Warning", reason: "Bad", message: "something is bad" } as const;

describe("event recorder: news, told once", () => {
  let api: FakeApiServer;

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
  });

  afterEach(async () => {
    await api.stop();
  });

  it("drops repeats, and counts them across restarts", async () => {
    const client = new ApiClient(api.kubeConfig());
    const recorder = new EventRecorder(client, silent, "one");
    for (let count = 0; count < 20; count += 1) await recorder.record(subject, news);
    assert.equal(api.writes().length, 1);
    await recorder.record(subject, { ...news, message: "something else is bad" });
    assert.equal(api.list("events").length, 2);
    await new EventRecorder(client, silent, "two").record(subject, news);
    assert.deepEqual(
      api.list("events").map((event) => event["count"]),
      [2, 1],
    );
  });

  it("never fails the work", async () => {
    api.failNext(500, () => true, 10);
    const recorder = new EventRecorder(new ApiClient(api.kubeConfig()), silent, "one");
    await recorder.record(subject, news);
  });
});
