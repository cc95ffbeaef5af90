/**
 * Goal: the collector removes an upload's chunks only after a whole lease in which the key did not
 * hold it, and takes no failure for an answer. Method: a ring that answers as scripted, in virtual
 * time.
 */
import assert from "node:assert/strict";
import { Scheduler } from "../../sim/scheduler.ts";
import { SeededRandom } from "../../sim/random.ts";
import { silentLog } from "../../sim/silent-ports.ts";
import { chunkKey } from "../../src/large-values/chunk-key.ts";
import { Collector } from "../../src/large-values/index.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import { type KeyOperation, type Outcome, ReplicationError } from "../../src/replication/index.ts";

const LEASE_MS = 10_000;
const upload = "0123456789abcdef".repeat(2);
const keys = [0, 1, 2].map((index) => chunkKey({ upload, fence: 4, index, owner: "large" }));

class Ring {
  readonly scheduler = new Scheduler();
  readonly collector: Collector;
  led: readonly number[] = [7];
  stored = new Set(keys);
  fence = 4;
  inUse = false;
  fails = false;
  readonly asked: KeyOperation[] = [];
  collected = 0;

  constructor() {
    const ring = {
      led: () => this.led,
      // Two keys on a page.
      listKeys: async (_: number, { after }: { readonly after: string | null }) => {
        this.#mayFail();
        const rest = [...this.stored].filter((key) => after === null || key > after);
        const listed = rest.slice(0, 2).map((key) => ({ key, bytes: 1 }));
        return { keys: listed, after: rest.length > 2 ? (listed.at(-1)?.key ?? null) : null };
      },
      execute: async (operation: KeyOperation) => this.#execute(operation),
    };
    const { scheduler: clock } = this;
    const metrics = {
      collected: (): void => {
        this.collected += 1;
      },
    };
    const ports = { clock, random: new SeededRandom(1), hash: sha1Hash(), log: silentLog };
    const parts = { ring, metrics, ...ports };
    this.collector = new Collector(parts, { leaseMs: LEASE_MS });
  }

  async sweep(afterMs: number): Promise<void> {
    await this.scheduler.run(afterMs);
    const swept = this.collector.sweep();
    await this.scheduler.run(1_000);
    await swept;
  }

  #execute(operation: KeyOperation): Outcome {
    this.#mayFail();
    this.asked.push(operation);
    if (operation.type === "delete") {
      this.stored.delete(operation.key.text);
      return { type: "deleted" };
    }
    assert.ok(operation.type === "fence" && operation.key.text === "large");
    assert.equal(operation.upload, upload);
    if (this.inUse) return { type: "in-use" };
    this.fence = Math.max(this.fence, operation.past + 1);
    return { type: "fenced", fence: this.fence };
  }

  #mayFail(): void {
    if (this.fails) throw new ReplicationError("unavailable", "as scripted");
  }
}

describe("the collector", () => {
  it("leaves what is in use, and asks without a write", async () => {
    const ring = new Ring();
    ring.inUse = true;
    for (let sweep = 0; sweep < 3; sweep += 1) await ring.sweep(LEASE_MS);
    assert.equal(ring.stored.size, 3);
    assert.ok(ring.asked.every((operation) => operation.type === "fence" && operation.past === -1));
  });

  it("removes what was unused for a lease, on all pages, once the fence is past it", async () => {
    const ring = new Ring();
    await ring.sweep(0);
    await ring.sweep(LEASE_MS / 2);
    assert.deepEqual([ring.stored.size, ring.fence], [3, 4]);
    await ring.sweep(LEASE_MS);
    assert.deepEqual([ring.stored.size, ring.fence, ring.collected], [0, 5, 3]);
    const raised = ring.asked.findIndex((one) => one.type === "fence" && one.past === 4);
    assert.ok(raised >= 0 && raised < ring.asked.findIndex(({ type }) => type === "delete"));
  });

  it("begins a lease anew when it was in use meanwhile", async () => {
    const ring = new Ring();
    await ring.sweep(0);
    ring.inUse = true;
    await ring.sweep(LEASE_MS);
    ring.inUse = false;
    await ring.sweep(LEASE_MS);
    assert.equal(ring.stored.size, 3);
    await ring.sweep(LEASE_MS);
    assert.equal(ring.stored.size, 0);
  });

  it("takes no failure for an answer, and its leases go on", async () => {
    const ring = new Ring();
    await ring.sweep(0);
    ring.fails = true;
    await ring.sweep(LEASE_MS);
    assert.equal(ring.stored.size, 3);
    ring.fails = false;
    await ring.sweep(0);
    assert.equal(ring.stored.size, 0);
  });

  it("forgets the leases of a partition that it leads no more", async () => {
    const ring = new Ring();
    await ring.sweep(0);
    ring.led = [];
    await ring.sweep(LEASE_MS);
    ring.led = [7];
    await ring.sweep(0);
    assert.equal(ring.stored.size, 3);
  });
});
