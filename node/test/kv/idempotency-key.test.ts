/** Goal: an Idempotency-Key is the same with quotes and without. Method: a table of cases. */
import assert from "node:assert/strict";
import { parseRequestId } from "../../src/kv/http-form.ts";

const long = "x".repeat(128);

describe("an Idempotency-Key", () => {
  for (const [text, id] of [
    ["order-17", "order-17"],
    ['"order-17"', "order-17"],
    ['order"17"', 'order"17"'],
    [long, long],
    [`"${long}"`, long],
  ] as const) {
    it(`${text.slice(0, 20)} is ${id.slice(0, 20)}`, () => {
      assert.equal(parseRequestId(text), id);
    });
  }

  for (const text of ["", '"', '""', '"open', "two words", "é", `${long}x`, `"${long}x"`]) {
    it(`is not ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => parseRequestId(text), { code: "bad_idempotency_key" });
    });
  }
});
