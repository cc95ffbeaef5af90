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
  let warnings: string[];
  const log = { warn: (message: string) => void warnings.push(message) };

  beforeEach(() => {
    warnings = [];
    directory = mkdtempSync(join(tmpdir(), "chordring-record-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("is null on a new disk", () => {
    assert.equal(recordFile(directory, log).load(), null);
  });

  it("is what was saved last, also when saves overlap", async () => {
    const store = recordFile(directory, log);
    const record = (epoch: number): { ring: string; epoch: number; names: string[] } => ({
      ring: "r",
      epoch,
      names: ["a", "b"],
    });
    await Promise.all([1, 2, 3].map((epoch) => store.save(record(epoch))));
    assert.deepEqual(store.load(), record(3));
    assert.deepEqual(recordFile(directory, log).load(), record(3));
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
    it(`forgets ${JSON.stringify(text)} with a warning, and keeps the next record`, async () => {
      writeFileSync(join(directory, "ring.json"), text);
      const store = recordFile(directory, log);
      assert.equal(store.load(), null);
      assert.equal(warnings.length, 1);
      await store.save({ ring: "r", epoch: 1, names: ["a"] });
      assert.equal(recordFile(directory, log).load()?.epoch, 1);
    });
  }
});
