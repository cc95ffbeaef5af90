/**
 * Goal: an upload takes no more of its body than it may hold, tries again what the ring refuses,
 * and commits only what is stored whole. Method: a ring that answers as scripted.
 */
import assert from "node:assert/strict";
import { Scheduler } from "../../sim/scheduler.ts";
import { SeededRandom } from "../../sim/random.ts";
import { CHUNKS_UNDER_WAY, type LargePut, Uploads } from "../../src/large-values/index.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import {
  isReserved,
  type KeyOperation,
  noPreconditions,
  type Outcome,
  ReplicationError,
  type Routed,
} from "../../src/replication/index.ts";

const hash = sha1Hash();
const put: LargePut = {
  key: { text: "key", id: hash.idOf("key") },
  preconditions: noPreconditions,
  contentType: "text/plain",
  requestId: null,
};
const stored: Outcome = { type: "stored", version: "1-1-1", created: true };

class Ring {
  readonly scheduler = new Scheduler();
  readonly asked: KeyOperation[] = [];
  /** What comes of an operation; undefined: what usually does. */
  script: (operation: KeyOperation) => Promise<Outcome> | undefined = () => undefined;

  uploads(): Uploads {
    const random = new SeededRandom(1);
    const execute = async (operation: KeyOperation): Promise<Routed> => {
      this.asked.push(operation);
      const outcome = (await this.script(operation)) ?? usual(operation);
      return { outcome, leader: "one", hops: 0 };
    };
    return new Uploads({ execute, clock: this.scheduler, random, hash }, { chunkBytes: 2 });
  }

  get types(): readonly string[] {
    return this.asked.map(({ type, key }) => (isReserved(key.text) ? "chunk" : type));
  }
}

function usual(operation: KeyOperation): Outcome {
  if (operation.type === "fence") return { type: "fenced", fence: 3 };
  return operation.type === "get" ? { type: "not-found" } : stored;
}

async function* chunks(count: number, taken: number[] = []): AsyncGenerator<Uint8Array, void> {
  for (let index = 0; index < count; index += 1) {
    taken.push(index);
    yield new Uint8Array(index === count - 1 ? 1 : 2);
  }
}

describe("an upload", () => {
  it("stores its chunks and commits them at the fence that it began at", async () => {
    const ring = new Ring();
    const { outcome } = await ring.uploads().store({ ...put, ttlSeconds: 9 }, chunks(3));
    assert.deepEqual(outcome, stored);
    assert.deepEqual(ring.types, ["fence", "chunk", "chunk", "chunk", "put"]);
    const commit = ring.asked.at(-1);
    assert.ok(commit?.type === "put" && commit.content.manifest !== undefined);
    const { upload, ...rest } = commit.content.manifest;
    assert.match(upload, /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, { fence: 3, length: 5, chunkBytes: 2 });
    assert.equal(commit.ttlSeconds, 9);
  });

  it("holds as many chunks as may be under way, and one more", async () => {
    const ring = new Ring();
    const taken: number[] = [];
    const waiting: (() => void)[] = [];
    ring.script = ({ key }) =>
      isReserved(key.text)
        ? new Promise((resolve) => {
            waiting.push(() => resolve(stored));
          })
        : undefined;
    const done = ring.uploads().store(put, chunks(20, taken));
    await ring.scheduler.run(60_000);
    assert.equal(waiting.length, CHUNKS_UNDER_WAY);
    assert.equal(taken.length, CHUNKS_UNDER_WAY + 1);
    ring.script = () => undefined;
    for (const resolve of waiting) resolve();
    assert.deepEqual((await done).outcome, stored);
    assert.equal(taken.length, 20);
  });

  it("tells a condition that does not hold before it takes any of the body", async () => {
    const ring = new Ring();
    const taken: number[] = [];
    const refused = { ...put, preconditions: { ifMatch: "*" as const } };
    const { outcome } = await ring.uploads().store(refused, chunks(3, taken));
    assert.deepEqual(outcome, { type: "precondition-failed", version: null });
    assert.deepEqual([ring.types, taken], [["get"], []]);
    // Only the commit can tell whether it happened before.
    await ring.uploads().store({ ...refused, requestId: "id" }, chunks(1));
    assert.equal(ring.types.at(-1), "put");
  });

  it("stores a chunk again that the ring refuses or leaves open", async () => {
    const ring = new Ring();
    let failures = 2;
    ring.script = ({ key }) => {
      if (!isReserved(key.text) || failures === 0) return undefined;
      failures -= 1;
      const code = failures === 0 ? "unknown-outcome" : "unavailable";
      return Promise.reject(new ReplicationError(code, "as scripted"));
    };
    const done = ring.uploads().store(put, chunks(1));
    await ring.scheduler.run(1_000);
    assert.deepEqual((await done).outcome, stored);
    assert.deepEqual(ring.types, ["fence", "chunk", "chunk", "chunk", "put"]);
  });

  it("commits nothing if a chunk cannot be stored, whatever became of that", async () => {
    const ring = new Ring();
    ring.script = ({ key }) =>
      isReserved(key.text)
        ? Promise.reject(new ReplicationError("unknown-outcome", "as scripted"))
        : undefined;
    const done = ring.uploads().store(put, chunks(9));
    const refused = assert.rejects(done, { code: "unavailable" });
    await ring.scheduler.run(60_000);
    await refused;
    assert.ok(!ring.types.includes("put"));
  });

  it("commits nothing if the body does not come whole", async () => {
    const ring = new Ring();
    const half = async function* (): AsyncGenerator<Uint8Array, void> {
      yield* chunks(6);
      throw new Error("the client went away");
    };
    await assert.rejects(ring.uploads().store(put, half()), /went away/);
    assert.ok(!ring.types.includes("put"));
  });
});
