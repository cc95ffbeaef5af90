/**
 * Goal: a value goes when its time is over, in no other case, and only in the version that was
 * found. Method: decisions on states by hand; then a sweep over a store in memory, with a leader
 * that carries out, refuses, or has been overtaken by a client.
 */
import assert from "node:assert/strict";
import { ReplicationError } from "../../src/replication/errors.ts";
import { Expiry, type ExpiryParts } from "../../src/replication/expiry.ts";
import { decide } from "../../src/replication/key-operation.ts";
import {
  type Expire,
  noPreconditions,
  type Outcome,
  type Put,
} from "../../src/replication/operation.ts";
import type { KeyState } from "../../src/replication/record.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import { expiringOf, heldOf, tombstoneOf } from "../support/held-records.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const at = (nowMs: number) => ({ version: "1-2-9", answeredMax: 8, nowMs });

function put(ttlSeconds?: number): Put {
  return {
    type: "put",
    key: { id: sha1Hash().idOf("a"), text: "a" },
    preconditions: noPreconditions,
    content: { contentType: "text/plain", bytes: Buffer.from("1") },
    requestId: "once",
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
  };
}

function expire(version: string): Expire {
  return { type: "expire", key: { text: "a" }, version };
}

describe("a value with a time to live", () => {
  it("expires so many seconds after its write was decided", () => {
    assert.equal(decide(put(60), null, at(1_000)).next?.content?.expiresMs, 61_000);
    const { next } = decide(put(), expiringOf(1, 5).state, at(1_000));
    assert.ok(next?.content !== undefined && next.content !== null);
    assert.equal(
      "expiresMs" in next.content,
      false,
      "a write without one makes a value that stays",
    );
  });

  it("does not expire later because its write was repeated", () => {
    const first = decide(put(60), null, at(1_000));
    const again = decide(put(60), first.next, { ...at(9_000), version: "1-2-10" });
    assert.deepEqual(again, { outcome: first.outcome, next: null });
  });

  it("is read, with its time, until it was deleted", () => {
    const { key, preconditions } = put();
    const get = { type: "get", key, preconditions, head: false } as const;
    const { outcome } = decide(get, expiringOf(1, 1_000).state, at(5_000));
    assert.ok(outcome.type === "value");
    assert.equal(outcome.expiresMs, 1_000);
  });

  it("is deleted from its time on, and remembers who wrote it", () => {
    const { next } = decide(put(60), null, { ...at(0), version: "1-2-1" });
    const state = next as KeyState;
    const early = decide(expire("1-2-1"), state, at(59_999));
    assert.deepEqual(early, {
      outcome: { type: "precondition-failed", version: "1-2-1" },
      next: null,
    });
    const due = decide(expire("1-2-1"), state, at(60_000));
    assert.deepEqual(due, {
      outcome: { type: "deleted" },
      next: { version: "1-2-9", content: null, answered: state.answered },
    });
    const again = decide(put(60), due.next, at(70_000));
    assert.equal(again.next, null, "the write was done, though its value is gone");
  });

  it("is not deleted in place of another version, of one that stays, or of none", () => {
    for (const state of [expiringOf(2, 10).state, heldOf(1).state, tombstoneOf(1).state, null]) {
      assert.equal(decide(expire("1-2-1"), state, at(1_000)).next, null);
    }
  });
});

describe("the sweep of a partition's leader", () => {
  const store = (): ReplicaMemory => {
    const memory = new ReplicaMemory();
    for (let index = 0; index < 10; index += 1) memory.keep(`old-${index}`, expiringOf(1, 1_000));
    memory.keep("young", expiringOf(1, 3_000));
    memory.keep("staying", heldOf(1));
    return memory;
  };

  const sweep = (replica: ReplicaMemory, change: Partial<ExpiryParts> = {}) => {
    const counts = { expired: 0, underWay: 0, most: 0 };
    const execute = async ({ key, version }: Expire): Promise<Outcome> => {
      counts.underWay += 1;
      counts.most = Math.max(counts.most, counts.underWay);
      await Promise.resolve();
      counts.underWay -= 1;
      const { state } = replica.held(key.text) ?? {};
      const { next, outcome } = decide(expire(version), state ?? null, at(2_000));
      if (next !== null) replica.keep(key.text, { ...tombstoneOf(2), state: next });
      return outcome;
    };
    const expiry = new Expiry({
      replica,
      wallClock: { now: () => 2_000 },
      metrics: { expired: () => void (counts.expired += 1) },
      options: { expiringMax: 3 },
      execute,
      mayGoOn: () => true,
      unreadable: () => undefined,
      ...change,
    });
    return { expiry, counts };
  };

  it("deletes all whose time is over, a few at once, and nothing else", async () => {
    const replica = store();
    const { expiry, counts } = sweep(replica);
    await Promise.all([expiry.run(), expiry.run()]);
    assert.deepEqual(counts, { expired: 10, underWay: 0, most: 3 });
    assert.equal(replica.counts().keys, 2);
  });

  it("deletes nothing while it may not go on", async () => {
    const replica = store();
    await sweep(replica, { mayGoOn: () => false }).expiry.run();
    assert.equal(replica.counts().keys, 12);
  });

  it("stops when nothing can be done, and goes on the next time", async () => {
    const replica = store();
    let asked = 0;
    const execute = async (): Promise<Outcome> => {
      asked += 1;
      throw new ReplicationError("unavailable", "no majority");
    };
    await sweep(replica, { execute }).expiry.run();
    assert.equal(asked, 3);
    await sweep(replica).expiry.run();
    assert.equal(replica.counts().keys, 2);
  });

  it("leaves what a client wrote meanwhile", async () => {
    const replica = new ReplicaMemory();
    replica.keep("a", expiringOf(1, 1_000));
    const { expiry, counts } = sweep(replica);
    const swept = expiry.run();
    replica.keep("a", heldOf(2));
    await swept;
    assert.deepEqual(replica.held("a"), heldOf(2));
    assert.equal(counts.expired, 0);
  });
});
