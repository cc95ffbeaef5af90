/**
 * Goal: whoever sees a failing test can run just that test again. Method: real mocha runs over
 * throw-away test files, read as a person reads them.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTally } from "../lib/tallies.ts";

const root = join(import.meta.dirname, "..", "..");
const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");

const mixed = `
import assert from "node:assert/strict";
describe("the goal", () => {
  it("passes", () => {});
  it("doesn't", () => assert.equal(1, 2, new Error("outer", { cause: new Error("inner") })));
});
describe("a broken hook", () => {
  before(() => { throw new Error("no set-up"); });
  it("never runs", () => {});
});
`;

describe("whoever sees a failing test can run just that test again", function () {
  // Each case is a whole mocha run, which takes its time on a busy machine.
  this.timeout(60_000);
  let directory = "";
  let path = "";

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-reporter-"));
    path = join(directory, "mixed.test.ts");
    writeFileSync(path, mixed);
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  function run(...words: string[]): { output: string; code: number | null } {
    const options = { cwd: root, encoding: "utf8", timeout: 30_000 } as const;
    const result = spawnSync(process.execPath, [mocha, ...words, path], options);
    return { output: result.stdout, code: result.status };
  }

  it("one line per suite, the reason with its cause, and the command", () => {
    const { output, code } = run();
    assert.equal(code, 2);
    assert.match(output, /^ +[\d.]+ s {2}1 FAILED +the goal$/m);
    assert.match(output, /Error: outer/);
    assert.match(output, /caused by: Error: inner/);
    assert.match(output, /replay: npx mocha \S+mixed\.test\.ts -f 'the goal doesn'\\''t'$/m);
    assert.match(output, /replay: npx mocha \S+mixed\.test\.ts -f 'a broken hook'$/m);
  });

  it("the printed title selects exactly the failed test", () => {
    const { output } = run("-f", "the goal doesn't");
    assert.match(output, /in all {4,}0 passed, 1 failed$/m);
  });

  it("the counts stand in the file that make test reads", () => {
    const tally = join(directory, "tally");
    run("--reporter-option", `tally=${tally}`);
    assert.deepEqual(readTally(tally), { passed: 1, failed: 2 });
  });
});
