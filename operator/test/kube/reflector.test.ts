/**
 * Goal: a store follows the API server whatever happens to the watch. Method: each known way in
 * which watches die is inflicted on a real reflector; then an object changes, and the store must
 * show it.
 */
import assert from "node:assert/strict";
import { ApiClient } from "../../src/kube/api-client.ts";
import { KINDS, type KubeObject } from "../../src/kube/kinds.ts";
import { Reflector } from "../../src/kube/reflector.ts";
import { OperatorMetrics } from "../../src/metrics/metrics.ts";
import { FakeApiServer } from "../support/fake-api-server.ts";
import { silent } from "../support/fake-cluster.ts";
import { until } from "../support/until.ts";

const CORE = "/api/v1";
const TIMING = {
  silenceMs: 60_000,
  relistMs: 60_000,
  emptyPauseMs: 20,
  backoffBaseMs: 5,
  backoffMaxMs: 20,
};

describe("reflector: a store that survives what ends watches", () => {
  let api: FakeApiServer;
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let metrics: OperatorMetrics;
  let seen: string[];

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
    stop = new AbortController();
    metrics = new OperatorMetrics();
    seen = [];
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await api.stop();
  });

  function reflector(timing: Partial<typeof TIMING> = {}, labelSelector?: string) {
    const config = api.kubeConfig();
    return new Reflector<KubeObject>(
      { config, client: new ApiClient(config), metrics, log: silent },
      {
        kind: KINDS.pod,
        timing: { ...TIMING, ...timing },
        onChange: (object) => seen.push(object.metadata.name),
        ...(labelSelector === undefined ? {} : { labelSelector }),
      },
    );
  }

  function putPod(name: string, labels: Record<string, string> = {}): void {
    api.put(CORE, "pods", { metadata: { name, namespace: "default", labels } });
  }

  function start(under: Reflector<KubeObject>): Reflector<KubeObject> {
    running = under.run(stop.signal);
    return under;
  }

  function has(under: Reflector<KubeObject>, name: string): boolean {
    return under.store.get({ namespace: "default", name }) !== undefined;
  }

  async function watching(): Promise<void> {
    await until("a watch is open", () => api.openWatches > 0);
  }

  async function restarts(reason: string): Promise<number> {
    const text = await metrics.registry.metrics();
    const found = new RegExp(`restarts_total\\{kind="pods",reason="${reason}"\\} (\\d+)`).exec(
      text,
    );
    return Number(found?.[1] ?? 0);
  }

  it("lists what is there, page by page, and follows what changes", async () => {
    for (let index = 0; index < 1_203; index += 1) putPod(`pod-${index}`);
    const under = start(reflector());
    await under.synced;
    assert.equal(under.store.size, 1_203);
    await watching();
    putPod("late");
    await until("the late one", () => has(under, "late"));
    api.remove(CORE, "pods", "default", "late");
    await until("it is gone", () => !has(under, "late"));
  });

  it("keeps only objects with the label", async () => {
    putPod("ours", { "chordring.dev/ring": "demo" });
    putPod("theirs");
    const under = start(reflector({}, "chordring.dev/ring"));
    await under.synced;
    await watching();
    putPod("ours-too", { "chordring.dev/ring": "demo" });
    putPod("theirs-too");
    await until("ours too", () => has(under, "ours-too"));
    assert.equal(under.store.size, 2);
    assert.equal(under.store.ofRing({ namespace: "default", name: "demo" }).length, 2);
  });

  for (const how of ["close", "cut"] as const) {
    it(`resumes when the server ends the watch (${how})`, async () => {
      const under = start(reflector());
      await watching();
      api.endWatches(how);
      putPod("new");
      await until("the new one", () => has(under, "new"));
    });
  }

  it("lists anew when its version has expired, and notices what was deleted", async () => {
    putPod("old");
    const under = start(reflector());
    await watching();
    api.failNext(500, (request) => request.watch, 3);
    api.endWatches("close");
    api.remove(CORE, "pods", "default", "old");
    putPod("new");
    api.compact();
    await until("the new one", () => has(under, "new"));
    assert.equal(has(under, "old"), false);
    assert.ok(seen.includes("old"), "the deletion was not reported");
  });

  it("handles 410 inside the stream by listing anew", async () => {
    const under = start(reflector());
    await watching();
    putPod("between");
    api.compact();
    putPod("after");
    api.compact();
    api.endWatches("close");
    await until("both", () => has(under, "between") && has(under, "after"));
  });

  it("goes on after failed lists and failed watches", async () => {
    api.failNext(500, (request) => !request.watch, 2);
    api.failNext("destroy", (request) => request.watch, 2);
    const under = start(reflector());
    await under.synced;
    await watching();
    putPod("new");
    await until("the new one", () => has(under, "new"));
    assert.ok((await restarts("error")) >= 3);
  });

  it("restarts a watch that has gone silent", async () => {
    api.muted = true;
    const under = start(reflector({ silenceMs: 60 }));
    await watching();
    putPod("unheard");
    api.muted = false;
    await until("it is heard of after all", () => has(under, "unheard"));
    assert.ok((await restarts("silent")) >= 1);
  });

  it("lists anew now and then, whatever the watch says", async () => {
    api.muted = true;
    const under = start(reflector({ relistMs: 60 }));
    await watching();
    putPod("unheard");
    await until("it is listed", () => has(under, "unheard"));
    assert.ok((await restarts("relist")) >= 1);
  });

  it("never has two watches, and none after a stop, not even during a back-off", async () => {
    const under = start(reflector({ backoffBaseMs: 50, backoffMaxMs: 50 }));
    await watching();
    await assert.rejects(under.run(stop.signal), /runs already/);
    for (let round = 0; round < 5; round += 1) {
      api.endWatches("close");
      await watching();
      assert.equal(api.openWatches, 1);
    }
    api.failNext(500, () => true, 1_000);
    api.endWatches("cut");
    const before = api.requests.length;
    await until("it is backing off", () => api.requests.length > before);
    stop.abort();
    await running;
    const after = api.requests.length;
    await until("the sockets are closed", () => api.openWatches === 0);
    assert.equal(api.requests.length, after);
  });

  it("survives a handler that throws", async () => {
    const config = api.kubeConfig();
    const under = start(
      new Reflector<KubeObject>(
        { config, client: new ApiClient(config), metrics, log: silent },
        {
          kind: KINDS.pod,
          timing: TIMING,
          onChange: () => {
            throw new Error("on purpose");
          },
        },
      ),
    );
    await watching();
    putPod("one");
    putPod("two");
    await until("both are stored", () => under.store.size === 2);
  });

  it("shows how long a kind has been silent", async () => {
    const under = start(reflector());
    await under.synced;
    assert.ok(under.silentMs < 5_000);
    assert.match(
      await metrics.registry.metrics(),
      /watch_last_event_seconds\{kind="pods"\} [0-9.]/,
    );
  });
});
