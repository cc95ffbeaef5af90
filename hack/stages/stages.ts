/**
 * The stages of `make test`, in order: the fast and simple ones first, so that the first failure
 * seen is the easiest one to understand.
 */
import { globSync } from "node:fs";
import { dirname, join } from "node:path";
import { settings } from "../lib/settings.ts";
import { chooseCluster } from "./test-cluster.ts";
import type { StreamedCommand } from "./streamed-command.ts";

export interface StageCommand extends StreamedCommand {
  /** Where its counts of test cases are: in a file, in its last line, or nowhere. */
  readonly tally: "file" | "last line" | "none";
}

export interface Stage {
  readonly name: string;
  /** What a person learns when it passes. */
  readonly goal: string;
  /** `tallyPath` is where a command with `tally: "file"` writes. */
  readonly commands: (tallyPath: string) => Promise<readonly StageCommand[]>;
}

const minuteMs = 60_000;
/** New lives beside the fixed ones: as many as a minute or two allow. */
const freshLives = "2000";

/** The Node that runs this script runs everything, so that CI can choose one. */
const nodeProgram = process.execPath;
const mochaProgram = join("node_modules", "mocha", "bin", "mocha.js");

/** The part of the repository that `make test` needs, or an error that says it is missing. */
function require(pattern: string): string {
  const found = globSync(pattern, { cwd: settings.repositoryRoot });
  if (found.length === 0) throw new Error(`nothing matches ${pattern}: this stage cannot run`);
  return pattern;
}

function script(path: string, words: readonly string[] = []): readonly string[] {
  return [nodeProgram, require(path), ...words];
}

interface MochaOptions {
  readonly specs: readonly string[];
  readonly ignored?: string;
  readonly tallyPath: string;
  readonly timeoutMs: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A mocha run in which a test that is left out counts as failed. */
function mocha(options: MochaOptions): StageCommand {
  const ignored = options.ignored === undefined ? [] : ["--ignore", options.ignored];
  const reporting = ["--forbid-pending", "--reporter-option", `tally=${options.tallyPath}`];
  return {
    command: [nodeProgram, mochaProgram, ...reporting, ...ignored, ...options.specs.map(require)],
    environment: options.environment ?? {},
    timeoutMs: options.timeoutMs,
    tally: "file",
  };
}

const check: Stage = {
  name: "check",
  goal: "types, lint, format, the repository's rules",
  commands: async (tallyPath) => [
    {
      command: script("hack/check.ts", ["--tally", tallyPath]),
      timeoutMs: 10 * minuteMs,
      tally: "file",
    },
  ],
};

const unit: Stage = {
  name: "unit",
  goal: "every part alone",
  commands: async (tallyPath) => [
    mocha({
      specs: ["node/test/**/*.test.ts", "operator/test/**/*.test.ts", "hack/test/**/*.test.ts"],
      ignored: "{node,operator}/test/{integration,live}/**",
      tallyPath,
      timeoutMs: 10 * minuteMs,
    }),
  ],
};

const simulation: Stage = {
  name: "sim",
  goal: "ring and data on a simulated, hostile network, by seed; every mutant must die",
  commands: async () => [
    {
      command: script("node/sim/main.ts", ["--fixed", "--fresh", freshLives]),
      timeoutMs: 20 * minuteMs,
      tally: "last line",
    },
    {
      command: script("node/sim/main.ts", ["--mutants"]),
      timeoutMs: 20 * minuteMs,
      tally: "last line",
    },
    {
      command: script("node/sim/data/main.ts", ["--fixed", "--fresh", freshLives]),
      timeoutMs: 20 * minuteMs,
      tally: "last line",
    },
    {
      command: script("node/sim/data/main.ts", ["--mutants"]),
      timeoutMs: 20 * minuteMs,
      tally: "last line",
    },
  ],
};

const model: Stage = {
  name: "model",
  goal: "a model of the protocol, checked in every state",
  commands: async () => [
    {
      command: script("node/model/verify.ts", ["--quick"]),
      timeoutMs: 20 * minuteMs,
      tally: "last line",
    },
  ],
};

const integration: Stage = {
  name: "integration",
  goal: "real node processes on this machine",
  commands: async (tallyPath) => [
    mocha({
      specs: ["{node,operator}/test/integration/**/*.test.ts"],
      tallyPath,
      timeoutMs: 15 * minuteMs,
    }),
  ],
};

const live: Stage = {
  name: "live",
  goal: "every answer of real rings under faults, proved right; broken builds are noticed",
  commands: async (tallyPath) => [
    mocha({
      specs: ["node/test/live/**/*.test.ts"],
      tallyPath,
      timeoutMs: 30 * minuteMs,
      environment: { CHORDRING_LIVE_SECONDS: "120" },
    }),
  ],
};

const endToEnd: Stage = {
  name: "e2e",
  goal: "the operator and its rings on a real cluster",
  commands: async (tallyPath) => {
    const { environment, foreign } = await chooseCluster(dirname(tallyPath));
    const tests = mocha({
      specs: ["e2e/**/*.test.ts"],
      tallyPath,
      timeoutMs: 45 * minuteMs,
      environment,
    });
    if (foreign) return [tests];
    return [
      {
        command: script("hack/cluster/main.ts", ["up"]),
        timeoutMs: 30 * minuteMs,
        tally: "none",
      },
      { command: script("hack/deploy.ts"), timeoutMs: 20 * minuteMs, tally: "none" },
      tests,
    ];
  },
};

/** Every stage, in the order in which they run. */
export const stages: readonly Stage[] = [
  check,
  unit,
  simulation,
  model,
  integration,
  live,
  endToEnd,
];
