/**
 * `make test`: every stage in order, each with its progress, its time and its counts; the last line
 * is `N passed, N failed`.
 *
 * A stage that fails does not stop the next one, so one run shows all there is to mend. A stage
 * that cannot run has failed: nothing is left out silently. `--only unit,sim` runs just those
 * stages.
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { runScript } from "./lib/command-line.ts";
import { seconds } from "./lib/progress.ts";
import { settings } from "./lib/settings.ts";
import {
  addTallies,
  noCases,
  parseTally,
  readTally,
  type Tally,
  tallyLine,
} from "./lib/tallies.ts";
import { type Stage, type StageCommand, stages } from "./stages/stages.ts";
import { endRunningCommands, runStreamed } from "./stages/streamed-command.ts";

interface StageResult {
  readonly stage: Stage;
  readonly tally: Tally;
  readonly problem: string | undefined;
  /** The last lines of what failed. */
  readonly lastLines: readonly string[];
  readonly duration: string;
}

/** Enough for a few failed cases; the whole is in the log, which a CI run may not keep. */
const LAST_LINES = 40;

const artifacts = join(settings.repositoryRoot, "artifacts", "test");

/** Set by a signal: the stage that runs is ended, and no other one starts. */
let stoppedBy: NodeJS.Signals | undefined;

function chooseStages(words: readonly string[]): readonly Stage[] {
  const [flag, list, ...more] = words;
  if (flag === undefined) return stages;
  const names = (list ?? "").split(",");
  const unknown = names.filter((name) => !stages.some((stage) => stage.name === name));
  if (flag !== "--only" || unknown.length > 0 || more.length > 0) {
    const known = stages.map((stage) => stage.name).join(",");
    throw new Error(`usage: hack/test.ts [--only STAGE,...] with stages of ${known}`);
  }
  return stages.filter((stage) => names.includes(stage.name));
}

async function runStage(stage: Stage): Promise<StageResult> {
  const startedMs = Date.now();
  const logPath = join(artifacts, `${stage.name}.log`);
  const tallyPath = join(artifacts, `${stage.name}.tally`);
  rmSync(tallyPath, { force: true });
  writeFileSync(logPath, "");
  let tally = noCases;
  let problem: string | undefined;
  let lastLines: readonly string[] = [];
  try {
    for (const command of await stage.commands(tallyPath)) {
      const result = await runStreamed(command, logPath);
      const counted = tallyOf(command, result.output, tallyPath);
      tally = addTallies(tally, counted ?? noCases);
      problem = result.problem ?? problemOfCounts(command, counted);
      if (problem !== undefined) {
        lastLines = result.output.trimEnd().split("\n").slice(-LAST_LINES);
        break;
      }
    }
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
    appendFileSync(logPath, `${problem}\n`);
  }
  if (stoppedBy !== undefined) problem = `stopped by ${stoppedBy}`;
  // A stage that failed without a failed case still counts as one.
  if (problem !== undefined && tally.failed === 0) tally = { ...tally, failed: 1 };
  return { stage, tally, problem, lastLines, duration: seconds(startedMs) };
}

function tallyOf(command: StageCommand, output: string, tallyPath: string): Tally | undefined {
  if (command.tally === "none") return noCases;
  return command.tally === "file" ? readTally(tallyPath) : parseTally(output);
}

function problemOfCounts(command: StageCommand, tally: Tally | undefined): string | undefined {
  if (command.tally === "none") return undefined;
  if (tally === undefined) return "it ended without saying how many cases passed";
  if (tally.failed > 0) return `${tally.failed} failed`;
  return tally.passed === 0 ? "no case ran" : undefined;
}

function describeResult({ stage, tally, problem, duration }: StageResult): string {
  const outcome = `${duration.padStart(7)}  ${stage.name.padEnd(12)}  ${tallyLine(tally)}`;
  if (problem === undefined) return outcome;
  const log = relative(settings.repositoryRoot, join(artifacts, `${stage.name}.log`));
  const replay = `node_modules/.bin/node hack/test.ts --only ${stage.name}`;
  return `${outcome}: FAILED, ${problem}\n         output: ${log}\n         replay: ${replay}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const chosen = chooseStages(process.argv.slice(2));
  mkdirSync(artifacts, { recursive: true });
  const results: StageResult[] = [];
  for (const [index, stage] of chosen.entries()) {
    if (stoppedBy !== undefined) break;
    say(`\n[${index + 1}/${chosen.length}] ${stage.name}: ${stage.goal}`);
    const result = await runStage(stage);
    results.push(result);
    say(describeResult(result));
  }
  say("\nStages");
  for (const result of results) say(describeResult(result));
  for (const { stage, lastLines } of results.filter((result) => result.lastLines.length > 0)) {
    say(`\nHow ${stage.name} ended`);
    for (const line of lastLines) say(`  ${line}`);
    say("");
  }
  for (const stage of chosen.slice(results.length)) say(`         ${stage.name}  did not run`);
  const total = results.map((result) => result.tally).reduce(addTallies, noCases);
  say(tallyLine(total));
  if (total.failed > 0) process.exitCode = 1;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    stoppedBy = signal;
    endRunningCommands();
  });
}

await runScript(main);
