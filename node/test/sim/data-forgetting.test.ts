/**
 * Goal: what deletes leave goes away by itself on all disks, and not before every member has it, so
 * that nothing deleted returns.
 * Method: a virtual ring in which keys are deleted, and the clock goes on.
 */
import assert from "node:assert/strict";
import { noPreconditions, type Operation } from "../../src/replication/index.ts";
import { Oracles } from "../../sim/data/oracles.ts";
import { keyOf, World } from "../../sim/data/world.ts";

const names = ["demo-0", "demo-1", "demo-2"];
const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`);
const forgetAfterMs = 60_000;

class Ring {
  readonly world = new World({
    seed: 1,
    founders: names,
    options: { partitions: 1, forgetAfterMs, pageEntries: 100 },
  });
  readonly #oracles = new Oracles(this.world, 1, new Map(keys.map((key) => [key, 0])));
  #calls = 0;

  async start(): Promise<this> {
    for (const name of names) this.world.start(name);
    await this.world.scheduler.run(2_000);
    return this;
  }

  /** Through a node that is up; the outcome's type. */
  async #ask(operation: Operation, id: string): Promise<string> {
    const [node] = this.world.running.values();
    const call = this.#oracles.began(id, operation);
    let type: string | undefined;
    node?.replication.execute(operation, 2_000).then(
      ({ outcome }) => {
        this.#oracles.told(call, outcome);
        type = outcome.type;
      },
      () => (type = "failed"),
    );
    await this.world.scheduler.runUntil(() => type !== undefined, 3_000);
    return type ?? "unknown";
  }

  async put(key: string): Promise<void> {
    const id = `put-${(this.#calls += 1)}`;
    const content = { contentType: "text/plain", bytes: new TextEncoder().encode(id) };
    const preconditions = noPreconditions;
    const put = { type: "put", key: keyOf(key), preconditions, content, requestId: id } as const;
    assert.equal(await this.#ask(put, id), "stored");
  }

  async remove(key: string): Promise<void> {
    const id = `delete-${(this.#calls += 1)}`;
    const preconditions = noPreconditions;
    const remove = { type: "delete", key: keyOf(key), preconditions, requestId: id } as const;
    assert.equal(await this.#ask(remove, id), "deleted");
  }

  async get(key: string): Promise<string> {
    const preconditions = noPreconditions;
    const get = { type: "get", key: keyOf(key), preconditions, head: false } as const;
    return await this.#ask(get, `get-${(this.#calls += 1)}`);
  }

  /** Records on each disk. */
  get records(): number[] {
    return [...this.world.platters.values()].map(({ durable }) => durable.of(0).records.size);
  }

  async comesTo(records: number[], withinMs: number): Promise<void> {
    const done = (): boolean => this.records.join() === records.join();
    assert.ok(
      await this.world.scheduler.runUntil(done, withinMs),
      `records: ${this.records.join()}`,
    );
  }
}

describe("deletes of a partition", () => {
  it("are kept for their time, then leave no trace on any disk", async () => {
    const ring = await new Ring().start();
    for (const key of keys) await ring.put(key);
    for (const key of keys.slice(1)) await ring.remove(key);
    await ring.world.scheduler.run(forgetAfterMs / 2);
    assert.deepEqual(ring.records, [300, 300, 300]);
    await ring.comesTo([1, 1, 1], 3 * forgetAfterMs);
    assert.equal(await ring.get("key-0"), "value");
    assert.equal(await ring.get("key-1"), "not-found");
    await ring.put("key-1");
    assert.equal(await ring.get("key-1"), "value");
  });

  it("are kept while a member is away that has what they deleted", async () => {
    const ring = await new Ring().start();
    await ring.put("key-1");
    ring.world.crash("demo-2");
    await ring.world.scheduler.run(5_000);
    await ring.remove("key-1");
    await ring.world.scheduler.run(10 * forgetAfterMs);
    assert.deepEqual(ring.records, [1, 1, 1]);
    ring.world.start("demo-2");
    await ring.comesTo([0, 0, 0], 4 * forgetAfterMs);
    assert.equal(await ring.get("key-1"), "not-found");
  });

  it("do not come back with a member that missed that they were forgotten", async () => {
    const ring = await new Ring().start();
    await ring.put("key-1");
    await ring.remove("key-1");
    const late = ring.world.running.get("demo-2");
    assert.ok(late !== undefined);
    const handle = late.handle.bind(late);
    const { promise: never }: PromiseWithResolvers<never> = Promise.withResolvers();
    late.handle = (from, request) => (request.type === "forget" ? never : handle(from, request));
    await ring.comesTo([1, 0, 1], 4 * forgetAfterMs);
    for (const name of names) ring.world.crash(name);
    for (const name of names) ring.world.start(name);
    await ring.world.scheduler.run(5_000);
    assert.equal(await ring.get("key-1"), "not-found");
    await ring.comesTo([0, 0, 0], 4 * forgetAfterMs);
    assert.equal(await ring.get("key-1"), "not-found");
  });
});
