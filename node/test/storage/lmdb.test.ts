/**
 * Goal: the engine on a disk says what is wrong with the disk. Method: a file that is no database,
 * a directory that cannot be written.
 */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LmdbEngine } from "../../src/storage/lmdb.ts";
import { StoreError } from "../../src/storage/store.ts";

describe("the lmdb engine says what is wrong with the disk", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-lmdb-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it("names a file that is no database", () => {
    writeFileSync(join(directory, "values.lmdb"), Buffer.alloc(16_384, 7));
    assert.throws(
      () => new LmdbEngine(directory),
      (error: Error) => error instanceof StoreError && error.message.includes("values.lmdb"),
    );
  });

  it("names a directory that cannot be made", () => {
    writeFileSync(join(directory, "file"), "");
    assert.throws(
      () => new LmdbEngine(join(directory, "file", "data")),
      (error: Error) => error instanceof StoreError && error.message.includes("cannot open"),
    );
  });
});
