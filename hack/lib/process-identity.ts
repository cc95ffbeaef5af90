/**
 * Tells a process from a later one with the same number, by the time it started.
 * A script may end only what it started itself, and a bare pid cannot prove that.
 */
import { readFile } from "node:fs/promises";

/** Fields after the command's closing bracket in /proc/PID/stat; the first is the state. */
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;

/** The kernel's start time of a live process, or undefined when there is none. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[STATE_FIELD] === "Z" ? undefined : fields[START_TIME_FIELD];
  } catch {
    return undefined;
  }
}

/** Changes with every start of the machine; pids and mounts of another boot are gone. */
export async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}
