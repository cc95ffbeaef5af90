/**
 * Goal: a volume that fails for a moment costs that moment. lmdb by itself would refuse everything
 * for good once a meta page could not be written. Method: strace makes one call of a process fail.
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDebianPrograms } from "../../../hack/cluster/debian-packages.ts";
import { LmdbDisk } from "../../src/storage/lmdb-disk.ts";
import { fillDisk, mustHaveRecovered } from "../support/disk-children.ts";

/** All transactions on one thread, as strace counts calls by thread. */
const trace = ["env", "UV_THREADPOOL_SIZE=1", "strace", "-f", "-qq", "-o", "/dev/null"];

describe("a volume that fails for a moment costs that moment", function () {
  this.timeout(30_000);
  let directory: string;

  before(() => ensureDebianPrograms(["strace"]));

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-volume-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  for (const [what, call, number] of [
    ["data cannot be synchronized", "fdatasync", 3],
    ["a meta page cannot be written", "pwrite64", 6],
  ] as const) {
    it(`when ${what}`, async () => {
      const fault = `inject=${call}:error=EIO:when=${number}`;
      const wrapper = [...trace, "-e", `trace=${call}`, "-e", fault];
      const events = await fillDisk(wrapper, { directory, valueLength: 100 });
      mustHaveRecovered(events, /Input\/output error/);
      const disk = new LmdbDisk(directory);
      assert.equal(disk.replica(0).counts().keys, events.at(-1)?.recovered);
      await disk.close();
    });
  }
});
