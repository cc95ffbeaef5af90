/**
 * Goal: the pages of a partition's keys show each key with the prefix once, and end; of the ring's
 * own keys none, unless it is asked for them. Method: random records and page sizes over a store in
 * memory, against a filter over all keys.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type KeyQuery, lookAt } from "../../src/replication/key-listing.ts";
import { compareKeys, type Held } from "../../src/replication/record.ts";
import { isReserved, RESERVED_PREFIX } from "../../src/replication/reserved-keys.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const held: Held = {
  stamp: { epoch: 1, ballot: 3, count: 1 },
  state: { version: "1-3-1", content: null, answered: [] },
};
const text = (units: readonly string[]): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength: 4 });
const key = fc.oneof(
  { weight: 4, arbitrary: text(["a", "b", "\uffff", "🙂"]) },
  { weight: 2, arbitrary: text(["0", "9", "a", "f"]).map((rest) => RESERVED_PREFIX + rest) },
  // Clients' keys right before and behind those.
  fc.constantFrom("\u0000", RESERVED_PREFIX.slice(0, -1), `${RESERVED_PREFIX.slice(0, -1)}\u0001`),
);

describe("pages of a partition's keys", () => {
  it("show each key with the prefix once, in the order of the disk", () => {
    const keys = fc.uniqueArray(key, { maxLength: 30 });
    const prefix = fc.oneof(fc.constantFrom("", "\u0000", RESERVED_PREFIX), key);
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
        const expected = all
          .filter((one) => one.startsWith(start) && (isReserved(start) || !isReserved(one)))
          .toSorted(compareKeys);
        assert.deepEqual(found, expected);
      }),
    );
  });

  it("pass over a crowd of the ring's own keys in one step", () => {
    const store = new ReplicaMemory();
    for (let index = 0; index < 100; index += 1) store.keep(`${RESERVED_PREFIX}${index}`, held);
    store.keep("a", held);
    assert.deepEqual(lookAt(store, { prefix: "", after: null, limit: 1 }), {
      keys: ["a"],
      after: "a",
    });
  });

  it("look at no more than they were asked to", () => {
    const store = new ReplicaMemory();
    for (let index = 0; index < 100; index += 1) store.keep(`key-${index}`, held);
    const page = lookAt(store, { prefix: "key", after: null, limit: 7 });
    assert.equal(page.keys.length, 7);
    assert.equal(page.after, page.keys.at(-1));
  });
});
