/**
 * Goal: five real processes form one ring, and any of them serves any key. Method: start them,
 * store through one and read through another, for every pair; compare what they say of the ring.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ask, errorCode, get, json, keyUrl, put } from "../support/clients.ts";

interface Ref {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

interface View {
  readonly self: Ref;
  readonly state: string;
  readonly predecessor: Ref | null;
  readonly successors: readonly Ref[];
  readonly keys: number;
}

interface Lookup {
  readonly id: string;
  readonly owner: Ref;
  readonly hops: number;
  readonly mode: string;
  readonly path: readonly { readonly node: Ref; readonly ms: number }[];
}

describe("five processes are one ring", function () {
  this.timeout(60_000);
  let ring: LocalRing;

  before(async () => {
    ring = await LocalRing.start({ nodes: 5, successors: 2, stabilizeIntervalMs: 300 });
    await ring.converged();
    await ring.setRoster(ring.nodes);
    await ring.placed();
  });

  after(() => ring.stop());

  it("in the order of their identifiers, which are the hashes of their names", async () => {
    const reply = json(await ask(`${ring.node(2).api}/v1/ring/nodes`));
    assert.equal(reply["ideal"], true);
    const nodes = reply["nodes"] as readonly View[];
    const sorted = nodes.toSorted((a, b) => (a.self.id < b.self.id ? -1 : 1));
    for (const [index, view] of sorted.entries()) {
      const { self, predecessor, successors, state } = view;
      assert.equal(self.id, createHash("sha1").update(self.name).digest("hex"));
      assert.equal(state, "member");
      const names = [1, 2].map((step) => sorted[(index + step) % 5]?.self.name);
      assert.deepEqual(
        successors.map(({ name }) => name),
        names,
      );
      assert.equal(predecessor?.name, sorted[(index + 4) % 5]?.self.name);
    }
  });

  it("that gives through each node what was stored through another", async () => {
    for (const [from, writer] of ring.nodes.entries()) {
      for (const [to, reader] of ring.nodes.entries()) {
        const key = `pair ${from}/${to} ключ`;
        const bytes = Buffer.from([0, from, 255, to, 10]);
        const stored = await put(writer, key, bytes, { "content-type": "x/y; a=b" });
        assert.equal(stored.status, 201);
        const read = await get(reader, key);
        assert.equal(read.status, 200);
        assert.deepEqual(read.bytes, bytes);
        assert.equal(read.headers.get("content-type"), "x/y; a=b");
        assert.equal(read.headers.get("etag"), stored.headers.get("etag"));
        assert.equal(read.headers.get("x-chord-owner"), stored.headers.get("x-chord-owner"));
        assert.match(read.headers.get("x-chord-hops") ?? "", /^\d+$/);
      }
    }
  });

  it("in which every key lies with the successor of its identifier", async () => {
    const reply = json(await ask(`${ring.node(0).api}/v1/ring/nodes`));
    const nodes = (reply["nodes"] as readonly View[]).map(({ self }) => self);
    const sorted = nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (let index = 0; index < 20; index += 1) {
      const key = `key-${index}`;
      const id = createHash("sha1").update(key).digest("hex");
      const owner = sorted.find((node) => node.id >= id) ?? sorted[0];
      for (const node of ring.nodes) {
        for (const mode of ["finger", "walk"]) {
          const found = json(await ask(`${node.api}/v1/lookup/${key}?mode=${mode}`));
          const {
            owner: foundOwner,
            id: foundId,
            hops,
            path,
            mode: foundMode,
          } = found as unknown as Lookup;
          assert.deepEqual(foundOwner, owner);
          assert.deepEqual([foundId, foundMode], [id, mode]);
          assert.equal(path.length, hops + 1);
          assert.equal(path[0]?.node.name, node.name);
        }
      }
    }
  });

  it("that stores a value of exactly the limit through a node that does not own it", async () => {
    const bytes = Buffer.alloc(1_048_576, 1);
    for (let index = 0; ; index += 1) {
      const stored = await put(ring.node(0), `large-${index}`, bytes);
      assert.equal(stored.status, 201);
      if (stored.headers.get("x-chord-owner") === ring.node(0).name) continue;
      const read = await get(ring.node(0), `large-${index}`);
      assert.equal(Buffer.compare(read.bytes, bytes), 0);
      const head = await ask(keyUrl(ring.node(0), `large-${index}`), { method: "HEAD" });
      assert.equal(head.headers.get("content-length"), "1048576");
      assert.equal(head.bytes.length, 0);
      break;
    }
  });

  it("where compare-and-set has one winner, whichever nodes the rivals ask", async () => {
    const replies = await Promise.all(
      Array.from({ length: 25 }, (_, index) =>
        put(ring.node(index % 5), "contested", String(index), { "if-none-match": "*" }),
      ),
    );
    const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [201, ...Array.from({ length: 24 }, () => 412)]);
    const loser = replies.find(({ status }) => status === 412);
    assert.equal(loser && errorCode(loser), "precondition_failed");
  });

  it("where every increment of a counter by compare-and-set counts", async () => {
    await put(ring.node(0), "counter", "0");
    const increment = async (index: number): Promise<void> => {
      for (let attempt = 0; attempt < 500; attempt += 1) {
        const node = ring.node((index + attempt) % 5);
        const before = await get(node, "counter");
        const next = String(Number(before.bytes.toString()) + 1);
        const tag = before.headers.get("etag") ?? "";
        const { status } = await put(node, "counter", next, { "if-match": tag });
        if (status === 200) return;
        assert.equal(status, 412);
      }
      assert.fail("an increment never got through");
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => increment(index)));
    assert.equal((await get(ring.node(3), "counter")).bytes.toString(), "10");
  });

  it("where a deleted key is gone for all, and its old version stays old", async () => {
    const first = await put(ring.node(1), "gone", "1");
    const tag = first.headers.get("etag") ?? "";
    const remove = (headers: Record<string, string>): ReturnType<typeof ask> =>
      ask(keyUrl(ring.node(2), "gone"), { method: "DELETE", headers });
    assert.equal((await remove({ "if-match": '"other"' })).status, 412);
    assert.equal((await remove({ "if-match": tag })).status, 204);
    assert.equal((await remove({})).status, 404);
    for (const node of ring.nodes) assert.equal((await get(node, "gone")).status, 404);
    const again = await put(ring.node(3), "gone", "1");
    assert.notEqual(again.headers.get("etag"), tag);
    assert.equal((await put(ring.node(4), "gone", "2", { "if-match": tag })).status, 412);
  });

  it("where a value that has not changed is not sent again", async () => {
    const stored = await put(ring.node(0), "cached", "1");
    const tag = stored.headers.get("etag") ?? "";
    for (const node of ring.nodes) {
      const read = await get(node, "cached", { "if-none-match": tag });
      assert.deepEqual([read.status, read.bytes.length], [304, 0]);
    }
  });

  it("where one copy can be read without the others, and is labelled", async () => {
    await put(ring.node(0), "stale", "1");
    for (const node of ring.nodes) {
      const read = async (): Promise<boolean> => {
        const reply = await ask(`${keyUrl(node, "stale")}?consistency=one`);
        assert.equal(reply.headers.get("x-chord-consistency"), "one");
        return reply.status === 200 && reply.bytes.toString() === "1";
      };
      await waitFor(`the copy that ${node.name} reads`, read, { timeoutMs: 10_000 });
    }
    const write = await ask(`${keyUrl(ring.node(0), "stale")}?consistency=one`, { method: "PUT" });
    assert.equal(write.status, 400);
  });

  it("that lists its keys through any node, a page at a time, without those deleted", async () => {
    const stored = Array.from({ length: 120 }, (_, index) => `list/${index}/ключ`);
    const writes = stored.map((key, index) => put(ring.node(index % 5), key, "x".repeat(index)));
    for (const { status } of await Promise.all(writes)) assert.equal(status, 201);
    const gone = stored.splice(50, 10);
    for (const key of gone) await ask(keyUrl(ring.node(0), key), { method: "DELETE" });
    for (const node of ring.nodes) {
      const found: { readonly key: string; readonly bytes: number }[] = [];
      let cursor: string | null = "";
      for (let page = 0; cursor !== null; page += 1) {
        assert.ok(page < 10, "the listing does not end");
        const next = cursor === "" ? "" : `&cursor=${cursor}`;
        const reply = await ask(
          `${node.api}/v1/kv?prefix=${encodeURIComponent("list/")}&limit=25${next}`,
        );
        assert.equal(reply.status, 200, reply.bytes.toString());
        const body = json(reply);
        found.push(...(body["keys"] as typeof found));
        cursor = body["cursor"] as string | null;
      }
      const keys = found.map(({ key }) => key);
      assert.deepEqual(keys.toSorted(), stored.toSorted());
      for (const { key, bytes } of found) assert.equal(bytes, Number(key.split("/")[1]), key);
    }
  });

  it("that does many operations in one request, in order for each key", async () => {
    const send = async (
      index: number,
      operations: readonly object[],
    ): Promise<readonly object[]> => {
      const reply = await ask(`${ring.node(index).api}/v1/batch`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ operations }),
      });
      assert.equal(reply.status, 200, reply.bytes.toString());
      return json(reply)["results"] as readonly object[];
    };
    const statuses = (results: readonly object[]): unknown[] =>
      results.map((result) => ("status" in result ? result.status : undefined));
    const keys = Array.from({ length: 200 }, (_, index) => `batch-${index}`);
    const puts = keys.map((key) => ({ method: "PUT", key, text: `of ${key}` }));
    assert.deepEqual(
      statuses(await send(0, puts)),
      keys.map(() => 201),
    );
    const read = await send(
      1,
      keys.map((key) => ({ method: "GET", key })),
    );
    assert.deepEqual(
      read.map((result) => ("text" in result ? result.text : undefined)),
      keys.map((key) => `of ${key}`),
    );
    const mixed = await send(2, [
      { method: "PUT", key: "batch-0", text: "2" },
      { method: "GET", key: "batch-0" },
      { method: "PUT", key: "batch-0", text: "3", ifNoneMatch: "*" },
      { method: "DELETE", key: "batch-0" },
      { method: "GET", key: "batch-0" },
    ]);
    assert.deepEqual(statuses(mixed), [200, 200, 412, 204, 404]);
    const type = await ask(`${ring.node(0).api}/v1/batch`, { method: "POST", body: "{}" });
    assert.deepEqual([type.status, errorCode(type)], [415, "unsupported_type"]);
  });

  it("that says what is wrong with the query of a listing", async () => {
    for (const query of [
      "limit=0",
      "limit=1001",
      "limit=x",
      "cursor=x",
      "cursor=WzMwMCxudWxsXQ",
      "pre=x",
    ]) {
      const reply = await ask(`${ring.node(0).api}/v1/kv?${query}`);
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_query"], query);
    }
  });

  it("where a write that is repeated with its id happens once", async () => {
    const headers = { "idempotency-key": "once", "if-none-match": "*" };
    const first = await put(ring.node(1), "idempotent", "1", headers);
    await put(ring.node(2), "idempotent", "2");
    const again = await put(ring.node(3), "idempotent", "1", headers);
    assert.deepEqual([first.status, again.status], [201, 201]);
    assert.equal(again.headers.get("etag"), first.headers.get("etag"));
    assert.equal((await get(ring.node(4), "idempotent")).bytes.toString(), "2");
    const other = await put(ring.node(0), "idempotent", "1", {
      ...headers,
      "idempotency-key": "x",
    });
    assert.equal(other.status, 412);
    const bad = await put(ring.node(0), "idempotent", "1", { "idempotency-key": "a b" });
    assert.deepEqual([bad.status, errorCode(bad)], [400, "bad_idempotency_key"]);
  });

  it("that counts its keys", async () => {
    const counted = await Promise.all(
      ring.nodes.map(async ({ api }) => {
        const { text, keys } = await scrape(api);
        assert.match(text, /^chord_lookup_hops_count\{mode="finger"\} [1-9]/m);
        return keys;
      }),
    );
    const total = counted.reduce((sum, keys) => sum + keys, 0);
    await put(ring.node(0), "one more", "1");
    // The third copy may come after the answer.
    await waitFor(
      "three more copies",
      async () => {
        const scraped = await Promise.all(ring.nodes.map(({ api }) => scrape(api)));
        return scraped.reduce((sum, { keys }) => sum + keys, 0) === total + 3;
      },
      { timeoutMs: 10_000 },
    );
  });

  it("that closes without a node that leaves, and opens for it again", async () => {
    const leaver = ring.node(4);
    const admin = (path: string): ReturnType<typeof ask> =>
      ask(`${leaver.peer}/admin/${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${ring.token}` },
      });
    const early = await admin("leave");
    assert.deepEqual([early.status, errorCode(early)], [409, "holds_data"]);
    await ring.setRoster(ring.nodes.slice(0, 4));
    await ring.placed();
    const left = async (): Promise<boolean> => (await admin("leave")).status === 200;
    await waitFor("the leaver to hold nothing", left, { timeoutMs: 10_000 });
    assert.equal(json(await admin("leave"))["state"], "left");
    await ring.converged(4);
    assert.equal((await ask(`${leaver.api}/readyz`)).status, 503);
    assert.equal((await ask(`${leaver.api}/healthz`)).status, 200);
    await admin("rejoin");
    await ring.setRoster(ring.nodes);
    await ring.converged();
    await ring.placed();
    assert.equal((await get(leaver, "counter")).bytes.toString(), "10");
  });
});

async function scrape(api: string): Promise<{ text: string; keys: number }> {
  const text = (await ask(`${api}/metrics`)).bytes.toString();
  return { text, keys: Number(/^chord_keys (\d+)$/m.exec(text)?.[1]) };
}
