/**
 * `make bench`: CPU per operation of a node beside a floor measured in the same run.
 *
 * Absolute figures belong to a machine; the ratios are what to compare and to keep. Raw results go
 * to artifacts/bench, the summary to standard output. docs/benchmarks.md says how to read it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureDebianPrograms } from "../../hack/cluster/debian-packages.ts";
import { runScript } from "../../hack/lib/command-line.ts";
import { step } from "../../hack/lib/progress.ts";
import { settings } from "../../hack/lib/settings.ts";
import type { LoadResult } from "./load.ts";
import {
  type BenchOptions,
  localOperations,
  type Measurement,
  routedOperations,
} from "./scenarios.ts";

interface Row {
  readonly name: string;
  readonly cpuMicroseconds: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
}

function readOptions(): BenchOptions {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "4" },
      seconds: { type: "string", default: "3" },
      connections: { type: "string", default: "64" },
    },
  });
  return {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    connections: Number(values.connections),
  };
}

/** The median over the rounds, which one disturbed round does not move. */
function median(rounds: readonly LoadResult[], of: (result: LoadResult) => number): number {
  const sorted = rounds.map(of).toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}

function rowOf({ name, rounds }: Measurement): Row {
  return {
    name,
    cpuMicroseconds: median(rounds, (result) => result.cpuMicrosecondsPerOperation),
    operationsPerSecond: median(rounds, (result) => result.operationsPerSecond),
    p50Ms: median(rounds, (result) => result.p50Ms),
    p99Ms: median(rounds, (result) => result.p99Ms),
    failures: rounds.reduce((sum, result) => sum + result.failures, 0),
  };
}

/** The figures that stand for the goals, each from rows of this run alone. */
function ratios(rows: readonly Row[]): Record<string, number> {
  const cpu = (name: string): number =>
    rows.find((row) => row.name === name)?.cpuMicroseconds ?? Number.NaN;
  return {
    "local get, CPU against the floor (goal: at most 1.6)": cpu("node get") / cpu("floor get"),
    "local put, CPU against the floor": cpu("node put") / cpu("floor put"),
    "one more hop, µs of CPU on both sides (goal: at most 130)":
      cpu("lookup 1 hop") - cpu("lookup 0 hops"),
  };
}

function show(rows: readonly Row[], figures: Readonly<Record<string, number>>): void {
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(18) : cell.padStart(11))).join("");
  const print = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  print(line(["", "CPU µs/op", "op/s", "p50 ms", "p99 ms", "failures"]));
  for (const row of rows) {
    const { name, cpuMicroseconds, operationsPerSecond, p50Ms, p99Ms, failures } = row;
    const numbers = [cpuMicroseconds.toFixed(1), operationsPerSecond.toFixed(0)];
    print(line([name, ...numbers, p50Ms.toFixed(2), p99Ms.toFixed(2), String(failures)]));
  }
  print("");
  for (const [name, value] of Object.entries(figures))
    print(`${value.toFixed(2).padStart(8)}  ${name}`);
}

async function main(): Promise<void> {
  const options = readOptions();
  await ensureDebianPrograms(["wrk"]);
  const seconds = options.rounds * options.seconds * 4 + 15;
  const local = await step("Reads and writes beside the floor", () => localOperations(options), {
    expectedSeconds: seconds,
  });
  const routed = await step("Lookups by hops, forwarding", () => routedOperations(options), {
    expectedSeconds: seconds,
  });
  const measurements = [...local, ...routed];
  const rows = measurements.map(rowOf);
  const figures = ratios(rows);
  const machine = { cpu: cpus()[0]?.model, cpus: cpus().length, node: process.version };
  const directory = join(settings.repositoryRoot, "artifacts", "bench");
  mkdirSync(directory, { recursive: true });
  const startedAt = new Date().toISOString();
  const path = join(directory, `${startedAt.replaceAll(":", "-")}.json`);
  const report = { startedAt, machine, options, figures, rows, measurements };
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  show(rows, figures);
  process.stdout.write(`\nraw results: ${path}\n`);
}

await runScript(main);
