/**
 * Goal: a chunk's key says all that was put into it, and is neither a client's nor too long for the
 * disks and the messages. Method: arbitrary names there and back.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { chunkKey, parseChunkKey } from "../../src/large-values/chunk-key.ts";
import { isReserved, RESERVED_PREFIX } from "../../src/replication/index.ts";
import { KEY_BYTES_MAX } from "../../src/transport/operation-form.ts";

const upload = "0123456789abcdef".repeat(2);
const name = fc.record(
  {
    upload: fc.stringMatching(/^[0-9a-f]{32}$/),
    fence: fc.maxSafeNat(),
    index: fc.maxSafeNat(),
    owner: fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
  },
  { noNullPrototype: true },
);

describe("the key of a chunk", () => {
  it("says all that was put into it", () => {
    fc.assert(
      fc.property(name, (one) => {
        const key = chunkKey(one);
        assert.deepEqual(parseChunkKey(key), one);
        assert.ok(isReserved(key));
      }),
    );
  });

  it("fits whatever the key is that it names", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const key = chunkKey({ upload, fence: most, index: most, owner: "k".repeat(1_024) });
    assert.ok(Buffer.byteLength(key) <= KEY_BYTES_MAX);
  });

  it("stands beside those of the same upload, and below all that is no chunk's", () => {
    const last = chunkKey({ upload: "f".repeat(32), fence: 9, index: 9, owner: "\u{10ffff}" });
    assert.ok(last < `${RESERVED_PREFIX}g`);
  });

  for (const rest of ["", "x", `${upload}-1-2-`, `${upload}-1-x-a`, `${upload}--2-a`, upload]) {
    it(`is not "${rest}"`, () => assert.equal(parseChunkKey(RESERVED_PREFIX + rest), null));
  }

  it("is no client's", () => assert.equal(parseChunkKey(`${upload}-1-2-a`), null));
});
