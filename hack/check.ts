/**
 * `make check`: all that can be said about the tree in seconds, side by side. Each check leaves one
 * line as it ends; what failed is printed after all of them, with the command that replays it.
 *
 * `--tally FILE` leaves the counts for `make test`: each check is a case, and so is each repository
 * test.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allChecks, type Check } from "./checks/checks.ts";
import { runScript } from "./lib/command-line.ts";
import { seconds } from "./lib/progress.ts";
import { run } from "./lib/run.ts";
import { settings } from "./lib/settings.ts";
import {
  addTallies,
  noCases,
  readTally,
  type Tally,
  tallyLine,
  writeTally,
} from "./lib/tallies.ts";

interface Outcome {
  readonly check: Check;
  readonly state: "passed" | "failed" | "left out";
  readonly output: string;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function runCheck(check: Check): Promise<Outcome> {
  const startedMs = Date.now();
  const { state, output } = await attempt(check);
  const note = state === "left out" ? `: ${output}` : "";
  const mark = state === "failed" ? "FAILED" : state;
  say(`${seconds(startedMs).padStart(7)}  ${mark.padEnd(8)}  ${check.name}${note}`);
  return { check, state, output };
}

async function attempt(check: Check): Promise<Pick<Outcome, "state" | "output">> {
  try {
    const command = await check.command();
    if ("leftOut" in command) return { state: "left out", output: command.leftOut };
    const result = await run(command, {
      cwd: settings.repositoryRoot,
      allowFailure: true,
      timeoutMs: 5 * 60_000,
    });
    const output = `${result.stdout}${result.stderr}`.trim();
    return { state: result.code === 0 ? "passed" : "failed", output };
  } catch (error) {
    return { state: "failed", output: error instanceof Error ? error.message : String(error) };
  }
}

/** The repository test's own counts replace the one case that its check would be. */
function total(outcomes: readonly Outcome[], repository: Tally | undefined): Tally {
  const cases = outcomes
    .filter(({ check }) => repository === undefined || check.name !== "repository")
    .map(({ state }) => ({
      passed: state === "passed" ? 1 : 0,
      failed: state === "failed" ? 1 : 0,
    }));
  return [...cases, repository ?? noCases].reduce(addTallies, noCases);
}

function tallyPathFrom(words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  if (words[0] === "--tally" && words.length === 2) return words[1];
  throw new Error("usage: hack/check.ts [--tally FILE]");
}

async function main(): Promise<void> {
  const tallyPath = tallyPathFrom(process.argv.slice(2));
  const directory = mkdtempSync(join(tmpdir(), "chordring-check-"));
  try {
    const repositoryTally = join(directory, "repository");
    const outcomes = await Promise.all(allChecks(repositoryTally).map(runCheck));
    for (const { check, state, output } of outcomes) {
      if (state === "failed") say(`\n${check.name} failed\n${output}\n  replay: ${check.replay}`);
    }
    const tally = total(outcomes, readTally(repositoryTally));
    if (tallyPath !== undefined) writeTally(tallyPath, tally);
    say(`\ncheck: ${tallyLine(tally)}`);
    if (tally.failed > 0) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

await runScript(main);
