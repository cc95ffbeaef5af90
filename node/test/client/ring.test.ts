/**
 * Goal: through the client a ring's keys are what docs/consistency.md says, and changes made with
 * `update` are neither lost nor made twice, also when the node that leads is killed meanwhile.
 * Method: a ring of three real nodes; four clients count on one key while its leader is killed and
 * started again.
 */
import assert from "node:assert/strict";
import { ChordRing, ChordRingError, type ListedKey, type Value } from "../../client/index.ts";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";

const CLIENTS = 4;
const COUNTS = 24;
const KEY = "the counter";

/** What the clients count, and how far each of them came: so a change can tell itself again. */
interface Tally {
  readonly total: number;
  readonly by: Readonly<Record<string, number>>;
}

function tallyOf(value: Value | null): Tally {
  if (value === null) return { total: 0, by: {} };
  return JSON.parse(new TextDecoder().decode(value.bytes)) as Tally;
}

/** The change that makes this client's count `number`; none if it is that already. */
function counting(name: string, number: number): (value: Value | null) => string | undefined {
  return (value) => {
    const { total, by } = tallyOf(value);
    if ((by[name] ?? 0) >= number) return undefined;
    return JSON.stringify({ total: total + 1, by: { ...by, [name]: number } });
  };
}

/** Repeats the update until it is settled: that it may have happened is for the change to see. */
async function settle(client: ChordRing, name: string, number: number): Promise<void> {
  for (;;) {
    try {
      await client.update(KEY, counting(name, number));
      return;
    } catch (error) {
      if (!(error instanceof ChordRingError)) throw error;
    }
  }
}

describe("the client on a ring of three", function () {
  this.timeout(120_000);
  let ring: LocalRing;
  let client: ChordRing;
  let urls: readonly string[];

  before(async () => {
    ring = await LocalRing.start({ nodes: 3, successors: 2, stabilizeIntervalMs: 300 });
    await ring.converged();
    await ring.setRoster(ring.nodes);
    await ring.placed();
    urls = ring.nodes.map(({ api }) => api);
    client = new ChordRing({ urls });
  });

  after(() => ring.stop());

  it("lists the keys with a prefix, all pages of them", async () => {
    const keys = Array.from({ length: 25 }, (_, index) => `list/ü&${index}`);
    await Promise.all(keys.map((key) => client.put(key, key)));
    await client.put("list", "not one of them");
    for (const pageSize of [10, 25, 1_000]) {
      const listed: ListedKey[] = [];
      for await (const one of client.keys({ prefix: "list/ü&", pageSize })) listed.push(one);
      assert.deepEqual(listed.map(({ key }) => key).toSorted(), keys.toSorted());
      assert.ok(listed.every(({ key, bytes }) => bytes === Buffer.byteLength(key)));
    }
    const none = await client.keys({ prefix: "nothing/" }).next();
    assert.equal(none.done, true);
    await assert.rejects(client.keys({ pageSize: 0 }).next(), { code: "bad_query", status: 400 });
  });

  it("stores, reads and deletes any bytes under any key", async () => {
    const key = "a/b ?#%ü€.";
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const { version, created } = await client.put(key, bytes, { contentType: "image/png" });
    assert.equal(created, true);
    const read = await client.get(key);
    assert.deepEqual({ ...read }, { bytes, contentType: "image/png", version, expires: null });
    assert.equal(await client.get(key, { ifNoneMatch: version }), "unchanged");
    const one = await client.get(key, { consistency: "one" });
    assert.equal(one?.contentType, "image/png");
    const again = await client.put(key, "text");
    assert.equal(again.created, false);
    assert.equal(await client.delete(key), true);
    assert.equal(await client.delete(key), false);
    assert.equal(await client.get(key), null);
  });

  it("stores what expires, and says when", async () => {
    await client.put("expiring", "1", { ttl: 1 });
    const value = await client.get("expiring");
    assert.ok(value === null || value.expires instanceof Date);
    const gone = async (): Promise<boolean> => (await client.get("expiring")) === null;
    await waitFor("the value to expire", gone, { timeoutMs: 20_000 });
    await client.put("staying", "1", { ttl: 3_600 });
    await client.update("staying", () => "2");
    assert.equal((await client.get("staying"))?.expires, null);
    await client.update("staying", () => "3", { ttl: 3_600 });
    assert.ok((await client.get("staying"))?.expires instanceof Date);
    await assert.rejects(client.put("staying", "4", { ttl: 0.5 }), { code: "bad_ttl" });
  });

  it("compares and sets", async () => {
    const first = await client.compareAndSet("cas", null, "1");
    assert.equal(first.done, true);
    const late = await client.compareAndSet("cas", null, "2");
    assert.deepEqual(late, { done: false, version: first.version });
    const second = await client.compareAndSet("cas", first.version, "2");
    assert.equal(second.done, true);
  });

  it("makes a write with one id once", async () => {
    const first = await client.put("once", "1", { idempotencyKey: "id" });
    assert.deepEqual(await client.put("once", "2", { idempotencyKey: "id" }), first);
    assert.equal(new TextDecoder().decode((await client.get("once"))?.bytes), "1");
  });

  it("leaves a key as it is when there is nothing to change", async () => {
    const { version } = await client.put("kept", "1", { contentType: "text/x" });
    assert.equal(await client.update("kept", () => undefined), version);
    assert.equal(await client.update("none", () => undefined), null);
    await client.update("kept", (value) => `${new TextDecoder().decode(value?.bytes)}1`);
    const kept = await client.get("kept");
    assert.equal(kept?.contentType, "text/x");
    assert.equal(new TextDecoder().decode(kept.bytes), "11");
  });

  it("counts exactly while the leader of the counter is killed", async () => {
    await settle(client, "killer", 1);
    const victim = await leaderOf(urls[0] ?? "");
    let killed: Promise<unknown> | undefined;
    const count = async (_: unknown, index: number): Promise<void> => {
      const name = `client-${index}`;
      const own = new ChordRing({ urls: [...urls.slice(index % 3), ...urls.slice(0, index % 3)] });
      for (let number = 1; number <= COUNTS; number += 1) {
        await settle(own, name, number);
        if (index === 0 && number === COUNTS / 3) killed = ring.nodes[victim]?.end("SIGKILL");
        if (index === 0 && number === (2 * COUNTS) / 3) ring.nodes[victim]?.start();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, count));
    await killed;
    const { total, by } = tallyOf(await client.get(KEY));
    assert.equal(total, CLIENTS * COUNTS + 1);
    const own = Array.from({ length: CLIENTS }, (_, index) => by[`client-${index}`]);
    assert.deepEqual(own, Array<number>(CLIENTS).fill(COUNTS));
  });

  /** The index of the node that answers for the counter. */
  async function leaderOf(url: string): Promise<number> {
    const response = await fetch(`${url}/v1/kv/${encodeURIComponent(KEY)}`);
    await response.arrayBuffer();
    const owner = response.headers.get("x-chord-owner");
    return ring.nodes.findIndex(({ name }) => name === owner);
  }
});
