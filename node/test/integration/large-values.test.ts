/**
 * Goal: values above one register come and go whole, through any node, over restarts and crashes,
 * and what no key holds any more leaves the disks. Method: a ring of three real nodes with a limit
 * of 16 MiB, fetch and bare sockets; chunks that nobody needs are kept for two seconds.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { ChordRing } from "../../client/index.ts";
import { type LocalNode, LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ask, errorCode, get, json, keyUrl, put, sendAndVanish } from "../support/clients.ts";

const MIB = 1024 * 1024;
const LIMIT = 16 * MIB;
const value = randomBytes(10 * MIB + 3);
const other = randomBytes(3 * MIB);

async function total(nodes: readonly LocalNode[], series: string): Promise<number> {
  const texts = await Promise.all(nodes.map(async ({ api }) => await ask(`${api}/metrics`)));
  const pattern = new RegExp(`^${series} (\\d+)$`, "m");
  return texts.reduce((sum, { bytes }) => sum + Number(pattern.exec(bytes.toString())?.[1]), 0);
}

/** Sends pieces without saying how many bytes they are. */
function stream(
  node: LocalNode,
  key: string,
  pieces: readonly Uint8Array[],
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(keyUrl(node, key), { method: "PUT" }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
    });
    sent.on("error", reject);
    for (const piece of pieces) sent.write(piece);
    sent.end();
  });
}

