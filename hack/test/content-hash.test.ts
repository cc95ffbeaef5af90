/**
 * Goal: a cached build is used exactly when its inputs are equal. Method: hash a small tree before
 * and after each kind of change.
 */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashFiles, hashWords } from "../lib/content-hash.ts";

describe("a hash of contents stands for exactly those contents", () => {
  let base = "";

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "chordring-hash-"));
    await mkdir(join(base, "src", "deep"), { recursive: true });
    await writeFile(join(base, "src", "one.ts"), "1");
    await writeFile(join(base, "src", "deep", "two.ts"), "2");
  });

  afterEach(() => rm(base, { recursive: true, force: true }));

  it("equal trees have equal hashes wherever they are", async () => {
    const before = await hashFiles(base, ["src"], ["word"]);
    const moved = `${base}-moved`;
    await rename(base, moved);
    base = moved;
    assert.equal(await hashFiles(base, ["src"], ["word"]), before);
  });

  it("content, names and words all count", async () => {
    const seen = new Set([
      await hashFiles(base, ["src"]),
      await hashFiles(base, ["src"], ["word"]),
    ]);
    await writeFile(join(base, "src", "one.ts"), "changed");
    seen.add(await hashFiles(base, ["src"]));
    await rename(join(base, "src", "one.ts"), join(base, "src", "other.ts"));
    seen.add(await hashFiles(base, ["src"]));
    assert.equal(seen.size, 4);
  });

  it("installed packages do not count", async () => {
    const before = await hashFiles(base, ["src"]);
    await mkdir(join(base, "src", "node_modules"));
    await writeFile(join(base, "src", "node_modules", "package.js"), "x");
    assert.equal(await hashFiles(base, ["src"]), before);
  });

  it("words do not run into each other", () => {
    assert.notEqual(hashWords(["ab", "c"]), hashWords(["a", "bc"]));
  });
});
