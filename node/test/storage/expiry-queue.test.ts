/**
 * Goal: the queue names exactly the keys whose time is over, whatever was set, changed and removed
 * before. Method: random changes of few keys, against a plain map.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ExpiryQueue } from "../../src/storage/expiry-queue.ts";

const key = fc.nat(12).map((number) => `key-${number}`);
const change = fc.record({ key, expiresMs: fc.option(fc.nat(20)) });

describe("a queue of values that expire", () => {
  it("names those whose time is over, and no more than it is asked for", () => {
    const changes = fc.array(change, { maxLength: 60 });
    fc.assert(
      fc.property(changes, fc.nat(20), fc.nat(5), (all, nowMs, limit) => {
        const queue = new ExpiryQueue();
        const expected = new Map<string, number>();
        for (const { key: one, expiresMs } of all) {
          queue.set(one, expiresMs);
          if (expiresMs === null) expected.delete(one);
          else expected.set(one, expiresMs);
        }
        assert.equal(queue.size, expected.size);
        const over = [...expected].flatMap(([one, expiresMs]) => (expiresMs <= nowMs ? [one] : []));
        assert.deepEqual(queue.over(nowMs, 100).toSorted(), over.toSorted());
        const some = queue.over(nowMs, limit);
        assert.equal(some.length, Math.min(limit, over.length));
        assert.ok(some.every((one) => over.includes(one)));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is empty once it was cleared", () => {
    const queue = new ExpiryQueue();
    queue.set("a", 1);
    queue.clear();
    assert.deepEqual(queue.over(2, 10), []);
    queue.set("a", 1);
    assert.deepEqual(queue.over(2, 10), ["a"]);
  });
});
