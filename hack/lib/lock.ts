/**
 * One at a time: two `make` commands that want the same cache take turns.
 *
 * The lock is a file naming its holder. A holder that no longer runs holds nothing, so a killed
 * command never blocks the next one.
 */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { processStartTime } from "./process-identity.ts";
import { say } from "./progress.ts";
import { waitFor } from "./wait-for.ts";

const WAIT_TIMEOUT_MS = 30 * 60_000;

async function holderRuns(path: string): Promise<boolean> {
  const [pid = "", startTime = ""] = (await readFile(path, "utf8")).split(" ");
  return startTime !== "" && (await processStartTime(Number(pid))) === startTime;
}

async function tryTake(path: string): Promise<boolean> {
  const mine = `${process.pid} ${(await processStartTime(process.pid)) ?? ""}`;
  try {
    await writeFile(path, mine, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (!(await holderRuns(path))) await rm(path, { force: true });
  return false;
}

/** Runs `work` while holding the lock file `path`. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  if (!(await tryTake(path))) {
    say(`waiting for another chordring command (it holds ${path})`);
    await waitFor(`the lock ${path} is free`, () => tryTake(path), { timeoutMs: WAIT_TIMEOUT_MS });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
