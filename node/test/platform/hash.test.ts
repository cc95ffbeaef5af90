/**
 * Goal: identifiers are SHA-1, remembered or not. Method: known digests, a cache that overflows.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { sha1Hash } from "../../src/platform/hash.ts";

describe("a text's identifier is its SHA-1", () => {
  it("for the standard's examples", () => {
    const hash = sha1Hash();
    assert.equal(hash.idOf("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert.equal(hash.idOf(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert.equal(hash.idOf("ключ"), createHash("sha1").update("ключ", "utf8").digest("hex"));
  });

  it("whatever else was asked in between", () => {
    const hash = sha1Hash(4);
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < 20; i += 1) {
        assert.equal(hash.idOf(`k${i}`), createHash("sha1").update(`k${i}`).digest("hex"));
        assert.equal(hash.idOf("often"), createHash("sha1").update("often").digest("hex"));
      }
    }
  });
});
