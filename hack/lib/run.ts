/**
 * Runs commands: one way to start a program, and one kind of error when it fails.
 *
 * A failure names the command and carries the end of its output, because the person who reads it
 * has only that line. Nothing here goes through a shell, so no argument needs quoting.
 */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { settings } from "./settings.ts";

export interface RunOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Written to the command's standard input. */
  readonly input?: string;
  /** The command is ended after this long; default 15 minutes. */
  readonly timeoutMs?: number;
  /** Called with each chunk of output as it comes, for progress and log files. */
  readonly onOutput?: (text: string) => void;
  /** Return a failure instead of throwing it. */
  readonly allowFailure?: boolean;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Thrown when a command does not exit with 0. */
export class CommandFailed extends Error {
  readonly result: RunResult;

  constructor(command: readonly string[], result: RunResult) {
    const output = `${result.stdout}\n${result.stderr}`.trim().split("\n").slice(-12).join("\n");
    super(`${describe(command)} exited with ${result.code}:\n${output}`);
    this.name = "CommandFailed";
    this.result = result;
  }
}

function describe(command: readonly string[]): string {
  const text = command.join(" ");
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
}

const TIMEOUT_DEFAULT_MS = 15 * 60_000;

/** Runs `[program, ...arguments]` to its end. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...commandArguments] = command;
  if (program === undefined) throw new Error("run() needs a program");
  return new Promise((resolvePromise, reject) => {
    const child = spawn(program, commandArguments, {
      cwd: options.cwd,
      env: { ...settings.environment, ...options.environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    // spawn's own time limit would keep this process alive after a program that is missing.
    const timer = setTimeout(() => child.kill("SIGKILL"), options.timeoutMs ?? TIMEOUT_DEFAULT_MS);
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        output[stream] += text;
        options.onOutput?.(text);
      });
    }
    // A command that ends without reading its input is not an error of ours.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const missing = cause.code === "ENOENT";
      const message = missing ? `${program} is not installed` : `cannot start ${program}`;
      reject(new Error(message, { cause }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (signal !== null) output.stderr += `\nended by ${signal}`;
      const result = { code: code ?? 128, ...output };
      if (result.code === 0 || options.allowFailure === true) resolvePromise(result);
      else reject(new CommandFailed(command, result));
    });
  });
}

/** The standard output of a command, without the newline at its end. */
export async function output(
  command: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  return (await run(command, options)).stdout.trimEnd();
}

/** Looked at after PATH, which may lack sbin (half of the networking tools) and Go's own place. */
const USUAL_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin"];

/** The absolute path of a program on PATH or in a usual place, or undefined. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of [...settings.searchPath.split(delimiter), ...USUAL_DIRECTORIES]) {
    const path = join(directory, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return undefined;
}
