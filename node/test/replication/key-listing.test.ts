/**
 * Goal: the pages of a partition's keys show each key with the prefix once, and end. Method: random
 * records and page sizes over a store in memory, against a filter over all keys.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type KeyQuery, lookAt } from "../../src/replication/key-listing.ts";
import { compareKeys, type Held } from "../../src/replication/record.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const held: Held = {
  stamp: { epoch: 1, ballot: 3, count: 1 },
  state: { version: "1-3-1", content: null, answered: [] },
};
const key = fc.string({
  unit: fc.constantFrom("a", "b", "\uffff", "🙂"),
  minLength: 1,
  maxLength: 4,
});

describe("pages of a partition's keys", () => {
  it("show each key with the prefix once, in the order of the disk", () => {
    const keys = fc.uniqueArray(key, { maxLength: 30 });
    const prefix = fc.oneof(fc.constant(""), key);
    const limit = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(keys, prefix, limit, (all, start, size) => {
        const store = new ReplicaMemory();
        for (const one of all) store.keep(one, held);
        const found: string[] = [];
        let query: KeyQuery | null = { prefix: start, after: null, limit: size };
        while (query !== null) {
          const page = lookAt(store, query);
          found.push(...page.keys);
          query = page.after === null ? null : { ...query, after: page.after };
        }
        const expected = all.filter((one) => one.startsWith(start)).toSorted(compareKeys);
        assert.deepEqual(found, expected);
      }),
    );
  });

  it("look at no more than they were asked to", () => {
    const store = new ReplicaMemory();
    for (let index = 0; index < 100; index += 1) store.keep(`key-${index}`, held);
    const page = lookAt(store, { prefix: "key", after: null, limit: 7 });
    assert.equal(page.keys.length, 7);
    assert.equal(page.after, page.keys.at(-1));
  });
});
