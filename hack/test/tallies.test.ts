/**
 * Goal: counts of test cases arrive as they were sent. Method: the line and the file form, with the
 * texts around them that real programs print.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addTallies, parseTally, readTally, tallyLine, writeTally } from "../lib/tallies.ts";

describe("counts of test cases arrive as they were sent", () => {
  it("the last line of its own counts", () => {
    const text = "1 passed, 0 failed\nseed 7\n  12 passed, 3 failed \nin 4 s\n";
    assert.deepEqual(parseTally(text), { passed: 12, failed: 3 });
  });

  it("a sentence around the counts does not count", () => {
    assert.equal(parseTally("so 12 passed, 3 failed\n12 passed, 3 failed: see log\n"), undefined);
    assert.equal(parseTally(""), undefined);
  });

  it("a file keeps them, and a missing one has none", () => {
    const directory = mkdtempSync(join(tmpdir(), "chordring-tallies-"));
    try {
      const path = join(directory, "tally");
      assert.equal(readTally(path), undefined);
      writeTally(path, { passed: 5, failed: 1 });
      assert.deepEqual(readTally(path), { passed: 5, failed: 1 });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("sums, and the line that people look for", () => {
    const sum = addTallies({ passed: 2, failed: 1 }, { passed: 3, failed: 0 });
    assert.equal(tallyLine(sum), "5 passed, 1 failed");
  });
});
