/**
 * Long-running programs of the cluster, kept as they are described.
 *
 * A daemon is a command and the files it reads. It runs in a session of its own, so it outlives the
 * shell that started it. `ensureDaemon` starts it when it is not running and restarts it when its
 * description changed, so bringing a cluster up is the same act as repairing or upgrading one.
 * What is ended is always proved to be ours, by pid and start time.
 */
import { spawn } from "node:child_process";
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hashWords } from "../../lib/content-hash.ts";
import { processStartTime } from "../../lib/process-identity.ts";
import { waitFor } from "../../lib/wait-for.ts";
import type { ClusterPlan } from "./plan.ts";

export interface Daemon {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Path to content; written before the start, and only when they differ. */
  readonly files?: Readonly<Record<string, string>>;
}

interface DaemonRecord {
  readonly pid: number;
  readonly startTime: string;
  readonly description: string;
}

const DAEMON_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Enough for every daemon that has something to save; nothing in a throw-away cluster is. */
const STOP_TIMEOUT_MS = 3_000;

/**
 * Writes a file unless it already has that content: kube-proxy exits when its file is rewritten.
 */
export async function writeIfChanged(path: string, content: string): Promise<void> {
  const current = await readFile(path, "utf8").catch(() => undefined);
  if (current === content) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

function recordPath(plan: ClusterPlan, name: string): string {
  return join(plan.runDirectory, `${name}.json`);
}

async function readRecord(plan: ClusterPlan, name: string): Promise<DaemonRecord | undefined> {
  try {
    return JSON.parse(await readFile(recordPath(plan, name), "utf8")) as DaemonRecord;
  } catch {
    return undefined;
  }
}

async function runs(record: DaemonRecord | undefined): Promise<boolean> {
  return record !== undefined && (await processStartTime(record.pid)) === record.startTime;
}

function descriptionHash(daemon: Daemon): string {
  const files = Object.entries(daemon.files ?? {}).flat();
  const environment = Object.entries(daemon.environment ?? {}).flat();
  return hashWords([...daemon.command, "files", ...files, "environment", ...environment]);
}

async function start(plan: ClusterPlan, daemon: Daemon): Promise<void> {
  const [program, ...commandArguments] = daemon.command;
  if (program === undefined) throw new Error(`daemon ${daemon.name} has no command`);
  await mkdir(plan.logDirectory, { recursive: true });
  await mkdir(plan.runDirectory, { recursive: true });
  for (const [path, content] of Object.entries(daemon.files ?? {})) {
    await writeIfChanged(path, content);
  }
  const log = await open(join(plan.logDirectory, `${daemon.name}.log`), "a");
  const child = spawn(program, commandArguments, {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    cwd: "/",
    // Not the caller's: a daemon outlives the shell that happened to start it.
    env: { PATH: DAEMON_PATH, ...daemon.environment },
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  await log.close();
  const pid = child.pid as number;
  const startTime = (await processStartTime(pid)) ?? "";
  const record: DaemonRecord = { pid, startTime, description: descriptionHash(daemon) };
  await writeFile(recordPath(plan, daemon.name), JSON.stringify(record));
}

/** Makes the daemon run as described; tells whether it had to be started. */
export async function ensureDaemon(plan: ClusterPlan, daemon: Daemon): Promise<boolean> {
  const record = await readRecord(plan, daemon.name);
  if (await runs(record)) {
    if (record?.description === descriptionHash(daemon)) return false;
    await stopDaemon(plan, daemon.name);
  }
  await start(plan, daemon);
  return true;
}

/** Names of all daemons that were started and not stopped, running or not. */
export async function recordedDaemons(plan: ClusterPlan): Promise<string[]> {
  const files = await readdir(plan.runDirectory).catch(() => []);
  return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -5));
}

/** Whether the daemon's process is alive. */
export async function daemonRuns(plan: ClusterPlan, name: string): Promise<boolean> {
  return runs(await readRecord(plan, name));
}

/** Ends a daemon: asked first, then forced. */
export async function stopDaemon(plan: ClusterPlan, name: string): Promise<void> {
  const record = await readRecord(plan, name);
  if (record !== undefined && (await runs(record))) {
    process.kill(record.pid, "SIGTERM");
    const gone = async (): Promise<boolean> => !(await runs(record));
    await waitFor(`${name} ends`, gone, { timeoutMs: STOP_TIMEOUT_MS, intervalMs: 50 }).catch(() =>
      process.kill(record.pid, "SIGKILL"),
    );
  }
  await rm(recordPath(plan, name), { force: true });
}
