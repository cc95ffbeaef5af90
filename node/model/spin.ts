/**
 * Runs Spin on one configuration of the model: generates the verifier, compiles it, searches, and
 * reads what it reports. The search is exhaustive or it has failed: no bit-state hashing, and a
 * bound on depth or memory that is reached counts as a failure.
 */
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { step } from "../../hack/lib/progress.ts";
import { run } from "../../hack/lib/run.ts";
import type { Configuration, Expectation, Model } from "./configuration.ts";

const memoryLimitMb = 14_000;
const depthMax = 1_000_000;
const timeoutMs = 30 * 60_000;

export interface Outcome {
  readonly configuration: Configuration;
  /** `incomplete` is neither: a bound was reached or the verifier did not run. */
  readonly result: Expectation | "incomplete";
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  readonly memoryMb: number;
  /** What was violated; empty where nothing was. */
  readonly violated: string;
  /** The steps to the violation, with the ring after each. */
  readonly trail: readonly string[];
}

/** Searches one configuration of a model in a folder of its own below `directory`. */
export async function search(
  { file: model }: Model,
  configuration: Configuration,
  directory: string,
): Promise<Outcome> {
  const cwd = join(directory, configuration.name);
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true });
  copyFileSync(join(import.meta.dirname, model), join(cwd, model));
  const { name, expectedSeconds } = configuration;
  return await step(
    name,
    async (current) => {
      await run(["spin", "-a", ...defines(configuration), model], { cwd });
      await run(["gcc", ...compilerWords(configuration), "-o", "pan", "pan.c"], { cwd });
      const words = [`-m${depthMax}`, ...(configuration.search === "runs" ? ["-l"] : [])];
      const { stdout } = await run(["./pan", ...words], {
        cwd,
        allowFailure: true,
        timeoutMs,
        onOutput: (text) => {
          current.detail = /States=\s*(\S+)/.exec(text)?.[1]?.concat(" states") ?? current.detail;
        },
      });
      const outcome = await read({ configuration, model, cwd }, stdout);
      current.detail = `${outcome.states} states, ${outcome.result}`;
      return outcome;
    },
    { expectedSeconds },
  );
}

function defines({ defines: switches, expected, search: kind }: Configuration): string[] {
  const extra = [
    ...(expected === "violation" ? ["SHOW"] : []),
    ...(kind === "shortest" ? ["SHORTEST"] : []),
  ];
  return [...switches, ...extra].map((word) => `-D${word}`);
}

/** A search of seconds costs less than its optimization. */
function optimization({ quick, expectedSeconds }: Configuration): string {
  if (expectedSeconds < 5) return "-O0";
  return quick ? "-O1" : "-O2";
}

/**
 * Every step reads or writes what all nodes share, so that Spin's partial order reduction could
 * save nothing: it is off, and its soundness no question.
 */
function compilerWords(configuration: Configuration): string[] {
  const searches = { states: ["-DSAFETY"], runs: ["-DNP"], shortest: ["-DSAFETY", "-DBFS"] };
  return [
    optimization(configuration),
    "-w",
    "-DNOREDUCE",
    "-DCOLLAPSE",
    `-DMEMLIM=${memoryLimitMb}`,
    ...searches[configuration.search],
  ];
}

interface Searched {
  readonly configuration: Configuration;
  readonly model: string;
  readonly cwd: string;
}

async function read(searched: Searched, output: string): Promise<Outcome> {
  const { configuration, model, cwd } = searched;
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? Number.NaN);
  const violated =
    /^pan:1: (?:assertion violated )?(.*) \(at depth \d+\)$/m.exec(output)?.[1] ?? "";
  const bound = /max search depth|MEMLIM|out of memory/i.test(output);
  const clean = /errors: 0$/m.test(output) && !bound && !/Search not completed/i.test(output);
  const found = violated !== "" && !bound && existsSync(join(cwd, `${model}.trail`));
  return {
    configuration,
    result: found ? "violation" : clean ? "complete" : "incomplete",
    states: number(/^\s*(\S+) states, stored/m),
    transitions: number(/^\s*(\S+) transitions/m),
    depth: number(/depth reached (\d+)/),
    seconds: number(/elapsed time (\S+) seconds/),
    memoryMb: number(/^\s*(\S+)\s+total actual memory usage/m),
    violated,
    trail: found ? await replay(searched) : [],
  };
}

/** Lets Spin walk the trail that the verifier left, and keeps what the model prints. */
async function replay({ configuration, model, cwd }: Searched): Promise<string[]> {
  const words = ["spin", "-t", "-T", ...defines(configuration), model];
  const { stdout } = await run(words, { cwd, allowFailure: true });
  const [steps = ""] = stdout.split(/^spin: trail ends/m);
  return steps.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("spin:"));
}
