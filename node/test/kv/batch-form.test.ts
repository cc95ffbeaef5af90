/**
 * Goal: a batch is understood whole, or refused before anything is done with the place and what to
 * change; every byte comes back as it was sent.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpError } from "../../src/http/errors.ts";
import { parseBatch, resultOf } from "../../src/kv/batch-form.ts";
import type { Operation } from "../../src/replication/index.ts";
import { sha1Hash } from "../../src/platform/hash.ts";

const parts = { hash: sha1Hash(), valueBytesMax: 1_000 };

function parse(operations: readonly unknown[]): readonly Operation[] {
  return parseBatch(Buffer.from(JSON.stringify({ operations })), parts);
}

describe("a batch of operations", () => {
  it("has the operations that requests of their own would be", () => {
    const [get, remove, put] = parse([
      { method: "GET", key: "a", ifNoneMatch: '"1-2-3"' },
      { method: "DELETE", key: "b", ifMatch: "*", idempotencyKey: "once" },
      { method: "PUT", key: "c", text: "ключ" },
    ]);
    const keyOf = (text: string): object => ({ text, id: parts.hash.idOf(text) });
    const preconditions = { ifNoneMatch: ["1-2-3"] };
    assert.deepEqual(get, { type: "get", key: keyOf("a"), preconditions, head: false });
    assert.deepEqual(remove, {
      type: "delete",
      key: keyOf("b"),
      preconditions: { ifMatch: "*" },
      requestId: "once",
    });
    assert.deepEqual(put, {
      type: "put",
      key: keyOf("c"),
      preconditions: {},
      requestId: null,
      content: { contentType: "text/plain; charset=utf-8", bytes: Buffer.from("ключ") },
    });
  });

  it("has times to live, and says when values expire", () => {
    const [put] = parse([{ method: "PUT", key: "a", text: "1", ttl: 60 }]);
    assert.ok(put?.type === "put");
    assert.equal(put.ttlSeconds, 60);
    const value = { type: "value", version: "1-2-3", contentType: "x/y", length: 1 } as const;
    const result = resultOf({ ...value, bytes: Buffer.from("1"), expiresMs: 0 });
    assert.equal(result.expires, "1970-01-01T00:00:00.000Z");
  });

  it("gives back every byte that was sent, as text or as base64", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc.string().map((one) => Buffer.from(one)),
    );
    fc.assert(
      fc.property(bytes, (sent) => {
        const base64 = Buffer.from(sent).toString("base64");
        const [operation] = parse([{ method: "PUT", key: "k", base64 }]);
        assert.ok(operation?.type === "put");
        assert.deepEqual(Buffer.from(operation.content.bytes), Buffer.from(sent));
        const result = resultOf({
          type: "value",
          version: "1-2-3",
          contentType: "x/y",
          bytes: sent,
          length: sent.length,
        });
        const back =
          result.text === undefined
            ? Buffer.from(result.base64 ?? "", "base64")
            : Buffer.from(result.text);
        assert.deepEqual(back, Buffer.from(sent));
      }),
    );
  });

  const refused: readonly [string, unknown, number, string, RegExp][] = [
    ["no JSON", "{", 400, "bad_batch", /no JSON/],
    ["no list", "{}", 400, "bad_batch", /operations/],
    ["another method", [{ method: "POST", key: "a" }], 400, "bad_batch", /operations\[0\]/],
    ["a word too many", [{ method: "GET", key: "a", ttl: 1 }], 400, "bad_batch", /ttl/],
    ["no key", [{ method: "GET" }], 400, "bad_batch", /operations\[0\].key/],
    ["an empty key", [{ method: "GET", key: "" }], 400, "bad_key", /operations\[0\]/],
    ["half a character", [{ method: "GET", key: "\ud800" }], 400, "bad_batch", /half a character/],
    ["no time", [{ method: "PUT", key: "a", text: "", ttl: 0 }], 400, "bad_ttl", /whole seconds/],
    ["half a second", [{ method: "PUT", key: "a", text: "", ttl: 1.5 }], 400, "bad_ttl", /\[0\]/],
    ["a time as text", [{ method: "PUT", key: "a", text: "", ttl: "1" }], 400, "bad_batch", /ttl/],
    ["no value", [{ method: "PUT", key: "a" }], 400, "bad_batch", /either text or base64/],
    ["two values", [{ method: "PUT", key: "a", text: "", base64: "" }], 400, "bad_batch", /either/],
    ["no base64", [{ method: "PUT", key: "a", base64: "?" }], 400, "bad_batch", /base64/],
    ["a bad tag", [{ method: "GET", key: "a", ifMatch: "x" }], 400, "bad_precondition", /\[0\]/],
    [
      "a value too long",
      [
        { method: "GET", key: "a" },
        { method: "PUT", key: "a", text: "x".repeat(1_001) },
      ],
      413,
      "too_large",
      /operations\[1\]/,
    ],
    [
      "too many",
      Array.from({ length: 1_001 }, () => ({ method: "GET", key: "a" })),
      400,
      "bad_batch",
      /operations/,
    ],
  ];
  for (const [what, body, status, code, place] of refused) {
    it(`with ${what} is refused as ${status} ${code}`, () => {
      const text = typeof body === "string" ? body : JSON.stringify({ operations: body });
      const isRefusal = (error: unknown): boolean =>
        error instanceof HttpError &&
        error.status === status &&
        error.code === code &&
        place.test(error.message);
      assert.throws(() => parseBatch(Buffer.from(text), parts), isRefusal);
    });
  }

  it("that is no UTF-8 is refused", () => {
    assert.throws(() => parseBatch(Buffer.from([0xff]), parts), /UTF-8/);
  });
});
