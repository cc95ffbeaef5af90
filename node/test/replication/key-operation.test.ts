/** Goal: a write with an id happens once, and another write with the same id is another write. */
import assert from "node:assert/strict";
import { decide } from "../../src/replication/key-operation.ts";
import { type Delete, noPreconditions, type Put } from "../../src/replication/operation.ts";
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
