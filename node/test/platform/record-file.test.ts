/**
 * Goal: what a node remembers survives a restart, and nonsense is not taken for it. Method: save,
 * open again; broken files.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordFile } from "../../src/platform/record-file.ts";

describe("the ring record survives a restart", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-record-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("is null on a new disk", () => {
    assert.equal(recordFile(directory).load(), null);
  });

  it("is what was saved last, also when saves overlap", async () => {
    const store = recordFile(directory);
    const record = (epoch: number): { ring: string; epoch: number; names: string[] } => ({
      ring: "r",
      epoch,
      names: ["a", "b"],
    });
    await Promise.all([1, 2, 3].map((epoch) => store.save(record(epoch))));
    assert.deepEqual(store.load(), record(3));
    assert.deepEqual(recordFile(directory).load(), record(3));
    assert.deepEqual(readdirSync(directory), ["ring.json"]);
  });

  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '{"ring":"r","epoch":1}',
    '{"ring":1,"epoch":1,"names":[]}',
  ]) {
    it(`refuses ${JSON.stringify(text)} with what to do`, () => {
      writeFileSync(join(directory, "ring.json"), text);
      assert.throws(() => recordFile(directory).load(), /delete it to let the node join/);
    });
  }
});
