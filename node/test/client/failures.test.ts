/**
 * Goal: whatever goes wrong, the client repeats only what may be repeated, with one id, and says
 * what is known of the rest.
 * Method: servers that answer, refuse, break connections or keep silent as each test says.
 */
import assert from "node:assert/strict";
import { ChordRing, ChordRingError, type ChordRingOutcome } from "../../client/index.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { error, type Reply, ScriptedServer } from "./scripted-server.ts";

const created: Reply = { status: 201, headers: { etag: '"1-1-1"' } };
const value: Reply = {
  status: 200,
  headers: { etag: '"1-1-1"', "content-type": "text/plain" },
  body: "hello",
};
const unavailable = error(503, "unavailable", { "retry-after": "0" });
const unknown = error(504, "outcome_unknown");
const refused = { ...error(412, "precondition_failed"), headers: { etag: '"1-1-9"' } };

interface Expected {
  readonly code: string;
  readonly status: number;
  readonly outcome: ChordRingOutcome;
}

async function fails(operation: Promise<unknown>, expected: Expected): Promise<void> {
  await assert.rejects(operation, (thrown) => {
    assert.ok(thrown instanceof ChordRingError, String(thrown));
    const { code, status, outcome } = thrown;
    assert.deepEqual({ code, status, outcome }, expected);
    return true;
  });
}

describe("the client when things go wrong", () => {
  let server: ScriptedServer;
  let ring: ChordRing;
  let hurried: ChordRing;

  beforeEach(async () => {
    server = await ScriptedServer.start();
    ring = new ChordRing({ url: server.url, token: "secret" });
    hurried = new ChordRing({ url: server.url, timeoutMs: 300 });
  });

  afterEach(() => server.close());

  const ids = (): Set<unknown> =>
    new Set(server.received.map(({ headers }) => headers["idempotency-key"]));

  it("repeats a write with the same id after a reset, a 504 and a 503", async () => {
    server.steps = ["reset", unknown, unavailable, created];
    const stored = await ring.put("alice", "hello");
    assert.deepEqual(stored, { version: "1-1-1", created: true });
    assert.equal(server.received.length, 4);
    assert.equal(ids().size, 1);
    for (const { method, url, headers, body } of server.received) {
      assert.deepEqual(
        { method, url, body },
        { method: "PUT", url: "/v1/kv/alice", body: "hello" },
      );
      assert.equal(headers["content-type"], "text/plain; charset=utf-8");
      assert.equal(headers["authorization"], "Bearer secret");
    }
  });

  it("gives each write an id of its own, or the caller's", async () => {
    server.steps = [created];
    await ring.put("alice", "1");
    await ring.put("alice", "2");
    await ring.put("alice", "3", { idempotencyKey: "mine" });
    assert.equal(ids().size, 3);
    assert.ok(ids().has("mine"));
  });

  it("says that nothing happened when every attempt was refused", async () => {
    server.steps = [unavailable];
    const expected = { code: "unavailable", status: 503, outcome: "nothing-happened" } as const;
    await fails(hurried.put("alice", "hello"), expected);
    await fails(hurried.delete("alice"), expected);
    await fails(hurried.get("alice"), expected);
  });

  it("says that the outcome is unknown when any attempt may have happened", async () => {
    server.steps = ["reset", unavailable];
    await fails(hurried.put("alice", "hello"), {
      code: "unavailable",
      status: 503,
      outcome: "unknown",
    });
    server.steps = ["silence"];
    await fails(hurried.put("alice", "hello"), {
      code: "unreachable",
      status: 0,
      outcome: "unknown",
    });
    server.steps = [unknown];
    await fails(hurried.delete("alice"), {
      code: "outcome_unknown",
      status: 504,
      outcome: "unknown",
    });
  });

  it("says that nothing happened when no connection came about, or a read failed", async () => {
    const expected = { code: "unreachable", status: 0, outcome: "nothing-happened" } as const;
    server.steps = ["silence"];
    await fails(hurried.get("alice"), expected);
    await server.close();
    await fails(hurried.put("alice", "hello"), expected);
  });

  it("waits as long as Retry-After says, and gives up at once if that is too long", async () => {
    server.steps = [error(503, "busy", { "retry-after": "1" }), value];
    const startedMs = performance.now();
    await ring.get("alice");
    assert.ok(performance.now() - startedMs >= 1_000);
    server.steps = [error(503, "busy", { "retry-after": "30" })];
    const expected = { code: "busy", status: 503, outcome: "nothing-happened" } as const;
    await fails(ring.get("alice"), expected);
    assert.equal(server.received.length, 3);
  });

  it("takes a 412 as an answer, without a repetition", async () => {
    server.steps = [refused];
    const outcome = await ring.compareAndSet("alice", "1-1-1", "hello");
    assert.deepEqual(outcome, { done: false, version: "1-1-9" });
    const expected = {
      code: "precondition_failed",
      status: 412,
      outcome: "nothing-happened",
    } as const;
    await fails(ring.put("alice", "hello", { ifNoneMatch: "*" }), expected);
    await fails(ring.delete("alice", { ifMatch: "1-1-1" }), expected);
    assert.equal(server.received.length, 3);
    assert.deepEqual(
      server.received.map(({ headers }) => headers["if-match"] ?? headers["if-none-match"]),
      ['"1-1-1"', "*", '"1-1-1"'],
    );
  });

  it("does not take a refused repetition for a refused write", async () => {
    const expected = { code: "outcome_unknown", status: 412, outcome: "unknown" } as const;
    server.steps = ["reset", refused];
    await fails(ring.compareAndSet("alice", "1-1-1", "hello"), expected);
    server.steps = ["reset", error(404, "not_found")];
    await fails(ring.delete("alice"), { ...expected, status: 404 });
  });

  it("ends an update of which it cannot know whether it happened", async () => {
    server.steps = [value, "reset", refused, value];
    await fails(
      ring.update("alice", () => "hi"),
      { code: "outcome_unknown", status: 412, outcome: "unknown" },
    );
    assert.equal(server.received.length, 3);
  });

  it("begins an update again when somebody else was faster", async () => {
    server.steps = [value, refused, { ...value, body: "theirs" }, created];
    const seen: string[] = [];
    const version = await ring.update("alice", (found) => {
      seen.push(new TextDecoder().decode(found?.bytes));
      return `${seen.at(-1)}!`;
    });
    assert.equal(version, "1-1-1");
    assert.deepEqual(seen, ["hello", "theirs"]);
    assert.equal(server.received.at(-1)?.body, "theirs!");
  });

  it("does not repeat what is refused for what it is", async () => {
    server.steps = [error(413, "too_large")];
    const expected = { code: "too_large", status: 413, outcome: "nothing-happened" } as const;
    await fails(ring.put("alice", "hello"), expected);
    assert.equal(server.received.length, 1);
  });

  it("takes only a key's own 404 for a missing key", async () => {
    server.steps = [error(404, "not_found")];
    assert.equal(await ring.get("alice"), null);
    assert.equal(await ring.delete("alice"), false);
    server.steps = [error(404, "no_such_route")];
    const expected = { code: "no_such_route", status: 404, outcome: "nothing-happened" } as const;
    await fails(ring.get("alice"), expected);
  });

  it("refuses keys that cannot be sent before anything is sent", async () => {
    const expected = { code: "bad_key", status: 0, outcome: "nothing-happened" } as const;
    for (const key of ["", ".", "..", "\ud800", "x".repeat(1_025)]) {
      await fails(ring.put(key, "hello"), expected);
      await fails(ring.get(key), expected);
    }
    assert.equal(server.received.length, 0);
  });

  it("asks the next address when one does not answer", async () => {
    const gone = await ScriptedServer.start();
    const { url } = gone;
    await gone.close();
    server.steps = [value];
    const both = new ChordRing({ urls: [url, server.url] });
    assert.equal((await both.get("alice"))?.version, "1-1-1");
  });
});

