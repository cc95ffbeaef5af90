/**
 * Goal: a listing shows every key once, whatever the pages, and goes on where it stopped. Method:
 * random keys in partitions that give out random pages, walked to the end.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type KeySource, type Place, walkKeys } from "../../src/kv/key-walk.ts";
import {
  compareKeys,
  type KeyPage,
  type KeyQuery,
  type ListedKey,
} from "../../src/replication/index.ts";

/** Sorted keys of each partition; whoever asks for `limit` gets `pageMax` at most. */
function sourceOf(partitions: readonly (readonly string[])[], pageMax: number): KeySource {
  const page = async (partition: number, query: KeyQuery): Promise<KeyPage> => {
    const { prefix, after, limit } = query;
    const matching = (partitions[partition] ?? []).filter(
      (key) => key.startsWith(prefix) && (after === null || compareKeys(key, after) > 0),
    );
    const shown = matching.slice(0, Math.min(limit, pageMax));
    const last = shown.length === matching.length ? null : (shown.at(-1) ?? null);
    return { keys: shown.map((key) => ({ key, bytes: key.length })), after: last };
  };
  return { partitions: partitions.length, page };
}

async function walkAll(
  source: KeySource,
  prefix: string,
  limit: number,
): Promise<readonly (readonly ListedKey[])[]> {
  const pages: (readonly ListedKey[])[] = [];
  let from: Place | null = { partition: 0, after: null };
  while (from !== null) {
    const { keys, next }: Awaited<ReturnType<typeof walkKeys>> = await walkKeys(source, {
      prefix,
      limit,
      from,
    });
    assert.ok(keys.length <= limit, "a page has more than was asked for");
    assert.ok(next === null || keys.length === limit, "a page ends early");
    pages.push(keys);
    from = next;
  }
  return pages;
}

const key = fc.string({
  unit: fc.constantFrom("a", "b", "/", "é", "🙂"),
  minLength: 1,
  maxLength: 4,
});
const partitions = fc
  .array(fc.uniqueArray(key, { maxLength: 12 }), { minLength: 1, maxLength: 70 })
  .map((all) => all.map((keys) => keys.toSorted(compareKeys)));

describe("a listing over all partitions", () => {
  it("shows every key with the prefix once, in the order of the partitions", async () => {
    const prefix = fc.oneof(fc.constant(""), key);
    const size = fc.integer({ min: 1, max: 20 });
    await fc.assert(
      fc.asyncProperty(partitions, prefix, size, size, async (all, start, limit, pageMax) => {
        const pages = await walkAll(sourceOf(all, pageMax), start, limit);
        const expected = all.flat().filter((one) => one.startsWith(start));
        assert.deepEqual(
          pages.flat().map((listed) => listed.key),
          expected,
        );
      }),
    );
  });

  it("asks no more partitions than it takes to fill a page", async () => {
    const asked: number[] = [];
    const keys = Array.from({ length: 100 }, (_, index) => `key-${String(index).padStart(3, "0")}`);
    const source = sourceOf([keys, ...Array.from({ length: 255 }, () => [])], 1_000);
    const counting: KeySource = {
      ...source,
      page: (partition, query) => {
        asked.push(partition);
        return source.page(partition, query);
      },
    };
    await walkKeys(counting, { prefix: "", limit: 10, from: { partition: 0, after: null } });
    assert.deepEqual(asked, [0]);
    const { next } = await walkKeys(counting, {
      prefix: "none",
      limit: 10,
      from: { partition: 0, after: null },
    });
    assert.equal(next, null);
    assert.equal(asked.length, 1 + 256);
  });

  it("fails as a whole if a partition cannot be asked", async () => {
    const source = sourceOf([["a"], ["b"]], 10);
    const failing: KeySource = {
      ...source,
      page: (partition, query) =>
        partition === 1 ? Promise.reject(new Error("cut off")) : source.page(partition, query),
    };
    const walk = walkKeys(failing, { prefix: "", limit: 10, from: { partition: 0, after: null } });
    await assert.rejects(walk, /cut off/);
  });
});
