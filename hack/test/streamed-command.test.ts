/**
 * Goal: a stage's command ends, one way or another, and its whole output is kept. Method: small
 * commands that exit, hang, leave children behind or do not exist.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endRunningCommands, runStreamed } from "../stages/streamed-command.ts";

const hang = "setInterval(() => undefined, 1_000);";

describe("a stage's command ends, and its whole output is kept", () => {
  let directory = "";
  let log = "";

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-stage-"));
    log = join(directory, "log");
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  const script = (text: string): readonly string[] => [process.execPath, "--eval", text];

  it("both outputs, and no problem when it exits with 0", async () => {
    const command = script('console.log("out"); console.error("err");');
    const shown: string[] = [];
    const result = await runStreamed({ command, timeoutMs: 20_000 }, log, (line) => {
      shown.push(line);
    });
    assert.equal(result.problem, undefined);
    assert.match(result.output, /out\n/);
    assert.deepEqual(shown.toSorted(), ["err", "out"]);
    assert.match(readFileSync(log, "utf8"), /^\$ .*\n(out\nerr|err\nout)\n$/);
  });

  it("the exit code of one that fails", async () => {
    const command = script("process.exitCode = 3;");
    const result = await runStreamed({ command, timeoutMs: 20_000 }, log);
    assert.equal(result.problem, "exit code 3");
  });

  it("one that cannot start", async () => {
    const command = [join(directory, "missing")];
    const result = await runStreamed({ command, timeoutMs: 20_000 }, log);
    assert.match(result.problem ?? "", /cannot start/);
  });

  it("one that hangs, together with what it started", async () => {
    const child = `spawn(process.execPath, ["--eval", "${hang}"], { stdio: "inherit" });`;
    const command = script(`const { spawn } = require("node:child_process"); ${child} ${hang}`);
    const result = await runStreamed({ command, timeoutMs: 500 }, log);
    assert.match(result.problem ?? "", /not done after/);
  });

  it("one that is stopped by a signal to the whole run", async () => {
    const ended = runStreamed({ command: script(hang), timeoutMs: 20_000 }, log);
    endRunningCommands();
    assert.equal((await ended).problem, "ended by SIGTERM");
  });
});
