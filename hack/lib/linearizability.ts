/**
 * Runs the linearizability checker (hack/linearizability, written in Go as porcupine is) on a
 * history. It is built at its first use and kept in the cache under the hash of its sources.
 */
import { access, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { hashFiles } from "./content-hash.ts";
import { withLock } from "./lock.ts";
import { step } from "./progress.ts";
import { CommandFailed, findProgram, run } from "./run.ts";
import { settings } from "./settings.ts";

const NAME = "linearizability";
const FLAGS = ["-mod=readonly", "-buildvcs=false", "-trimpath"];
const sources = join(settings.repositoryRoot, "hack", NAME);
/** What every Go command here runs with, whatever the user's own settings are. */
export const goEnvironment = { CGO_ENABLED: "0", GOWORK: "off", GOFLAGS: "" };

export interface KeyVerdict {
  readonly key: string;
  readonly operations: number;
  /** Writes of unknown outcome among them. */
  readonly unknown: number;
  readonly verdict: "ok" | "illegal" | "undecided";
  readonly reason?: string;
  /** The path of an illegal key's picture. */
  readonly picture?: string;
  readonly seconds: number;
}

export interface LinearizabilityReport {
  readonly keys: number;
  readonly operations: number;
  readonly ok: number;
  readonly illegal: number;
  readonly undecided: number;
  /** The worst first. */
  readonly verdicts: readonly KeyVerdict[];
}

export interface CheckOptions {
  readonly history: string;
  /** A folder for the pictures of illegal keys. */
  readonly pictures: string;
  /** For one key. */
  readonly timeoutSeconds: number;
}

const EXIT_BAD_INPUT = 2;

/** Throws if the history cannot be read; every verdict is an answer. */
export async function checkLinearizability(options: CheckOptions): Promise<LinearizabilityReport> {
  const { history, pictures, timeoutSeconds } = options;
  const program = await ensureChecker();
  const words = [`-history=${history}`, `-pictures=${pictures}`, `-timeout=${timeoutSeconds}s`];
  const command = [program, ...words];
  const result = await run(command, { allowFailure: true, timeoutMs: 60 * 60_000 });
  if (result.code >= EXIT_BAD_INPUT && result.stdout === "") {
    throw new CommandFailed(command, result);
  }
  return JSON.parse(result.stdout) as LinearizabilityReport;
}

/** The checker's path; builds it if the cache lacks it. */
export async function ensureChecker(): Promise<string> {
  const key = await hashFiles(sources, ["."], FLAGS);
  const directory = join(settings.cacheDirectory, "programs", `${NAME}-${key}`);
  const program = join(directory, NAME);
  if (await exists(program)) return program;
  await withLock(join(settings.cacheDirectory, `${NAME}.lock`), async () => {
    if (await exists(program)) return;
    await step(`build the ${NAME} checker`, () => build(directory), { expectedSeconds: 15 });
  });
  return program;
}

/** The Go program, or an error that says where it comes from. */
export async function goProgram(): Promise<string> {
  const go = await findProgram("go");
  if (go !== undefined) return go;
  throw new Error(
    "the linearizability checker is built with Go 1.26 or newer, which is not on PATH; " +
      "install it from https://go.dev/dl and run the command again",
  );
}

async function build(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const program = join(directory, NAME);
  await run([await goProgram(), "build", ...FLAGS, "-o", `${program}.unfinished`, "."], {
    cwd: sources,
    environment: goEnvironment,
  });
  await rename(`${program}.unfinished`, program);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
