/**
 * `make bench`: CPU per operation, rates and latencies of nodes, each beside its floor and its peer
 * measured in the same run.
 *
 * Absolute figures belong to a machine; the ratios are what to compare and to keep. Raw results go
 * to artifacts/bench, the tables to standard output. docs/benchmarks.md says how to read them.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { runScript } from "../../hack/lib/command-line.ts";
import { step } from "../../hack/lib/progress.ts";
import { settings } from "../../hack/lib/settings.ts";
import { writeIntoDocument } from "./document.ts";
import { replacing, scaling } from "./changing-ring.ts";
import { LoadGenerator } from "./load-generator.ts";
import { describeMachine, type Machine } from "./machine.ts";
import type { Measurement } from "./measurement.ts";
import { profiles } from "./profiles.ts";
import { machineLine } from "./report.ts";
import { replicated } from "./replicated.ts";
import { localOperations, routedLookups } from "./scenarios.ts";
import { textOf } from "./summary.ts";
import type { BenchOptions, Turns } from "./turns.ts";

const usage = `usage: node node/bench/main.ts [options]
  --only PART,...    of replicated, local, routed, scaling, replacing, profile (default: the first
                     three)
  --rounds N         turns of each system under each load (default 4)
  --seconds N        length of a turn (default 5)
  --connections N    clients, each with one connection (default 64)
  --keys N           keys of scaling and replacing (default 100000)
  --per-second N     operations on them in a second (default 500)
  --main FILE        the program to run as a node (default: this checkout's)
  --write            keep the output in docs/benchmarks.md, where it has a place for it
  --help             this text
`;

const partNames = ["replicated", "local", "routed", "scaling", "replacing", "profile"] as const;
type PartName = (typeof partNames)[number];

interface Options extends BenchOptions {
  readonly parts: readonly PartName[];
  readonly keys: number;
  readonly perSecond: number;
  readonly write: boolean;
  readonly help: boolean;
}

/** What a part leaves: figures, and the text that a person reads. */
interface Outcome {
  readonly text: string;
  readonly measurements: readonly Measurement[];
}

interface Run {
  readonly options: Options;
  readonly machine: Machine;
  readonly generator: LoadGenerator;
  /** For the data of all systems, so that they share a disk. */
  readonly directory: string;
  readonly artifacts: string;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: "string", default: "replicated,local,routed" },
      rounds: { type: "string", default: "4" },
      seconds: { type: "string", default: "5" },
      connections: { type: "string", default: "64" },
      keys: { type: "string", default: "100000" },
      "per-second": { type: "string", default: "500" },
      main: { type: "string" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { main, write, help } = values;
  return {
    parts: values.only.split(",").map(partNamed),
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    connections: positive("connections", values.connections),
    keys: positive("keys", values.keys),
    perSecond: positive("per-second", values["per-second"]),
    main: main === undefined ? undefined : resolve(main),
    write,
    help,
  };
}

function partNamed(name: string): PartName {
  const part = partNames.find((one) => one === name);
  if (part === undefined) throw new Error(`--only takes ${partNames.join(", ")}, not "${name}"`);
  return part;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`--${name} takes a number above 0, not "${text}"`);
}

/** Those with a place in docs/benchmarks.md. */
const keptParts: ReadonlySet<PartName> = new Set(["replicated", "scaling", "replacing"]);

type Measure = (turns: Turns) => Promise<readonly Measurement[]>;

const titles: Record<PartName, string> = {
  replicated: "Three copies, beside etcd and the floor",
  local: "One node beside the floor",
  routed: "Lookups by hops",
  scaling: "3 to 9 to 3 nodes under load",
  replacing: "One of five nodes dies and loses its disk",
  profile: "CPU profiles of a node",
};

function runPart(run: Run, name: PartName): Promise<Outcome> {
  const { options, generator, directory, artifacts } = run;
  return step(titles[name], async (current) => {
    const report = (text: string): void => {
      current.detail = text;
    };
    const turns: Turns = { options, generator, report };
    if (name === "profile") return { text: await profiles(turns, artifacts), measurements: [] };
    if (name === "scaling" || name === "replacing") {
      const change = name === "scaling" ? scaling : replacing;
      const text = await change({ ...options, report });
      return { text: `${commandOf(run, name)}\n\n${text}`, measurements: [] };
    }
    const measures: Record<"replicated" | "local" | "routed", Measure> = {
      replicated: (turns) => replicated(turns, directory),
      local: (turns) => localOperations(turns, directory),
      routed: (turns) => routedLookups(turns),
    };
    const measurements = await measures[name](turns);
    current.detail = "";
    return { text: textOf({ ...run, name, measurements }), measurements };
  });
}

/** The command and the machine, above figures that have no table of their own. */
function commandOf({ options, machine }: Run, name: PartName): string {
  const { keys, perSecond, seconds } = options;
  const numbers = `--keys ${keys} --per-second ${perSecond} --seconds ${seconds}`;
  const command = `node node/bench/main.ts --only ${name} ${numbers}`;
  return `${command}\n\n${new Date().toISOString()}: ${machineLine(machine)}`;
}

async function runAll(run: Run): Promise<void> {
  const { options, machine, artifacts } = run;
  const outcomes: Partial<Record<PartName, Outcome>> = {};
  mkdirSync(artifacts, { recursive: true });
  for (const name of options.parts) {
    const outcome = await runPart(run, name);
    outcomes[name] = outcome;
    process.stdout.write(`\n# ${titles[name]}\n\n${outcome.text}\n\n`);
    writeFileSync(join(artifacts, `${name}.txt`), `${outcome.text}\n`);
    writeFileSync(
      join(artifacts, "raw.json"),
      `${JSON.stringify({ machine, options, outcomes }, null, 2)}\n`,
    );
    if (options.write && keptParts.has(name)) writeIntoDocument(name, outcome.text);
  }
  process.stdout.write(`raw results: ${artifacts}\n`);
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "chordring-bench-"));
  const machine = describeMachine(directory);
  const started = new Date().toISOString().replaceAll(":", "-");
  const artifacts = join(settings.repositoryRoot, "artifacts", "bench", started);
  const generator = new LoadGenerator();
  // Servers must not outlive the run; a second signal ends it at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => generator.stop());
  }
  try {
    await runAll({ options, machine, generator, directory, artifacts });
  } finally {
    generator.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

await runScript(main);
