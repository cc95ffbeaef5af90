/**
 * Goal: no write is acknowledged, and no value shown, before it is on the disk. A crash test cannot
 * show that, as what the kernel has cached survives the process. Method: strace makes every
 * fdatasync take longer; the answer must take as long.
 */
import assert from "node:assert/strict";
import { ensureDebianPrograms } from "../../../hack/cluster/debian-packages.ts";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { ask, errorCode, get, keyUrl, put } from "../support/clients.ts";

const DELAY_MS = 300;

/** `-D`: the node stays this process's child, so it gets the signals and gives the exit code. */
function slowSync(delayMs: number): string[] {
  const inject = `inject=fdatasync:delay_enter=${delayMs * 1_000}`;
  return ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", inject];
}

async function start(delayMs: number): Promise<LocalRing> {
  const wrapper = slowSync(delayMs);
  const ring = await LocalRing.start({ nodes: 1, stabilizeIntervalMs: 200, wrapper });
  await ring.converged();
  await ring.placed();
  return ring;
}

describe("a write is on the disk before anybody hears of it", function () {
  this.timeout(90_000);
  let ring: LocalRing;

  before(() => ensureDebianPrograms(["strace"]));

  afterEach(() => ring.stop());

  const timed = async (work: () => Promise<number>): Promise<{ status: number; ms: number }> => {
    const startedMs = performance.now();
    const status = await work();
    return { status, ms: performance.now() - startedMs };
  };

  it(`put and delete take the ${DELAY_MS} ms of the disk, a read does not`, async () => {
    ring = await start(DELAY_MS);
    const node = ring.node(0);
    const stored = await timed(async () => (await put(node, "a", "1")).status);
    assert.equal(stored.status, 201);
    assert.ok(stored.ms >= DELAY_MS, `acknowledged after ${stored.ms} ms`);
    const read = await timed(async () => (await get(node, "a")).status);
    assert.equal(read.status, 200);
    assert.ok(read.ms < DELAY_MS, `read after ${read.ms} ms`);
    const deleted = await timed(
      async () => (await ask(keyUrl(node, "a"), { method: "DELETE" })).status,
    );
    assert.equal(deleted.status, 204);
    assert.ok(deleted.ms >= DELAY_MS, `deleted after ${deleted.ms} ms`);
  });

  it("a value is not shown before it is durable", async () => {
    ring = await start(DELAY_MS);
    const node = ring.node(0);
    const startedMs = performance.now();
    const write = put(node, "b", "1");
    let seenMs = 0;
    while (seenMs === 0) {
      if ((await get(node, "b")).status === 200) seenMs = performance.now() - startedMs;
    }
    assert.ok(seenMs >= DELAY_MS, `seen after ${seenMs} ms`);
    assert.equal((await write).status, 201);
  });

  it("many writes at once share the disk's time", async () => {
    ring = await start(DELAY_MS);
    const node = ring.node(0);
    const many = await timed(async () => {
      const writes = Array.from({ length: 40 }, (_, index) => put(node, `k${index}`, "1"));
      const replies = await Promise.all(writes);
      return replies.filter(({ status }) => status === 201).length;
    });
    assert.equal(many.status, 40);
    assert.ok(many.ms < 10 * DELAY_MS, `40 writes took ${many.ms} ms`);
  });

  it("504 when the disk does not confirm in time: the outcome is unknown", async () => {
    ring = await start(2_600);
    const reply = await put(ring.node(0), "c", "1");
    assert.deepEqual([reply.status, errorCode(reply)], [504, "outcome_unknown"]);
  });
});
