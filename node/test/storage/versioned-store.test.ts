/**
 * Goal: a store on a failing disk tells the truth. Method: a memory disk that fails on command,
 * while writes that rest on each other are in flight.
 */
import assert from "node:assert/strict";
import { type MemoryDisk, MemoryEngine, memoryDisk } from "../../src/storage/memory.ts";
import { StoreError } from "../../src/storage/store.ts";
import { VersionedStore } from "../../src/storage/versioned-store.ts";
import { contentOf, keyOf } from "../conformance/store.ts";

describe("a store on a failing disk tells the truth", () => {
  let disk: MemoryDisk;
  let store: VersionedStore;

  beforeEach(() => {
    disk = memoryDisk();
    store = new VersionedStore(new MemoryEngine(disk));
  });

  it("rejects the write, keeps the old value, and counts as if nothing had been", async () => {
    await store.put(keyOf("a"), contentOf("old"));
    disk.full = true;
    await assert.rejects(store.put(keyOf("a"), contentOf("newer")), StoreError);
    await assert.rejects(store.delete(keyOf("a")), StoreError);
    assert.equal(store.writable(), false);
    assert.equal(Buffer.from(store.get(keyOf("a"))?.bytes ?? []).toString(), "old");
    assert.deepEqual(store.counts(), { keys: 1, bytes: 3 });
  });

  it("is writable again with the first write that succeeds", async () => {
    disk.full = true;
    await assert.rejects(store.put(keyOf("a"), contentOf("1")), StoreError);
    disk.full = false;
    await store.put(keyOf("a"), contentOf("2"));
    assert.equal(store.writable(), true);
    assert.deepEqual(store.counts(), { keys: 1, bytes: 1 });
  });

  it("refuses nothing because of a write that failed", async () => {
    disk.full = true;
    const first = store.put(keyOf("a"), contentOf("1"));
    const second = store.put(keyOf("a"), contentOf("2"), (present) => present === null);
    await assert.rejects(first, StoreError);
    disk.full = false;
    assert.equal((await second).outcome, "stored");
  });

  it("does not acknowledge a conditional write that rested on one that failed", async () => {
    disk.full = true;
    const first = assert.rejects(store.put(keyOf("a"), contentOf("1")), StoreError);
    const second = store.put(keyOf("a"), contentOf("2"), (present) => present !== null);
    // The first commit fails, the second lands.
    setImmediate(() => {
      disk.full = false;
    });
    await first;
    await assert.rejects(second, (error: StoreError) => error instanceof StoreError);
  });

  it("refuses a record of a later format with what to do", () => {
    disk.state = Buffer.from([9, 0, 0]);
    assert.throws(() => new VersionedStore(new MemoryEngine(disk)), /run the version of chordring/);
  });
});
