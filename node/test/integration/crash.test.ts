/**
 * Goal: what was acknowledged is there after a crash, and a node ends in good order when told to.
 * Method: kill -9 under load and start again, signals with requests in flight, a disk that is full.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type LocalNode, LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ask, errorCode, get, keyUrl, put } from "../support/clients.ts";

describe("a crash takes nothing that was acknowledged", function () {
  this.timeout(90_000);
  let ring: LocalRing;

  before(async () => {
    ring = await LocalRing.start({ nodes: 3, successors: 2, stabilizeIntervalMs: 1_000 });
    await ring.converged();
  });

  after(() => ring.stop());

  it("of the values on the disk of a killed node, nor their versions and counts", async () => {
    const victim = ring.node(1);
    const acknowledged = new Map<string, string>();
    let stop = false;
    const write = async (writer: number): Promise<void> => {
      for (let index = 0; !stop; index += 1) {
        const key = `${writer}/${index}`;
        const reply = await put(ring.node(0), key, key).catch(() => undefined);
        if (reply?.status !== 201 || reply.headers.get("x-chord-owner") !== victim.name) continue;
        acknowledged.set(key, reply.headers.get("etag") ?? "");
        // In the middle of everybody's writes.
        if (acknowledged.size === 100) {
          stop = true;
          await victim.end("SIGKILL");
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
    assert.ok(acknowledged.size >= 100);
    victim.start();
    await ring.converged();
    for (const [key, etag] of acknowledged) {
      const read = await get(ring.node(2), key);
      assert.deepEqual([read.status, read.headers.get("etag")], [200, etag], key);
      assert.equal(read.bytes.toString(), key);
    }
    const text = (await ask(`${victim.api}/metrics`)).bytes.toString();
    const keys = Number(/^chord_keys (\d+)$/m.exec(text)?.[1]);
    const bytes = Number(/^chord_bytes (\d+)$/m.exec(text)?.[1]);
    assert.ok(keys >= acknowledged.size, `${keys} keys`);
    assert.ok(bytes >= [...acknowledged.keys()].join("").length);
  });

  it("and its keys are written and read again through the others within seconds", async () => {
    const key = await keyLedBy(ring, ring.node(2));
    await ring.node(2).end("SIGKILL");
    const startedMs = performance.now();
    const options = { timeoutMs: 20_000, intervalMs: 20 };
    const written = async (): Promise<boolean> => {
      const reply = await put(ring.node(1), key, "2");
      assert.ok(reply.status === 200 || reply.status === 503 || reply.status === 504);
      return reply.status === 200;
    };
    await waitFor("a write of a key whose leader is dead", written, options);
    const read = await get(ring.node(0), key);
    assert.deepEqual([read.status, read.bytes.toString()], [200, "2"]);
    assert.ok(performance.now() - startedMs < 15_000);
    ring.node(2).start();
    await ring.converged();
    await ring.placed();
    assert.equal((await get(ring.node(2), key)).bytes.toString(), "2");
  });

  it("and without a majority of its copies nobody says that a key does not exist", async () => {
    await put(ring.node(0), "kept", "1");
    await Promise.all([ring.node(1).end("SIGKILL"), ring.node(2).end("SIGKILL")]);
    const replies = await Promise.all([
      get(ring.node(0), "kept"),
      get(ring.node(0), "never stored"),
      put(ring.node(0), "kept", "2"),
    ]);
    for (const reply of replies.slice(0, 2)) {
      assert.deepEqual([reply.status, errorCode(reply)], [503, "unavailable"]);
      assert.equal(reply.headers.get("retry-after"), "1");
    }
    assert.ok(replies[2]?.status === 503 || replies[2]?.status === 504);
    ring.node(1).start();
    ring.node(2).start();
    await ring.converged();
    await ring.placed();
    assert.match((await get(ring.node(2), "kept")).bytes.toString(), /^[12]$/);
    assert.equal((await get(ring.node(1), "never stored")).status, 404);
  });

  it("and a disk that is lost is made anew from the others", async () => {
    const keys = Array.from({ length: 200 }, (_, index) => `spread/${index}`);
    await Promise.all(keys.map((key) => put(ring.node(0), key, key)));
    const victim = ring.node(1);
    await victim.end("SIGKILL");
    await victim.wipe();
    victim.start();
    await ring.converged();
    await ring.placed();
    // With its copies it makes a majority with either of the others.
    await ring.node(0).end("SIGKILL");
    for (const key of keys) {
      const read = async (): Promise<boolean> => {
        const reply = await get(victim, key);
        assert.ok(reply.status === 200 || reply.status === 503, `${key}: ${reply.status}`);
        return reply.status === 200 && reply.bytes.toString() === key;
      };
      await waitFor(`${key} through the node with the new disk`, read, { timeoutMs: 20_000 });
    }
    ring.node(0).start();
    await ring.converged();
  });
});

async function keyLedBy(ring: LocalRing, leader: LocalNode): Promise<string> {
  for (let index = 0; index < 1_000; index += 1) {
    const key = `led-${index}`;
    const reply = await put(ring.node(0), key, "1");
    if (reply.headers.get("x-chord-owner") === leader.name) return key;
  }
  return assert.fail("the node leads no key of a thousand");
}

describe("a node ends in good order", function () {
  this.timeout(60_000);
  let ring: LocalRing;

  beforeEach(async () => {
    ring = await LocalRing.start({ nodes: 1, stabilizeIntervalMs: 200 });
    await ring.converged();
  });

  afterEach(() => ring.stop());

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`after ${signal}: answers what is in flight, exit code 0, within seconds`, async () => {
      const node = ring.node(0);
      const writes = Array.from({ length: 50 }, (_, index) =>
        put(node, `k${index}`, Buffer.alloc(100_000)).catch(() => undefined),
      );
      await Promise.race(writes);
      const startedMs = performance.now();
      assert.equal(await node.end(signal), 0);
      assert.ok(performance.now() - startedMs < 4_000);
      const acknowledged = (await Promise.all(writes)).filter((reply) => reply?.status === 201);
      assert.ok(acknowledged.length > 0);
      assert.match(node.log(), /"Stopped"/);
      node.start();
      await ring.converged();
      for (const [index, write] of writes.entries()) {
        if ((await write)?.status !== 201) continue;
        assert.equal((await get(node, `k${index}`)).bytes.length, 100_000);
      }
    });
  }

  it("with code 64 and all reasons when the configuration is wrong", async () => {
    const wrong = await LocalRing.start({
      nodes: 1,
      environment: { CHORD_NODE_NAME: "Not A Name", CHORD_DISCOVERY: "x" },
    });
    assert.equal(await wrong.node(0).ended(), 64);
    assert.match(wrong.node(0).log(), /CHORD_NODE_NAME:[\s\S]*CHORD_DISCOVERY:/);
    await wrong.stop();
  });

  it("with code 1 and the reason when its port is taken", async () => {
    const { apiPort } = ring.node(0);
    const second = await LocalRing.start({
      nodes: 1,
      environment: { CHORD_API_PORT: String(apiPort) },
    });
    assert.equal(await second.node(0).ended(), 1);
    assert.match(second.node(0).log(), /EADDRINUSE/);
    await second.stop();
  });
});

describe("a node with a full disk tells the truth", function () {
  this.timeout(60_000);
  let ring: LocalRing;

  before(async () => {
    // A limit on the size of files stands in for the end of a volume.
    const wrapper = ["bash", "-c", 'ulimit -S -f 2048; exec "$@"', "limited"];
    ring = await LocalRing.start({ nodes: 1, stabilizeIntervalMs: 200, wrapper });
    await ring.converged();
  });

  after(() => ring.stop());

  it("503 to writes, values to reads, alive, not ready, and back when there is room", async () => {
    const node = ring.node(0);
    const stored: string[] = [];
    const refused = await waitFor(
      "the disk to be full",
      async () => {
        const key = `k${stored.length}`;
        const reply = await put(node, key, Buffer.alloc(50_000));
        if (reply.status === 201) stored.push(key);
        return reply.status !== 201 && reply;
      },
      { timeoutMs: 30_000, intervalMs: 0 },
    );
    // The write that met the full disk may yet be made when there is room; the next ones are not.
    assert.deepEqual([refused.status, errorCode(refused)], [504, "outcome_unknown"]);
    for (const next of [put(node, "next", "1"), ask(keyUrl(node, "k0"), { method: "DELETE" })]) {
      const reply = await next;
      assert.deepEqual([reply.status, errorCode(reply)], [503, "storage_unavailable"]);
    }
    for (const key of stored) assert.equal((await get(node, key)).status, 200);
    assert.equal((await ask(`${node.api}/healthz`)).status, 200);
    const ready = await ask(`${node.api}/readyz`);
    assert.deepEqual([ready.status, errorCode(ready)], [503, "not_ready"]);
    const text = (await ask(`${node.api}/metrics`)).bytes.toString();
    assert.match(text, /^chord_storage_writable 0$/m);
    execFileSync("prlimit", [`--pid=${node.processId}`, "--fsize=unlimited"]);
    const written = async (): Promise<boolean> => (await put(node, "last", "1")).status === 201;
    await waitFor("a write to succeed", written, { timeoutMs: 20_000 });
    assert.equal((await ask(`${node.api}/readyz`)).status, 200);
    assert.equal((await get(node, `k${stored.length}`)).bytes.length, 50_000);
  });
});
