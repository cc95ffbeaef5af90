/**
 * Goal: a write with an id happens once, and another write with the same id is another write; an
 * upload whose chunks may have been removed is never committed.
 */
import assert from "node:assert/strict";
import { decide } from "../../src/replication/key-operation.ts";
import {
  type Delete,
  type Get,
  noPreconditions,
  type Put,
} from "../../src/replication/operation.ts";
import type { KeyState } from "../../src/replication/record.ts";

const key = { text: "key", id: "00" as Put["key"]["id"] };
const shared = { key, preconditions: noPreconditions, requestId: "id" };
const content = { contentType: "text/plain", bytes: new Uint8Array([1]) };
const put: Put = { ...shared, type: "put", content };
const remove: Delete = { ...shared, type: "delete" };

function decided(operation: Put | Delete, state: KeyState | null, version: string) {
  return decide(operation, state, { version, answeredMax: 8, nowMs: 0 });
}

describe("a write with an id", () => {
  it("that comes again changes nothing and has the same answer", () => {
    const first = decided(put, null, "1-1-1");
    const again = decided(put, first.next, "1-1-2");
    assert.deepEqual(again, { outcome: first.outcome, next: null });
  });

  it("is not taken for the repetition of another kind of write", () => {
    const stored = decided(put, null, "1-1-1").next;
    const deleted = decided(remove, stored, "1-1-2");
    assert.equal(deleted.outcome.type, "deleted");
    const storedAgain = decided(put, deleted.next, "1-1-3");
    // The first PUT is still remembered, and this is its repetition.
    assert.deepEqual(storedAgain.outcome, { type: "stored", version: "1-1-1", created: true });
  });
});

const upload = "0123456789abcdef".repeat(2);
const manifest = { upload, fence: 0, length: 10, chunkBytes: 4 };
const none = new Uint8Array();
const commit: Put = {
  ...put,
  requestId: null,
  content: { contentType: "text/plain", bytes: none, manifest },
};

function fenced(state: KeyState | null, past: number, asked: string | null = upload) {
  const operation = { type: "fence", key, upload: asked, past } as const;
  return decide(operation, state, { version: "9-9-9", answeredMax: 8, nowMs: 0 });
}

describe("the fence of a key", () => {
  it("is told without a write when an upload begins", () => {
    assert.deepEqual(fenced(null, -1, null), {
      outcome: { type: "fenced", fence: 0 },
      next: null,
    });
  });

  it("rises past an upload that the key does not hold, and changes nothing else of it", () => {
    const state = decided(put, null, "1-1-1").next as KeyState;
    const { outcome, next } = fenced(state, 3);
    assert.deepEqual(outcome, { type: "fenced", fence: 4 });
    assert.deepEqual(next, { ...state, fence: 4 });
    for (const past of [-1, 0, 3]) {
      const expected = { outcome: { type: "fenced", fence: 4 }, next: null };
      assert.deepEqual(fenced(next, past), expected);
    }
  });

  it("rises where there was nothing, and there is nothing still", () => {
    const { next } = fenced(null, 0);
    assert.deepEqual(next, { version: "9-9-9", content: null, answered: [], fence: 1 });
    const head: Get = { type: "get", key, preconditions: noPreconditions, head: true };
    assert.deepEqual(decide(head, next, { version: "", answeredMax: 8, nowMs: 0 }), {
      outcome: { type: "not-found" },
      next: null,
    });
    assert.deepEqual(decided(put, next, "1-1-2").outcome, {
      type: "stored",
      version: "1-1-2",
      created: true,
    });
  });

  it("does not rise past the upload that the key holds, and past any other", () => {
    const state = decided(commit, null, "1-1-1").next;
    assert.deepEqual(fenced(state, 0), { outcome: { type: "in-use" }, next: null });
    assert.deepEqual(fenced(state, -1), { outcome: { type: "in-use" }, next: null });
    const { outcome, next } = fenced(state, 0, "f".repeat(32));
    assert.deepEqual(outcome, { type: "fenced", fence: 1 });
    assert.deepEqual(next?.content, state?.content);
    // What is there stays in use, though it began at a fence that is passed.
    assert.deepEqual(fenced(next, 0), { outcome: { type: "in-use" }, next: null });
  });

  it("outlives puts, deletes and expiry", () => {
    const raised = fenced(null, 0).next;
    const stored = decided({ ...put, ttlSeconds: 1 }, raised, "1-1-2").next;
    assert.equal(stored?.fence, 1);
    assert.equal(decided(remove, stored, "1-1-3").next?.fence, 1);
    const expire = { type: "expire", key, version: "1-1-2" } as const;
    const expired = decide(expire, stored, { version: "1-1-4", answeredMax: 8, nowMs: 1_000 });
    assert.deepEqual(expired.outcome, { type: "deleted" });
    assert.equal(expired.next?.fence, 1);
  });

  it("keeps a manifest out whose upload began at another one", () => {
    const raised = fenced(null, 0).next;
    assert.deepEqual(decided(commit, raised, "1-1-2"), {
      outcome: { type: "fenced", fence: 1 },
      next: null,
    });
    const later = {
      ...commit,
      content: { ...commit.content, manifest: { ...manifest, fence: 1 } },
    };
    assert.equal(decided(later, raised, "1-1-2").outcome.type, "stored");
    assert.equal(decided(later, null, "1-1-2").outcome.type, "fenced");
  });

  it("does not refuse the repetition of what it would refuse now", () => {
    const first = decided({ ...commit, requestId: "id" }, null, "1-1-1");
    const replaced = decided({ ...put, requestId: "other" }, first.next, "1-1-2").next;
    const raised = fenced(replaced, 0).next;
    const again = decided({ ...commit, requestId: "id" }, raised, "1-1-3");
    assert.deepEqual(again, { outcome: first.outcome, next: null });
  });
});

describe("a value in chunks", () => {
  it("is read as its manifest, with the length of the whole", () => {
    const state = decided(commit, null, "1-1-1").next;
    const get: Get = { type: "get", key, preconditions: noPreconditions, head: false };
    const { outcome } = decide(get, state, { version: "", answeredMax: 8, nowMs: 0 });
    assert.deepEqual(outcome, {
      type: "value",
      version: "1-1-1",
      contentType: "text/plain",
      bytes: none,
      manifest,
      length: 10,
    });
  });
});
