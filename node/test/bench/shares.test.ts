/**
 * Goal: all connections are given to somebody, in proportion. Method: examples, and random weights.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { shares } from "../../bench/shares.ts";

describe("connections are divided in proportion", () => {
  it("evenly, the first ones taking what is left", () => {
    assert.deepEqual(shares(64, [1, 1, 1]), [22, 21, 21]);
  });

  it("by weight, none for nothing", () => {
    assert.deepEqual(shares(10, [3, 0, 1]), [8, 0, 2]);
    assert.deepEqual(shares(10, [0, 0]), [0, 0]);
  });

  it("adds up, and is off by less than one, whatever the weights", () => {
    const weights = fc.array(fc.nat(10_000), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.nat(200), weights, (total, given) => {
        const sum = given.reduce((one, other) => one + other, 0);
        fc.pre(sum > 0);
        const divided = shares(total, given);
        assert.equal(
          divided.reduce((one, other) => one + other, 0),
          total,
        );
        for (const [index, part] of divided.entries()) {
          assert.ok(Math.abs(part - (total * (given[index] ?? 0)) / sum) < 1);
        }
      }),
    );
  });
});
