/** Goal: figures that people can read. Method: examples. */
import assert from "node:assert/strict";
import { byteText, counted, leftText, shortcomings } from "../../src/reconcile/figures.ts";

describe("figures: round, with units", () => {
  it("counts things exactly and rounds amounts", () => {
    assert.equal(counted(1, "partition"), "1 partition");
    assert.equal(counted(1_024, "partition"), "1,024 partitions");
    assert.equal(byteText(0), "0 bytes");
    assert.equal(byteText(1_023), "1,023 bytes");
    assert.equal(byteText(1_024), "1 KiB");
    assert.equal(byteText(3_500_000), "3.3 MiB");
    assert.equal(byteText(5 * 2 ** 40), "5 TiB");
  });

  it("says what is left to move and for how long, as far as that is known", () => {
    const left = { keysLeft: 1_234, bytesLeft: 2_048 };
    assert.equal(leftText(left, undefined), "1,200 keys (2 KiB) left to move");
    assert.equal(leftText(left, 11.6), "1,200 keys (2 KiB) left to move, about 12 s");
    assert.match(leftText(left, 400) ?? "", /, about 6.7 min$/);
    assert.match(leftText(left, 40_000) ?? "", /, about 11 h$/);
    assert.equal(leftText({ keysLeft: 0, bytesLeft: 0 }, undefined), undefined);
    assert.equal(leftText({ keysLeft: 0, bytesLeft: 0 }, 3), "about 3 s");
    assert.match(leftText({ keysLeft: 1, bytesLeft: 1 }, 3) ?? "", /^1 key \(1 byte\) left/);
  });

  it("names what is amiss, the worst first, and nothing else", () => {
    const fine = { unled: 0, degraded: 0, misplaced: 0, keys: 5, bytes: 5, keysLeft: 0 };
    assert.deepEqual(shortcomings({ ...fine, bytesLeft: 0 }), []);
    const amiss = { ...fine, bytesLeft: 0, unled: 1, degraded: 2, misplaced: 3 };
    assert.deepEqual(shortcomings(amiss), [
      "1 partition without a leader",
      "2 partitions without all copies",
      "3 partitions not yet where they belong",
    ]);
  });
});
