/** Facts of the machine that figures depend on, measured where the data of a run will lie. */
import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { LatencyHistogram } from "./latency-histogram.ts";

const SYNCS = 300;
const PAGE_BYTES = 4_096;
/** The magic number of a file system in memory, where fsync means nothing. */
const TMPFS_TYPE = 0x01021994;

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly fdatasyncP50Ms: number;
  readonly fdatasyncP99Ms: number;
  /** Runnable processes in the last minute, before the run began. */
  readonly loadAverage: number;
}

export function describeMachine(directory: string): Machine {
  if (statfsSync(directory).type === TMPFS_TYPE) {
    throw new Error(`${directory} is in memory, where fsync costs nothing: set TMPDIR to a disk`);
  }
  const syncs = measureSyncs(directory);
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: /^[\d.]+/.exec(release())?.[0] ?? "unknown",
    node: process.version,
    fdatasyncP50Ms: syncs.percentileMs(0.5),
    fdatasyncP99Ms: syncs.percentileMs(0.99),
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** Appends pages to a file, each followed by fdatasync, as a log does. */
function measureSyncs(directory: string): LatencyHistogram {
  const path = join(directory, "syncs");
  const file = openSync(path, "w");
  const histogram = new LatencyHistogram();
  const page = Buffer.alloc(PAGE_BYTES, 1);
  for (let index = 0; index < SYNCS; index += 1) {
    writeSync(file, page);
    const startedMs = performance.now();
    fdatasyncSync(file);
    histogram.recordMs(performance.now() - startedMs);
  }
  closeSync(file);
  rmSync(path);
  return histogram;
}
