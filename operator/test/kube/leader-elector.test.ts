/**
 * Goal: at any time at most one operator works, and a successor takes over soon. Method: several
 * electors with short times over one fake API server.
 */
import assert from "node:assert/strict";
import { ApiClient } from "../../src/kube/api-client.ts";
import { LeaderElector } from "../../src/kube/leader-elector.ts";
import { FakeApiServer } from "../support/fake-api-server.ts";
import { silent } from "../support/fake-cluster.ts";
import { until } from "../support/until.ts";

const LEASE = { namespace: "system", name: "operator" };

describe("leader elector: one holder, quick succession", () => {
  let api: FakeApiServer;
  let stops: AbortController[];

  beforeEach(async () => {
    api = new FakeApiServer();
    stops = [];
    await api.start();
  });

  afterEach(async () => {
    for (const stop of stops) stop.abort();
    await api.stop();
  });

  function elector(identity: string, leaseDurationMs = 1_000) {
    const stop = new AbortController();
    stops.push(stop);
    const under = new LeaderElector(new ApiClient(api.kubeConfig(), 500), silent, {
      lease: LEASE,
      identity,
      leaseDurationMs,
      renewDeadlineMs: 200,
      retryPeriodMs: 20,
    });
    return { under, stop };
  }

  function lease(): Record<string, unknown> {
    return api.find("leases", "operator")?.spec ?? {};
  }

  it("takes a lease nobody has, with times in microseconds", async () => {
    const { under, stop } = elector("one");
    assert.equal(await under.acquire(stop.signal), true);
    assert.equal(lease()["holderIdentity"], "one");
    assert.match(String(lease()["renewTime"]), /\.\d{6}Z$/);
  });

  it("lets another wait while the holder renews, and succeed when it lets go", async () => {
    const one = elector("one");
    const two = elector("two");
    await one.under.acquire(one.stop.signal);
    const holding = one.under.hold(one.stop.signal);
    let acquired = false;
    const waiting = two.under.acquire(two.stop.signal).then((yes) => {
      acquired = yes;
    });
    const renewed = lease()["renewTime"];
    await until("a few renewals", () => lease()["renewTime"] !== renewed);
    assert.equal(acquired, false);
    one.stop.abort();
    await holding;
    await one.under.release();
    const releasedMs = Date.now();
    await waiting;
    assert.ok(Date.now() - releasedMs < 500);
    assert.equal(lease()["holderIdentity"], "two");
    assert.equal(lease()["leaseTransitions"], 1);
  });

  it("takes over from a holder that is silent for the whole duration, and not before", async () => {
    const one = elector("one");
    await one.under.acquire(one.stop.signal);
    const startMs = Date.now();
    const two = elector("two");
    assert.equal(await two.under.acquire(two.stop.signal), true);
    assert.ok(Date.now() - startMs >= 1_000, "it took over too early");
  });

  it("gives up when it cannot renew in time", async () => {
    const one = elector("one");
    await one.under.acquire(one.stop.signal);
    api.failNext(500, (request) => request.method === "PUT", 1_000);
    await assert.rejects(one.under.hold(one.stop.signal), /not renewed/);
  });

  it("gives up at once when somebody else holds the lease", async () => {
    const one = elector("one");
    await one.under.acquire(one.stop.signal);
    const stored = api.find("leases", "operator");
    assert.ok(stored);
    const spec = { ...stored.spec, holderIdentity: "two" };
    api.put("/apis/coordination.k8s.io/v1", "leases", { ...stored, spec });
    await assert.rejects(one.under.hold(one.stop.signal), /held by two/);
  });

  it("goes on when its own write only seemed to fail", async () => {
    const one = elector("one");
    await one.under.acquire(one.stop.signal);
    const stored = api.find("leases", "operator");
    assert.ok(stored);
    const metadata = { ...stored.metadata, labels: { touched: "yes" } };
    api.put("/apis/coordination.k8s.io/v1", "leases", { ...stored, metadata });
    const holding = one.under.hold(one.stop.signal);
    const before = lease()["renewTime"];
    await until("it renews", () => lease()["renewTime"] !== before);
    one.stop.abort();
    await holding;
  });

  it("lets one of many win", async () => {
    const all = ["a", "b", "c", "d", "e"].map((name) => elector(name));
    let holders = 0;
    for (const { under, stop } of all) {
      void under.acquire(stop.signal).then((yes) => {
        holders += yes ? 1 : 0;
      });
    }
    await until("somebody won", () => holders > 0);
    const winner = lease()["holderIdentity"];
    const requests = api.requests.length;
    await until("the others asked again", () => api.requests.length > requests + 10);
    assert.equal(holders, 1);
    assert.equal(lease()["holderIdentity"], winner);
  });
});
