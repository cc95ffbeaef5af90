/**
 * Runs one command of a stage: its lines are shown as they come and kept whole in a log file.
 *
 * The command leads its own process group, so that ending it also ends what it started; lib/run.ts
 * is for short commands whose output is an answer.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { settings } from "../lib/settings.ts";

export interface StreamedCommand {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface StreamedResult {
  /** Why it did not end well; undefined when it did. */
  readonly problem: string | undefined;
  readonly output: string;
}

/** Time between asking a command to end and ending it. */
const graceMs = 10_000;

const running = new Set<ChildProcess>();

/** Ends everything that still runs; for a signal to the whole test run. */
export function endRunningCommands(): void {
  for (const child of running) endGroup(child);
}

/** Runs the command to its end or its time limit; each of its lines goes to `show`. */
export function runStreamed(
  step: StreamedCommand,
  logPath: string,
  show: (line: string) => void = showIndented,
): Promise<StreamedResult> {
  const [program = "", ...words] = step.command;
  appendFileSync(logPath, `$ ${step.command.join(" ")}\n`);
  return new Promise((resolve) => {
    const child = spawn(program, words, {
      cwd: settings.repositoryRoot,
      env: { ...settings.environment, ...step.environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    let output = "";
    let problem: string | undefined;
    const addText = lineSplitter(show);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        appendFileSync(logPath, text);
        addText(text);
      });
    }
    const timer = setTimeout(() => {
      problem = `not done after ${Math.round(step.timeoutMs / 60_000)} min`;
      endGroup(child);
    }, step.timeoutMs);
    child.on("error", (error) => {
      problem = `cannot start: ${error.message}`;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      if (code !== 0) problem ??= signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve({ problem, output });
    });
  });
}

function endGroup(child: ChildProcess): void {
  signalGroup(child, "SIGTERM");
  setTimeout(() => signalGroup(child, "SIGKILL"), graceMs).unref();
}

/** Signals the group, whose leader may be gone while its children hold the pipes open. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has already ended.
  }
}

function showIndented(line: string): void {
  process.stdout.write(line === "" ? "\n" : `  ${line}\n`);
}

/** Makes whole lines of the pieces that a pipe delivers. */
function lineSplitter(show: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) show(line);
  };
}
