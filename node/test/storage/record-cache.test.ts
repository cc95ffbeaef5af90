/** Goal: the cache of records keeps what is used, within its budget. Method: one of a few bytes. */
import assert from "node:assert/strict";
import { CacheBudget, type CachedRecord } from "../../src/storage/record-cache.ts";
import { heldOf } from "../support/held-records.ts";

/** Some four records in each of two generations. */
const BYTES_MAX = 8 * 800;

function recordOf(key: string): CachedRecord {
  return { at: Buffer.from(key), held: heldOf(1, key) };
}

function keys(from: number, to: number): readonly string[] {
  return Array.from({ length: to - from }, (_, index) => `key-${from + index}`);
}

describe("a cache of records", () => {
  it("gives what was put in last", () => {
    const cache = new CacheBudget(BYTES_MAX).newCache();
    assert.equal(cache.get("a"), undefined);
    cache.set("a", recordOf("one"));
    cache.set("a", recordOf("two"));
    assert.equal(cache.get("a")?.at.toString(), "two");
    cache.delete("a");
    assert.equal(cache.get("a"), undefined);
  });

  it("forgets what was not used for long, and keeps what was", () => {
    const cache = new CacheBudget(BYTES_MAX).newCache();
    cache.set("used", recordOf("used"));
    for (const key of keys(0, 100)) {
      cache.set(key, recordOf(key));
      assert.ok(cache.get("used"));
    }
    const left = keys(0, 100).filter((key) => cache.get(key) !== undefined);
    assert.ok(left.length > 0 && left.length <= 8, left.join());
    assert.ok(
      left.every((key) => Number(key.slice(4)) >= 90),
      left.join(),
    );
  });

  it("is not filled by one record that changes again and again", () => {
    const cache = new CacheBudget(BYTES_MAX).newCache();
    cache.set("calm", recordOf("calm"));
    for (const _ of keys(0, 100)) cache.set("hot", recordOf("hot"));
    assert.ok(cache.get("calm"));
  });

  it("shares its budget with those of other partitions", () => {
    const budget = new CacheBudget(BYTES_MAX);
    const [one, other] = [budget.newCache(), budget.newCache()];
    one.set("a", recordOf("a"));
    for (const key of keys(0, 20)) other.set(key, recordOf(key));
    assert.equal(one.get("a"), undefined);
  });
});
