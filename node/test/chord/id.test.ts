/** Goal: the circle's order is right at its edges, where Chord implementations go wrong. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { between, betweenRightClosed, Circle, type Id, isId } from "../../src/chord/index.ts";

const circle = new Circle(6);
const id = (n: number): Id => circle.fromNumber(n);

describe("the identifier circle", () => {
  it("has every x but a between a and a", () => {
    for (let x = 0; x < 64; x++) assert.equal(between(id(5), id(x), id(5)), x !== 5);
  });

  it("agrees with arithmetic on all triples of a small circle", () => {
    fc.assert(
      fc.property(fc.nat(63), fc.nat(63), fc.nat(63), (a, x, b) => {
        const distance = (from: number, to: number): number => (to - from + 64) % 64;
        const whole = a === b ? 64 : distance(a, b);
        const expected = distance(a, x) > 0 && distance(a, x) < whole;
        assert.equal(between(id(a), id(x), id(b)), expected);
      }),
      { numRuns: 5000 },
    );
  });

  it("gives a key equal to a node's id to that node, and all keys to a node alone", () => {
    assert.equal(betweenRightClosed(id(8), id(14), id(14)), true);
    assert.equal(betweenRightClosed(id(14), id(14), id(21)), false);
    for (let x = 0; x < 64; x++) assert.equal(betweenRightClosed(id(9), id(x), id(9)), true);
  });

  it("wraps behind the largest identifier", () => {
    assert.equal(betweenRightClosed(id(56), id(63), id(1)), true);
    assert.equal(betweenRightClosed(id(56), id(0), id(1)), true);
    assert.equal(circle.fingerStart(id(63), 0), id(0));
    assert.equal(circle.fingerStart(id(40), 5), id(8));
  });

  it("writes 160-bit identifiers as 40 hexadecimal digits", () => {
    const large = new Circle();
    assert.equal(large.fromNumber(-1n), "f".repeat(40));
    assert.equal(large.fingerStart(large.fromNumber(-1n), 0), "0".repeat(40));
    assert.equal(isId("0".repeat(40)), true);
    for (const bad of ["", "0".repeat(39), `${"0".repeat(39)}G`, 7, null]) {
      assert.equal(isId(bad), false);
    }
  });
});
