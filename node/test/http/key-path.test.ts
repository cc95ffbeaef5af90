/**
 * Goal: every key of 1 to 1,024 bytes has one form in a URL and comes out of it unchanged; nothing
 * else passes. Method: random keys there and back, and each malformed form.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { HttpError } from "../../src/http/errors.ts";
import { parseKey, splitUrl } from "../../src/http/key-path.ts";

function refusal(rawKey: string): string {
  try {
    parseKey(rawKey);
  } catch (error) {
    assert.ok(error instanceof HttpError);
    assert.equal(error.status, 400);
    assert.equal(error.code, "bad_key");
    return error.message;
  }
  return assert.fail(`${rawKey} was taken for a key`);
}

describe("a key comes out of a URL as it went in", () => {
  it("for any text of 1 to 1,024 bytes", () => {
    const text = fc
      .string({ unit: "binary", minLength: 1, maxLength: 300 })
      .filter((key) => Buffer.byteLength(key) <= 1_024);
    fc.assert(
      fc.property(text, (key) => {
        assert.equal(parseKey(encodeURIComponent(key)), key);
      }),
    );
  });

  it("at the limit of 1,024 bytes and not beyond", () => {
    assert.equal(parseKey("a".repeat(1_024)).length, 1_024);
    assert.equal(parseKey("%F0%9F%94%91".repeat(256)).length, 512);
    assert.match(refusal("a".repeat(1_025)), /1025 bytes/);
    assert.match(refusal("%C3%A9".repeat(513)), /1026 bytes/);
  });

  it("also when it looks like a path or holds a NUL", () => {
    assert.equal(parseKey(".."), "..");
    assert.equal(parseKey("a%2Fb"), "a/b");
    assert.equal(parseKey("%00"), "\u0000");
    assert.equal(parseKey("a+b"), "a+b");
  });

  it("and what is malformed is refused with what to change", () => {
    assert.match(refusal(""), /empty/);
    assert.match(refusal("a/b"), /%2F/);
    assert.match(refusal("%"), /%25/);
    assert.match(refusal("%zz"), /%XX/);
    assert.match(refusal("%FF"), /UTF-8/);
    assert.match(refusal("%C0%80"), /UTF-8/);
    assert.match(refusal("%ED%A0%80"), /UTF-8/);
    assert.match(refusal("é"), /percent-encode/);
  });

  it("without the query", () => {
    assert.deepEqual(splitUrl("/v1/kv/a%3Fb?c=d", "/v1/kv/"), { rawKey: "a%3Fb", query: "c=d" });
  });
});
