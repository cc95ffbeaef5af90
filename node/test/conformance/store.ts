/**
 * What every store keeps, whatever is below it. Goal: compare-and-set is serial per key, versions
 * never repeat, counts are exact, and all of it survives a restart. Method: the same tests over
 * each engine, with a `reopen` that is a restart.
 */
import assert from "node:assert/strict";
import { sha1Hash } from "../../src/platform/hash.ts";
import type { Content, Precondition, PutResult, Store, StoreKey } from "../../src/storage/store.ts";

export interface StoreFixture {
  readonly name: string;
  /** A store; called again after `close` it is the same store after a restart. */
  readonly open: () => Promise<Store>;
  /** Removes what the store left behind. */
  readonly clean: () => Promise<void>;
}

const hash = sha1Hash();

export function keyOf(text: string): StoreKey {
  return { text, id: hash.idOf(text) };
}

export function contentOf(text: string, contentType = "text/plain"): Content {
  return { contentType, bytes: Buffer.from(text) };
}

const ifAbsent: Precondition = (present) => present === null;

function versionOf(result: PutResult): string {
  assert.equal(result.outcome, "stored");
  return result.outcome === "stored" ? result.version : "";
}

export function storeSuite(fixture: StoreFixture): void {
  describe(`a ${fixture.name} store keeps what it acknowledged`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await fixture.open();
    });

    afterEach(async () => {
      await store.close();
      await fixture.clean();
    });

    const restart = async (): Promise<void> => {
      await store.close();
      store = await fixture.open();
    };

    it("gives back the bytes, the content type and the version of a put", async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 0]);
      const version = versionOf(
        await store.put(keyOf("a"), { contentType: "image/png; q=1", bytes }),
      );
      const value = store.get(keyOf("a"));
      assert.deepEqual(Buffer.from(value?.bytes ?? []), bytes);
      assert.equal(value?.contentType, "image/png; q=1");
      assert.equal(value?.version, version);
    });

    it("stores an empty value and the longest key", async () => {
      const key = keyOf("\u{1F511}".repeat(256));
      await store.put(key, contentOf(""));
      assert.equal(store.get(key)?.bytes.length, 0);
      assert.deepEqual(store.counts(), { keys: 1, bytes: 0 });
    });

    it("has nothing under a key that was never put or was deleted", async () => {
      assert.equal(store.get(keyOf("a")), null);
      assert.deepEqual(await store.delete(keyOf("a")), { outcome: "absent" });
      await store.put(keyOf("a"), contentOf("1"));
      assert.deepEqual(await store.delete(keyOf("a")), { outcome: "deleted" });
      assert.equal(store.get(keyOf("a")), null);
    });

    it("shows a value only once its put has resolved or is about to", async () => {
      const put = store.put(keyOf("a"), contentOf("1"));
      assert.equal(store.get(keyOf("a")), null);
      await put;
      assert.notEqual(store.get(keyOf("a")), null);
    });

    it("lets exactly one of many concurrent creators win", async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => store.put(keyOf("a"), contentOf(String(i)), ifAbsent)),
      );
      const stored = results.filter(({ outcome }) => outcome === "stored");
      assert.equal(stored.length, 1);
      const winner = store.get(keyOf("a"))?.version;
      for (const result of results) {
        if (result.outcome === "refused") assert.equal(result.present, winner);
      }
    });

    it("counts every increment of a register changed by compare-and-set", async () => {
      const key = keyOf("register");
      await store.put(key, contentOf("0"));
      const increment = async (): Promise<void> => {
        for (let attempt = 0; attempt < 1_000; attempt += 1) {
          const before = store.get(key);
          const next = Number(Buffer.from(before?.bytes ?? []).toString()) + 1;
          const same: Precondition = (present) => present === before?.version;
          const result = await store.put(key, contentOf(String(next)), same);
          if (result.outcome === "stored") return;
        }
        assert.fail("an increment never got through");
      };
      await Promise.all(Array.from({ length: 20 }, increment));
      assert.equal(Buffer.from(store.get(key)?.bytes ?? []).toString(), "20");
    });

    it("refuses with the version that is there", async () => {
      const version = versionOf(await store.put(keyOf("a"), contentOf("1")));
      const refused = { outcome: "refused", present: version };
      assert.deepEqual(await store.put(keyOf("a"), contentOf("2"), ifAbsent), refused);
      assert.deepEqual(await store.delete(keyOf("a"), ifAbsent), refused);
      const never: Precondition = () => false;
      assert.deepEqual(await store.delete(keyOf("b"), never), {
        outcome: "refused",
        present: null,
      });
    });

    it("orders a put, a delete and a put of one key as they were called", async () => {
      const results = await Promise.all([
        store.put(keyOf("a"), contentOf("1")),
        store.delete(keyOf("a")),
        store.put(keyOf("a"), contentOf("2"), ifAbsent),
      ]);
      assert.deepEqual(
        results.map(({ outcome }) => outcome),
        ["stored", "deleted", "stored"],
      );
      assert.equal(Buffer.from(store.get(keyOf("a"))?.bytes ?? []).toString(), "2");
    });

    it("never gives a version twice, also not after delete, create and restart", async () => {
      const versions = new Set<string>();
      for (let round = 0; round < 3; round += 1) {
        versions.add(versionOf(await store.put(keyOf("a"), contentOf("same"))));
        versions.add(versionOf(await store.put(keyOf("a"), contentOf("same"))));
        await store.delete(keyOf("a"));
        await restart();
      }
      assert.equal(versions.size, 6);
    });

    it("keeps values and exact counts over a restart", async () => {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => store.put(keyOf(`k${i}`), contentOf("12345"))),
      );
      await store.put(keyOf("k0"), contentOf("1"));
      await store.delete(keyOf("k1"));
      assert.deepEqual(store.counts(), { keys: 99, bytes: 98 * 5 + 1 });
      await restart();
      assert.deepEqual(store.counts(), { keys: 99, bytes: 98 * 5 + 1 });
      assert.equal(Buffer.from(store.get(keyOf("k99"))?.bytes ?? []).toString(), "12345");
    });
  });
}
