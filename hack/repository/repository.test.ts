/**
 * Goal: the repository keeps its own rules. Method: read every file git tracks or would track, run
 * each rule over them, and expect no finding. The rules prove in rules.test.ts that they bite.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkBoundaries, staleRooms } from "./boundaries.ts";
import { type Finding, readRepository, type SourceFile } from "./source.ts";
import { checkBannedCalls, checkFunctionLengths, checkLines, checkTraces } from "./text-rules.ts";
import {
  checkDeadExports,
  checkDeadFiles,
  checkDecisions,
  checkExecutableBits,
  checkLinks,
  checkNames,
  checkTitles,
  checkTopLevel,
} from "./tree-rules.ts";

const root = join(import.meta.dirname, "..", "..");

function expectNone(findings: readonly Finding[]): void {
  const text = findings.map((one) => `  ${one.path}:${one.line}  ${one.message}`).join("\n");
  if (findings.length > 0) assert.fail(`${findings.length} to mend\n${text}`);
}

describe("the repository keeps its own rules", () => {
  let files: readonly SourceFile[] = [];

  before(() => {
    files = readRepository(root);
  });

  it("short lines without trailing blanks", () => expectNone(files.flatMap(checkLines)));
  it("functions of at most 60 lines", () => expectNone(files.flatMap(checkFunctionLengths)));
  it("no banned call", () => expectNone(files.flatMap(checkBannedCalls)));
  it("no trace of one machine or of unfinished work", () => expectNone(files.flatMap(checkTraces)));
  it("imports only along the arrows of the architecture", () =>
    expectNone(files.flatMap(checkBoundaries)));
  it("no row of the boundaries for a folder that is gone", () =>
    assert.deepEqual(staleRooms(root), []));
  it("only the product and its companions at the top level", () =>
    expectNone(checkTopLevel(files)));
  it("kebab-case names", () => expectNone(checkNames(files)));
  it("scripts, and only scripts, executable", () => expectNone(checkExecutableBits(files)));
  it("no dead file", () => expectNone(checkDeadFiles(files)));
  it("no dead export", () => expectNone(checkDeadExports(files)));
  it("one title per document", () => expectNone(checkTitles(files)));
  it("no broken link between documents", () => expectNone(checkLinks(files)));
  it("decisions numbered and listed", () => expectNone(checkDecisions(files)));
});
