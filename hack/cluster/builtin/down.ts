/**
 * Takes the built-in cluster down: everything it started, and only that.
 *
 * The order matters. Kubelets first, or they would restart what is ended after them; containers
 * next, found by the cluster's own cgroups; then the other daemons and the shims; then mounts,
 * before anything below the directory is deleted; the network last.
 */
import { access, readdir, readFile, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../lib/run.ts";
import { waitFor } from "../../lib/wait-for.ts";
import { cgroupProcesses, removeCgroups } from "./cgroups.ts";
import { recordedDaemons, stopDaemon } from "./daemon.ts";
import { removeNetwork } from "./network.ts";
import type { ClusterPlan } from "./plan.ts";

const CONTAINERS_END_TIMEOUT_MS = 15_000;
/** Where every kubelet links its containers' logs. */
const CONTAINER_LOG_LINKS = "/var/log/containers";

export async function clusterDirectoryExists(plan: ClusterPlan): Promise<boolean> {
  return access(plan.directory).then(
    () => true,
    () => false,
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}

async function endContainers(): Promise<void> {
  const ended = async (): Promise<boolean> => {
    const processes = await cgroupProcesses();
    for (const pid of processes) kill(pid);
    return processes.size === 0;
  };
  await waitFor("the containers end", ended, { timeoutMs: CONTAINERS_END_TIMEOUT_MS });
}

/** Shims name their containerd's socket on the command line, which proves whose they are. */
async function endShims(plan: ClusterPlan): Promise<void> {
  const sockets = new Set(plan.nodes.map((node) => node.containerdSocket));
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const commandLine = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    const words = commandLine.split("\0");
    const isShim = words[0]?.includes("containerd-shim") === true;
    if (isShim && words.some((word) => sockets.has(word))) kill(Number(entry));
  }
}

async function mountsBelow(directory: string): Promise<string[]> {
  const MOUNT_POINT_FIELD = 4;
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return lines
    .map((line) => line.split(" ")[MOUNT_POINT_FIELD] ?? "")
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

async function unmountAll(plan: ClusterPlan): Promise<void> {
  const none = async (): Promise<boolean> => {
    const mounts = await mountsBelow(plan.directory);
    if (mounts.length === 0) return true;
    await run(["umount", "--lazy", ...mounts], { allowFailure: true });
    return false;
  };
  // Deleting through a mount would delete what is mounted, so this must succeed first.
  await waitFor("the cluster's mounts are gone", none, { timeoutMs: 15_000, intervalMs: 20 });
}

async function removeLogLinks(plan: ClusterPlan): Promise<void> {
  for (const name of await readdir(CONTAINER_LOG_LINKS).catch(() => [])) {
    const link = join(CONTAINER_LOG_LINKS, name);
    const target = await readlink(link).catch(() => "");
    if (target.startsWith(`${plan.directory}/`)) await rm(link, { force: true });
  }
}

async function stopAll(plan: ClusterPlan, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => stopDaemon(plan, name)));
}

/** Ends and removes all of the cluster; works on any half-built or half-dead one. */
export async function tearDown(plan: ClusterPlan): Promise<void> {
  const daemons = await recordedDaemons(plan);
  await stopAll(
    plan,
    daemons.filter((name) => name.endsWith("-kubelet")),
  );
  await endContainers();
  await stopAll(plan, await recordedDaemons(plan));
  await endShims(plan);
  await endContainers();
  await unmountAll(plan);
  await removeNetwork(plan);
  await removeCgroups();
  await removeLogLinks(plan);
  await rm(plan.directory, { recursive: true, force: true });
}
