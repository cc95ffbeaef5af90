/** What one part of a run leaves for a person: command, machine, tables, goals, warnings. */
import type { Machine } from "./machine.ts";
import { type Measurement, type Row, rowOf } from "./measurement.ts";
import {
  figure,
  goalLines,
  idleLines,
  latencyTable,
  machineLine,
  saturationTable,
  warnings,
} from "./report.ts";
import type { BenchOptions } from "./turns.ts";

interface Part {
  readonly name: string;
  readonly options: BenchOptions;
  readonly machine: Machine;
  readonly measurements: readonly Measurement[];
}

/** Everything that a person needs to read the figures, and to get them again. */
export function textOf({ name, options, machine, measurements }: Part): string {
  const rows = measurements.map(rowOf);
  const { rounds, seconds, connections } = options;
  const notes = warnings(rows);
  const open = rows.some(({ perSecond }) => perSecond !== null);
  const all = [
    `node node/bench/main.ts --only ${name} --rounds ${rounds} --seconds ${seconds}` +
      ` --connections ${connections}`,
    `${new Date().toISOString()}: ${machineLine(machine)}`,
    `closed loop, ${connections} connections, medians of ${rounds} turns of ${seconds} s`,
    saturationTable(rows),
    ...idleLines(rows),
    ...(open ? ["open loop, half of each system's own rate", latencyTable(rows)] : []),
    ...(name === "replicated" ? [goalLines(rows)] : [figuresOf(rows)]),
    notes.length === 0 ? "no failures, and the generator was never the limit" : notes.join("\n"),
  ];
  return all.join("\n\n");
}

/** The figures of one node that have goals of their own. */
function figuresOf(rows: readonly Row[]): string {
  const cpu = (work: string, system: string): number =>
    rows.find((row) => row.work === work && row.system === system)?.cpuMicroseconds ?? Number.NaN;
  const figures = {
    "local get, CPU against the floor (goal: at most 1.6)":
      cpu("get", "one node") / cpu("get", "floor"),
    "local put, CPU against the floor": cpu("put", "one node") / cpu("put", "floor"),
    "one more hop, µs of CPU on both sides (goal: at most 130)":
      cpu("lookup", "1 hop") - cpu("lookup", "0 hops"),
  };
  return Object.entries(figures)
    .filter(([, value]) => !Number.isNaN(value))
    .map(([name, value]) => `${figure(value).padStart(8)}  ${name}`)
    .join("\n");
}
