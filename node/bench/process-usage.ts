/** What processes have used, as Linux counts it: CPU (utime + stime), and calls that write. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU in ticks of 10 ms, whatever the kernel's own rate is. */
const TICKS_PER_SECOND = 100;

/** Of all threads of a process, those that ended included. */
export function cpuSecondsOf(processId: number): number {
  return readStat(`/proc/${processId}/stat`).cpuSeconds;
}

/** write, writev and the like, to disks and sockets: few for many operations is batching. */
export function writeCallsOf(processId: number): number {
  const found = /^syscw: (\d+)$/m.exec(readFileSync(`/proc/${processId}/io`, "utf8"))?.[1];
  return Number(found ?? Number.NaN);
}

export interface ThreadCpu {
  readonly id: number;
  readonly name: string;
  readonly cpuSeconds: number;
}

export function threadsOf(processId: number): ThreadCpu[] {
  return readdirSync(`/proc/${processId}/task`).map((id) => {
    return { id: Number(id), ...readStat(`/proc/${processId}/task/${id}/stat`) };
  });
}

function readStat(path: string): { name: string; cpuSeconds: number } {
  const stat = readFileSync(path, "utf8");
  // The name, in brackets, may hold blanks; what counts comes behind it.
  const nameEnd = stat.lastIndexOf(")");
  const fields = stat.slice(nameEnd + 2).split(" ");
  return {
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
  };
}