describe("the client and the leaders", () => {
  let entry: ScriptedServer;
  let leader: ScriptedServer;
  let ring: ChordRing;

  beforeEach(async () => {
    entry = await ScriptedServer.start();
    leader = await ScriptedServer.start();
    entry.steps = [value];
    leader.steps = [value];
    entry.views.set("/v1/ring", { ring: "demo", self: { name: "demo-0" } });
    leader.views.set("/v1/ring", { ring: "demo", self: { name: "demo-1" } });
    const nodes = [
      { name: "demo-0", api: entry.address },
      { name: "demo-1", api: leader.address },
    ];
    const views = [{ epoch: 1, leader: "demo-1", members: ["demo-1", "demo-0"] }];
    entry.views.set("/v1/partitions", { partitions: 1, generation: 1, nodes, views });
    ring = new ChordRing({ url: entry.url, token: "secret" });
  });

  afterEach(async () => {
    await entry.close();
    await leader.close();
  });

  /** Asks until the leader is asked. */
  const untilDirect = (): Promise<unknown> =>
    waitFor(
      "an operation that goes to the leader",
      async () => {
        await ring.get("alice");
        return leader.received.length > 0;
      },
      { timeoutMs: 5_000, intervalMs: 10 },
    );

  it("finds the leader beside the operations, and sends no token to a stranger", async () => {
    await untilDirect();
    assert.ok(entry.received.length > 0);
    assert.equal(entry.looks.filter(({ url }) => url === "/v1/partitions").length, 1);
    const [probe] = leader.looks;
    assert.equal(probe?.headers["authorization"], undefined);
    assert.equal(leader.received[0]?.headers["authorization"], "Bearer secret");
  });

  it("does not send anything where another node or ring answers", async () => {
    leader.views.set("/v1/ring", { ring: "other", self: { name: "demo-1" } });
    await waitFor(
      "a look at the leader",
      async () => {
        await ring.get("alice");
        return leader.looks.length > 0;
      },
      { timeoutMs: 5_000, intervalMs: 10 },
    );
    for (let count = 0; count < 20; count += 1) await ring.get("alice");
    assert.equal(leader.received.length, 0);
  });

  it("goes through the given address for a while after a direct request failed", async () => {
    await untilDirect();
    leader.steps = ["reset"];
    entry.received.length = 0;
    const direct = leader.received.length;
    entry.steps = [created];
    const stored = await ring.put("alice", "hello");
    assert.equal(stored.created, true);
    for (let count = 0; count < 10; count += 1) await ring.put("alice", "hello");
    assert.equal(leader.received.length, direct + 1);
    assert.equal(entry.received.length, 11);
    const [repeated] = entry.received;
    const first = leader.received.at(-1);
    assert.equal(repeated?.headers["idempotency-key"], first?.headers["idempotency-key"]);
  });

  it("follows an answer that names another leader", async () => {
    await untilDirect();
    const direct = leader.received.length;
    leader.steps = [{ ...value, headers: { ...value.headers, "x-chord-owner": "demo-0" } }];
    await ring.get("alice");
    await waitFor(
      "an operation that goes to the new leader",
      async () => {
        entry.received.length = 0;
        await ring.get("alice");
        return entry.received.length > 0;
      },
      { timeoutMs: 5_000, intervalMs: 10 },
    );
    assert.equal(leader.received.length, direct + 1);
  });
});
