/**
 * Goal: a value with a time to live goes after it and not before, whoever is asked and whoever was
 * restarted meanwhile; what is written in its place stays. Method: a ring of three real nodes; the
 * time that a value names is compared with the moment at which it is first missed.
 */
import assert from "node:assert/strict";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ask, errorCode, get, json, keyUrl, put, type Reply } from "../support/clients.ts";

const soon = { "x-chord-ttl": "1" };
const later = { "x-chord-ttl": "3600" };

function expiresMs(reply: Reply): number {
  const text = reply.headers.get("x-chord-expires");
  assert.match(text ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  return Date.parse(text ?? "");
}

describe("values with a time to live", function () {
  this.timeout(90_000);
  let ring: LocalRing;

  before(async () => {
    ring = await LocalRing.start({ nodes: 3, successors: 2, stabilizeIntervalMs: 300 });
    await ring.converged();
    await ring.setRoster(ring.nodes);
    await ring.placed();
  });

  after(() => ring.stop());

  const gone = async (key: string): Promise<number> => {
    const missed = async (): Promise<number | false> => {
      const { status } = await get(ring.node(0), key);
      assert.ok([200, 404, 503].includes(status), `${key}: ${status}`);
      return status === 404 && Date.now();
    };
    return await waitFor(`${key} to expire`, missed, { timeoutMs: 30_000, intervalMs: 20 });
  };

  it("are there until their time, which they tell, and then gone for everybody", async () => {
    const beganMs = Date.now();
    assert.equal((await put(ring.node(0), "short", "1", { "x-chord-ttl": "3" })).status, 201);
    const read = await get(ring.node(1), "short");
    const head = await ask(keyUrl(ring.node(2), "short"), { method: "HEAD" });
    assert.equal(read.bytes.toString(), "1");
    assert.equal(expiresMs(head), expiresMs(read));
    assert.ok(expiresMs(read) >= beganMs + 3_000);
    const goneMs = await gone("short");
    assert.ok(goneMs >= expiresMs(read), `gone ${expiresMs(read) - goneMs} ms early`);
    for (const node of ring.nodes) assert.equal((await get(node, "short")).status, 404);
    const counted = await Promise.all(
      ring.nodes.map(async ({ api }) => {
        const text = (await ask(`${api}/metrics`)).bytes.toString();
        return Number(/^chord_expired_keys_total (\d+)$/m.exec(text)?.[1]);
      }),
    );
    assert.ok(counted.reduce((sum, count) => sum + count, 0) >= 1, String(counted));
  });

  it("stay if they were written again without one, and else take the new one", async () => {
    await put(ring.node(0), "again", "1", soon);
    await put(ring.node(0), "longer", "1", soon);
    await put(ring.node(1), "again", "2");
    await put(ring.node(1), "longer", "2", later);
    // Its time is over after theirs would have been.
    await put(ring.node(0), "witness", "1", soon);
    await gone("witness");
    const again = await get(ring.node(2), "again");
    assert.equal(again.bytes.toString(), "2");
    assert.equal(again.headers.get("x-chord-expires"), null);
    assert.ok(expiresMs(await get(ring.node(2), "longer")) > Date.now() + 3_000_000);
  });

  it("do not last longer because their write was repeated", async () => {
    const headers = { ...later, "idempotency-key": "once" };
    await put(ring.node(0), "repeated", "1", headers);
    const first = expiresMs(await get(ring.node(0), "repeated"));
    await put(ring.node(1), "repeated", "1", headers);
    assert.equal(expiresMs(await get(ring.node(0), "repeated")), first);
  });

  it("keep their time over a restart of all nodes, and go after it", async () => {
    await put(ring.node(0), "kept", "1", later);
    const before = expiresMs(await get(ring.node(0), "kept"));
    await put(ring.node(0), "dying", "1", { "x-chord-ttl": "2" });
    await Promise.all(ring.nodes.map((node) => node.end("SIGKILL")));
    for (const node of ring.nodes) node.start();
    await ring.converged();
    await gone("dying");
    await ring.placed();
    assert.equal(expiresMs(await get(ring.node(1), "kept")), before);
  });

  it("come in batches, too", async () => {
    const operations = [
      { method: "PUT", key: "batched", text: "1", ttl: 3_600 },
      { method: "GET", key: "batched" },
    ];
    const reply = await ask(`${ring.node(0).api}/v1/batch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ operations }),
    });
    const { results } = json(reply) as { results?: readonly { expires?: string }[] };
    const { headers } = await get(ring.node(1), "batched");
    assert.equal(results?.[1]?.expires, headers.get("x-chord-expires"));
    assert.ok(results[1].expires !== undefined);
  });

  for (const ttl of ["0", "-1", "1.5", "1e3", "a minute", "", "315360001", "1, 2"]) {
    it(`are refused with the time "${ttl}"`, async () => {
      const reply = await put(ring.node(0), "refused", "1", { "x-chord-ttl": ttl });
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_ttl"]);
      assert.equal((await get(ring.node(0), "refused")).status, 404);
    });
  }
});
