/**
 * The run as text: tables with the ratios to the other systems of the same run, and the goals with
 * what came of them. Absolute figures belong to one machine on one day; the ratios are the result.
 */
import type { Machine } from "./machine.ts";
import { IDLE, type Row } from "./measurement.ts";

const NAME_WIDTH = 20;
const CELL_WIDTH = 8;
/** Above this the generator is what limits a closed loop. */
const GENERATOR_CORES_MAX = 0.9;

/** The row of another system under the same load, in the same kind of loop. */
function peerOf(rows: readonly Row[], row: Row, system: string): Row | undefined {
  return rows.find(
    (other) =>
      other.system === system &&
      other.work === row.work &&
      (other.perSecond === null) === (row.perSecond === null),
  );
}

function line(name: string, cells: readonly string[]): string {
  return name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join("");
}

/** Digits as they are read: 0.123, 1.23, 12.3, 123. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return value.toFixed(0);
  if (magnitude >= 10) return value.toFixed(1);
  return value.toFixed(2);
}

function ratio(value: number, reference: number | undefined): string {
  return figure(value / (reference ?? Number.NaN));
}

/** Groups of rows under the same load, each with a blank line before it. */
function grouped(rows: readonly Row[], lineOf: (row: Row) => string): string[] {
  return rows.flatMap((row, index) => {
    const first = index > 0 && rows[index - 1]?.work !== row.work;
    return first ? ["", lineOf(row)] : [lineOf(row)];
  });
}

/** Closed loop: rates and costs. `×` columns are ratios to the system that they name. */
export function saturationTable(rows: readonly Row[]): string {
  const closed = rows.filter(({ work, perSecond }) => perSecond === null && work !== IDLE);
  const head = [
    "op/s",
    "×etcd",
    "CPU µs",
    "×etcd",
    "×floor",
    "writes",
    "p50 ms",
    "p99 ms",
    "p99.9",
    "fwd %",
  ];
  const lines = grouped(closed, (row) => {
    const etcd = peerOf(rows, row, "etcd");
    const floor = peerOf(rows, row, "floor");
    return line(`${row.work} ${row.system}`, [
      figure(row.operationsPerSecond),
      ratio(row.operationsPerSecond, etcd?.operationsPerSecond),
      figure(row.cpuMicroseconds),
      ratio(row.cpuMicroseconds, etcd?.cpuMicroseconds),
      ratio(row.cpuMicroseconds, floor?.cpuMicroseconds),
      figure(row.writeCalls),
      figure(row.p50Ms),
      figure(row.p99Ms),
      figure(row.p999Ms),
      figure(row.forwardedShare * 100),
    ]);
  });
  return [line("", head), ...lines].join("\n");
}

/** What systems use while nobody asks them, if it was measured. */
export function idleLines(rows: readonly Row[]): string[] {
  const idle = rows.filter(({ work }) => work === IDLE);
  if (idle.length === 0) return [];
  const uses = idle.map(({ system, coresUsed }) => `${system} ${coresUsed.toFixed(3)}`);
  return [`cores used by all servers while nobody asks: ${uses.join("; ")}`];
}

/** Open loop: latencies at a rate that the system can keep. */
export function latencyTable(rows: readonly Row[]): string {
  const open = rows.filter(({ perSecond }) => perSecond !== null);
  const head = ["offered/s", "done/s", "CPU µs", "×etcd", "p50 ms", "p99 ms", "p99.9", "late"];
  const lines = grouped(open, (row) =>
    line(`${row.work} ${row.system}`, [
      figure(row.perSecond ?? Number.NaN),
      figure(row.operationsPerSecond),
      figure(row.cpuMicroseconds),
      ratio(row.cpuMicroseconds, peerOf(rows, row, "etcd")?.cpuMicroseconds),
      figure(row.p50Ms),
      figure(row.p99Ms),
      figure(row.p999Ms),
      figure(row.latenessP99Ms),
    ]),
  );
  return [line("", head), ...lines].join("\n");
}

/** What would make figures wrong, in sentences; empty when there is nothing to say. */
export function warnings(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => {
    const name = `${row.work} ${row.system}${row.perSecond === null ? "" : ", open loop"}`;
    const failed = `${name}: ${row.failures} failures, such as ${row.firstFailure ?? "none"}`;
    const limited = `${name}: the generator used ${figure(row.generatorCoresUsed)} of a core`;
    const overdue = `${name}: ${row.waiting} requests were overdue at the end`;
    return [
      ...(row.failures > 0 ? [failed.replaceAll(/\s+/g, " ")] : []),
      ...(row.generatorCoresUsed > GENERATOR_CORES_MAX ? [`${limited}, so it is the limit`] : []),
      ...(row.waiting > (row.perSecond ?? 0) / 100 ? [overdue] : []),
    ];
  });
}

interface Goal {
  readonly text: string;
  readonly value: number;
  readonly met: boolean;
}

/** The goals of the replicated data layer, each from rows of this run alone. */
function goals(rows: readonly Row[]): Goal[] {
  const closed = rows.filter(({ perSecond }) => perSecond === null);
  const against = (system: string, work: string, of: (row: Row) => number): number => {
    const find = (name: string): number => {
      const row = closed.find((row) => row.system === name && row.work === work);
      return row === undefined ? Number.NaN : of(row);
    };
    return find(system) / find("etcd");
  };
  const atMost = (text: string, value: number, limit: number): Goal => {
    return { text: `${text}: at most ${limit} of etcd's`, value, met: value <= limit };
  };
  const cpu = (row: Row): number => row.cpuMicroseconds;
  const rate = (row: Row): number => row.operationsPerSecond;
  const p99 = (row: Row): number => row.p99Ms;
  const failures = rows.reduce((sum, row) => sum + row.failures, 0);
  return [
    atMost("CPU per put", against("ring, direct", "put", cpu), 0.3),
    atMost("CPU per linearizable get", against("ring, direct", "get", cpu), 0.25),
    atMost("CPU per put through any node", against("ring, any node", "put", cpu), 0.5),
    atMost("CPU per get through any node", against("ring, any node", "get", cpu), 0.5),
    ...["put", "get"].flatMap((work): Goal[] => {
      const rates = against("ring, direct", work, rate);
      const tails = against("ring, direct", work, p99);
      return [
        { text: `${work}s per second: at least 2.5 times etcd's`, value: rates, met: rates >= 2.5 },
        { text: `p99 of a ${work}: lower than etcd's`, value: tails, met: tails < 1 },
      ];
    }),
    { text: "failed operations: none", value: failures, met: failures === 0 },
  ];
}

export function goalLines(rows: readonly Row[]): string {
  return goals(rows)
    .map(({ text, value, met }) => {
      return (met ? "met" : "NOT met").padEnd(9) + figure(value).padStart(6) + `  ${text}`;
    })
    .join("\n");
}

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGib, kernel, node, fdatasyncP50Ms, fdatasyncP99Ms } = machine;
  return [
    `${cores} cores (${cpu}), ${memoryGib} GiB, Linux ${kernel}, Node ${node}`,
    `fdatasync p50 ${figure(fdatasyncP50Ms)} ms, p99 ${figure(fdatasyncP99Ms)} ms, ` +
      `load average before the run ${figure(machine.loadAverage)}`,
  ].join("\n");
}
