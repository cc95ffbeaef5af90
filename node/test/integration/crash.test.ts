/**
 * Goal: what was acknowledged is there after a crash, and a node ends in good order when told to.
 * Method: kill -9 under load and start again, signals with requests in flight, a disk that is full.
 */
import assert from "node:assert/strict";
import { type LocalNode, LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ask, errorCode, get, put } from "../support/clients.ts";

describe("a crash takes nothing that was acknowledged", function () {
  this.timeout(90_000);
  let ring: LocalRing;

  before(async () => {
    // Slow to suspect, so that the test sees the time in which the owner is silent.
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

  it("and while the owner is silent nobody says that the key does not exist", async () => {
    const key = await keyOwnedBy(ring, ring.node(2));
    await ring.node(2).end("SIGKILL");
    const [read, written] = await Promise.all([
      get(ring.node(0), key),
      put(ring.node(1), key, "2"),
    ]);
    assert.deepEqual([read.status, errorCode(read)], [503, "owner_unreachable"]);
    assert.equal(read.headers.get("retry-after"), "1");
    assert.equal(written.status, 503);
    ring.node(2).start();
    await ring.converged();
    assert.equal((await get(ring.node(0), key)).bytes.toString(), "1");
  });
});

async function keyOwnedBy(ring: LocalRing, owner: LocalNode): Promise<string> {
  for (let index = 0; index < 1_000; index += 1) {
    const key = `owned-${index}`;
    const reply = await put(ring.node(0), key, "1");
    if (reply.headers.get("x-chord-owner") === owner.name) return key;
  }
  return assert.fail("no key of a thousand belongs to the node");
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
    const wrapper = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "limited"];
    ring = await LocalRing.start({ nodes: 1, stabilizeIntervalMs: 200, wrapper });
    await ring.converged();
  });

  after(() => ring.stop());

  it("503 to writes, values to reads, alive, not ready, and back when there is room", async () => {
    const node = ring.node(0);
    const stored: string[] = [];
    const full = await waitFor(
      "the disk to be full",
      async () => {
        const key = `k${stored.length}`;
        const reply = await put(node, key, Buffer.alloc(50_000));
        if (reply.status === 201) stored.push(key);
        return reply.status !== 201 && reply;
      },
      { timeoutMs: 30_000, intervalMs: 0 },
    );
    assert.deepEqual([full.status, errorCode(full)], [503, "storage_unavailable"]);
    for (const key of stored) assert.equal((await get(node, key)).status, 200);
    assert.equal((await ask(`${node.api}/healthz`)).status, 200);
    const ready = await ask(`${node.api}/readyz`);
    assert.deepEqual([ready.status, errorCode(ready)], [503, "not_ready"]);
    const text = (await ask(`${node.api}/metrics`)).bytes.toString();
    assert.match(text, /^chord_storage_writable 0$/m);
    assert.match(text, new RegExp(`^chord_keys ${stored.length}$`, "m"));
    // Deleting frees pages inside the file, so there is room again.
    for (const key of stored.slice(0, 10)) {
      await ask(`${node.api}/v1/kv/${key}`, { method: "DELETE" });
    }
    await waitFor("a write to succeed", async () => (await put(node, "last", "1")).status === 201, {
      timeoutMs: 10_000,
    });
    assert.equal((await ask(`${node.api}/readyz`)).status, 200);
  });
});