describe("values in chunks", function () {
  this.timeout(120_000);
  let ring: LocalRing;

  before(async () => {
    ring = await LocalRing.start({
      nodes: 3,
      successors: 2,
      stabilizeIntervalMs: 300,
      environment: { CHORD_VALUE_BYTES_MAX: String(LIMIT), CHORD_UPLOAD_LEASE_MS: "2000" },
    });
    await ring.converged();
    await ring.setRoster(ring.nodes);
    await ring.placed();
  });

  after(() => ring.stop());

  /** All bytes on all disks are those of values that are there. */
  const collected = async (bytes: number): Promise<void> => {
    await waitFor(
      "chunks that no value has to be removed",
      async () => (await total(ring.nodes, "chord_bytes")) === 3 * bytes,
      { timeoutMs: 60_000, intervalMs: 200 },
    );
  };

  it("are stored through one node and read through the others, with one version", async () => {
    const stored = await put(ring.node(0), "large", value, { "content-type": "video/mp4" });
    assert.equal(stored.status, 201);
    for (const node of ring.nodes) {
      const read = await get(node, "large");
      assert.equal(read.status, 200);
      assert.ok(read.bytes.equals(value));
      assert.equal(read.headers.get("content-type"), "video/mp4");
      assert.equal(read.headers.get("content-length"), String(value.length));
      assert.equal(read.headers.get("etag"), stored.headers.get("etag"));
    }
  });

  it("are told of by HEAD, in conditions, and in a listing as one key", async () => {
    const head = await ask(keyUrl(ring.node(1), "large"), { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(value.length));
    assert.equal(head.headers.get("accept-ranges"), "bytes");
    const etag = head.headers.get("etag") ?? "";
    assert.equal((await get(ring.node(2), "large", { "if-none-match": etag })).status, 304);
    const listed = json(await ask(`${ring.node(2).api}/v1/kv`));
    assert.deepEqual(listed["keys"], [{ key: "large", bytes: value.length }]);
    const reserved = await ask(`${ring.node(2).api}/v1/kv?prefix=%00chordring-chunk%00`);
    assert.deepEqual(json(reserved), { keys: [], cursor: null });
    assert.equal(await total(ring.nodes, "chord_keys"), 3);
  });

  it("are read in part", async () => {
    const ranges: readonly [string, number, number][] = [
      ["bytes=0-0", 0, 1],
      [`bytes=${MIB - 2}-${MIB + 1}`, MIB - 2, MIB + 2],
      ["bytes=-5", value.length - 5, value.length],
      [`bytes=${10 * MIB}-`, 10 * MIB, value.length],
    ];
    for (const [range, start, end] of ranges) {
      const read = await get(ring.node(1), "large", { range });
      assert.equal(read.status, 206, range);
      assert.ok(read.bytes.equals(value.subarray(start, end)), range);
      const expected = `bytes ${start}-${end - 1}/${value.length}`;
      assert.equal(read.headers.get("content-range"), expected);
    }
    const behind = await get(ring.node(1), "large", { range: `bytes=${value.length}-` });
    assert.deepEqual([behind.status, errorCode(behind)], [416, "bad_range"]);
    assert.equal(behind.headers.get("content-range"), `bytes */${value.length}`);
    const elsewhere = { range: "bytes=0-0", "if-range": '"1-1-1"' };
    assert.equal((await get(ring.node(1), "large", elsewhere)).status, 200);
  });

  it("are not sent in a batch, which says how to get them", async () => {
    const reply = await ask(`${ring.node(0).api}/v1/batch`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ operations: [{ method: "GET", key: "large" }] }),
    });
    const { results } = json(reply) as { results: { status: number; error: { code: string } }[] };
    assert.deepEqual([results[0]?.status, results[0]?.error.code], [413, "large_value"]);
  });

  it("may come without their length, and are plain values if they are small", async () => {
    const pieces = Array.from({ length: 40 }, (_, index) => value.subarray(index * 77_777)[0] ?? 0);
    const small = Buffer.from(pieces);
    assert.equal((await stream(ring.node(0), "streamed", [small, small])).status, 201);
    const exact = value.subarray(0, MIB);
    assert.equal((await stream(ring.node(0), "streamed", [exact])).status, 200);
    assert.ok((await get(ring.node(1), "streamed")).bytes.equals(exact));
    const whole = await stream(ring.node(1), "streamed", [value.subarray(0, 3), other]);
    assert.equal(whole.status, 200);
    const read = await get(ring.node(2), "streamed");
    assert.ok(read.bytes.equals(Buffer.concat([value.subarray(0, 3), other])));
    assert.equal((await ask(keyUrl(ring.node(0), "streamed"), { method: "DELETE" })).status, 204);
  });

  it("are refused above the limit, with their length or without", async () => {
    const declared = await put(ring.node(0), "too-large", Buffer.alloc(LIMIT + 1));
    assert.deepEqual([declared.status, errorCode(declared)], [413, "too_large"]);
    const pieces = Array.from({ length: 17 }, () => Buffer.alloc(MIB, 1));
    const streamed = await stream(ring.node(0), "too-large", pieces);
    assert.equal(streamed.status, 413, streamed.body);
    assert.equal((await get(ring.node(0), "too-large")).status, 404);
  });

  it("are refused early if a condition does not hold, and nothing is changed", async () => {
    const reply = await put(ring.node(0), "large", value, { "if-none-match": "*" });
    assert.deepEqual([reply.status, errorCode(reply)], [412, "precondition_failed"]);
    const head = await ask(keyUrl(ring.node(1), "large"), { method: "HEAD" });
    assert.equal(reply.headers.get("etag"), head.headers.get("etag"));
  });

  it("happen once, however often they are repeated with their id", async () => {
    const headers = { "idempotency-key": "once", "if-none-match": "*" };
    const first = await put(ring.node(0), "once", other, headers);
    const again = await put(ring.node(1), "once", other, headers);
    assert.deepEqual([first.status, again.status], [201, 201]);
    assert.equal(again.headers.get("etag"), first.headers.get("etag"));
    assert.equal((await ask(keyUrl(ring.node(0), "once"), { method: "DELETE" })).status, 204);
  });

  it("are left as they were by who vanishes in the middle", async () => {
    const head = "PUT /v1/kv/large HTTP/1.1\r\nHost: x\r\nContent-Length: 8388608\r\n\r\n";
    await sendAndVanish(ring.node(0).apiPort, Buffer.concat([Buffer.from(head), other]));
    assert.ok((await get(ring.node(1), "large")).bytes.equals(value));
  });

  it("leave nothing behind once they are replaced, deleted, expired or never were", async () => {
    const expiring = await put(ring.node(0), "expiring", other, { "x-chord-ttl": "1" });
    assert.equal(expiring.status, 201);
    await collected(value.length);
    assert.equal((await put(ring.node(1), "large", other)).status, 200);
    await collected(other.length);
    assert.ok((await get(ring.node(2), "large")).bytes.equals(other));
    assert.ok((await total(ring.nodes, "chord_collected_chunks_total")) >= 11);
  });

  it("are not changed by an upload whose node is killed", async () => {
    const half = httpRequest(keyUrl(ring.node(2), "large"), {
      method: "PUT",
      headers: { "content-length": String(value.length) },
    });
    const ended = new Promise((resolve) => {
      half.on("error", resolve);
    });
    half.write(value.subarray(0, 6 * MIB));
    const stored = async (): Promise<boolean> =>
      (await total(ring.nodes, "chord_bytes")) > 3 * (other.length + 4 * MIB);
    await waitFor("most of the chunks to be stored", stored, { timeoutMs: 20_000 });
    await ring.node(2).end("SIGKILL");
    await ended;
    ring.node(2).start();
    await ring.converged();
    assert.ok((await get(ring.node(0), "large")).bytes.equals(other));
    await ring.placed();
    await collected(other.length);
  });

  it("pass through the client", async () => {
    const client = new ChordRing({ urls: ring.nodes.map(({ api }) => api) });
    const { version } = await client.put("through", value, { contentType: "image/png" });
    const read = await client.get("through");
    assert.ok(read !== null && Buffer.from(read.bytes).equals(value));
    assert.deepEqual([read.version, read.contentType], [version, "image/png"]);
    assert.equal((await client.compareAndSet("through", version, "small")).done, true);
    assert.equal(await client.delete("through"), true);
  });

  it("outlive a restart of all nodes", async () => {
    await put(ring.node(0), "kept", value);
    await Promise.all(ring.nodes.map((node) => node.end("SIGKILL")));
    for (const node of ring.nodes) node.start();
    await ring.converged();
    await ring.placed();
    assert.ok((await get(ring.node(1), "kept")).bytes.equals(value));
    assert.ok((await get(ring.node(0), "large")).bytes.equals(other));
    await collected(value.length + other.length);
  });

  it("cannot be named by their chunks' keys", async () => {
    const key = "\u0000chordring-chunk\u0000mine";
    const replies = [
      await put(ring.node(0), key, "1"),
      await get(ring.node(0), key),
      await ask(keyUrl(ring.node(0), key), { method: "DELETE" }),
    ];
    for (const reply of replies) {
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_key"]);
    }
    assert.equal((await put(ring.node(0), "\u0000chordring-chunk", "1")).status, 201);
  });
});
