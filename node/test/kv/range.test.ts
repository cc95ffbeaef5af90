/** Goal: a range means what RFC 9110 says, and one that is not understood means the whole value. */
import assert from "node:assert/strict";
import type { HttpError } from "../../src/http/errors.ts";
import { rangeOf } from "../../src/kv/range.ts";

const value = { version: "1-2-3", length: 10 };

describe("the range of a request", () => {
  const parts: readonly [string, number, number][] = [
    ["bytes=0-0", 0, 0],
    ["bytes=2-5", 2, 5],
    ["bytes=2-", 2, 9],
    ["bytes=2-99", 2, 9],
    ["bytes=9-9", 9, 9],
    ["bytes=-3", 7, 9],
    ["bytes=-99", 0, 9],
  ];
  for (const [range, first, last] of parts) {
    it(range, () => assert.deepEqual(rangeOf({ range }, value), { first, last }));
  }

  for (const range of ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "x"]) {
    it(`"${range}" is the whole value`, () => assert.equal(rangeOf({ range }, value), null));
  }

  for (const range of ["bytes=10-", "bytes=10-11", "bytes=-0"]) {
    it(`${range} is behind the end`, () => {
      assert.throws(
        () => rangeOf({ range }, value),
        ({ status, headers }: HttpError) =>
          status === 416 && headers["Content-Range"] === "bytes */10",
      );
    });
  }

  it("counts for the version that it is of", () => {
    const range = "bytes=0-0";
    assert.deepEqual(rangeOf({ range, "if-range": '"1-2-3"' }, value), { first: 0, last: 0 });
    for (const other of ['"1-2-4"', 'W/"1-2-3"', "Thu, 01 Jan 2026 00:00:00 GMT"]) {
      assert.equal(rangeOf({ range, "if-range": other }, value), null);
    }
    assert.equal(rangeOf({}, value), null);
  });
});
