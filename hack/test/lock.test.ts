/**
 * Goal: two commands never work on one cache at the same time, and a killed one blocks nobody.
 * Method: two holders in one process, and a lock file whose holder is gone.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withLock } from "../lib/lock.ts";

describe("a lock lets one in at a time", () => {
  let directory = "";

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "chordring-lock-"));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  it("the second waits for the first", async () => {
    const path = join(directory, "lock");
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(setImmediate);
      inside -= 1;
    };
    await Promise.all([withLock(path, work), withLock(path, work)]);
    assert.equal(most, 1);
  });

  it("a holder that is gone holds nothing", async () => {
    const path = join(directory, "lock");
    // A start time that this pid cannot have: the lock of a process that ended long ago.
    await writeFile(path, `${process.pid} 1`);
    assert.equal(await withLock(path, () => Promise.resolve("in")), "in");
  });

  it("an error frees the lock", async () => {
    const path = join(directory, "lock");
    await assert.rejects(
      withLock(path, () => Promise.reject(new Error("inside"))),
      /inside/,
    );
    assert.equal(await withLock(path, () => Promise.resolve("in")), "in");
  });
});
