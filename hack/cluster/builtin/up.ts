/**
 * Brings the built-in cluster up: each part is brought to the state the plan describes, in order,
 * whether it is missing, dead, outdated or already right. A fresh start, a repair, an upgrade and
 * a no-op are therefore one path. What cannot be repaired in place (another boot, a network half
 * gone, an API server that does not come back) is removed and built again.
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hashWords } from "../../lib/content-hash.ts";
import { bootId } from "../../lib/process-identity.ts";
import { say, step } from "../../lib/progress.ts";
import { findProgram } from "../../lib/run.ts";
import { settings } from "../../lib/settings.ts";
import { waitFor } from "../../lib/wait-for.ts";
import { builtinGroups, ensurePrograms, type GroupName, linkCommand } from "../binaries.ts";
import { ensureDebianPrograms } from "../debian-packages.ts";
import { Kubectl, readyNodes } from "../kubectl.ts";
import { addonObjects, corednsDaemon, storageDaemon } from "./addons.ts";
import { ensureCgroups } from "./cgroups.ts";
import { importImage, waitForContainerd } from "./containerd.ts";
import { apiDaemons, controllerDaemons } from "./control-plane.ts";
import {
  type Daemon,
  daemonRuns,
  ensureDaemon,
  recordedDaemons,
  writeIfChanged,
} from "./daemon.ts";
import { clusterDirectoryExists, tearDown } from "./down.ts";
import { createNetwork, networkState, setNodeLink } from "./network.ts";
import { containerdDaemon, kubernetesDaemons, type NodePrograms } from "./node-daemons.ts";
import { ensurePki, kubeconfigPath } from "./pki.ts";
import type { ClusterPlan } from "./plan.ts";
import { ensureToolsImage, type ImageArchive } from "./tools-image.ts";

type Programs = Record<GroupName, string>;

const API_SERVER_TIMEOUT_MS = 90_000;
const NODES_TIMEOUT_MS = 120_000;

interface Materials {
  readonly plan: ClusterPlan;
  readonly programs: Programs;
  readonly nodePrograms: NodePrograms;
  readonly toolsImage: ImageArchive;
  readonly kubectl: Kubectl;
}

async function directoryOf(program: string): Promise<string> {
  const path = await findProgram(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return dirname(path);
}

/** Everything the cluster is made of, fetched or built. */
async function prepare(plan: ClusterPlan): Promise<Materials> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) {
    throw new Error(
      "no Docker engine answers, and the built-in cluster needs Linux and root; " +
        "start Docker, or run this as root",
    );
  }
  await ensureDebianPrograms([
    "ip",
    "nsenter",
    "mount",
    "runc",
    "iptables",
    "conntrack",
    "buildah",
  ]);
  const programs = (await ensurePrograms(builtinGroups)) as Programs;
  await linkCommand("kubectl", join(programs.kubernetes, "kubectl"));
  await linkCommand("helm", join(programs.helm, "helm"));
  const toolsImage = await ensureToolsImage();
  const directories = await Promise.all(
    ["runc", "iptables", "conntrack", "mount"].map(directoryOf),
  );
  const nodePrograms = {
    kubernetes: programs.kubernetes,
    containerd: programs.containerd,
    cni: programs.cni,
    searchPath: [...new Set([...directories, ...USUAL_PATH])].join(":"),
    sandboxImage: toolsImage.name,
  };
  const kubectl = new Kubectl(
    join(programs.kubernetes, "kubectl"),
    kubeconfigPath(plan, "super-admin"),
  );
  return { plan, programs, nodePrograms, toolsImage, kubectl };
}

// Fixed, because a daemon is restarted when its environment changes and callers' PATHs differ.
const USUAL_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

function bootFile(plan: ClusterPlan): string {
  return join(plan.directory, "boot-id");
}

async function anyDaemonRuns(plan: ClusterPlan): Promise<boolean> {
  const names = await recordedDaemons(plan);
  return (await Promise.all(names.map((name) => daemonRuns(plan, name)))).some(Boolean);
}

/** Whether what an earlier run left can be repaired in place: something of it must still live. */
async function repairable(plan: ClusterPlan): Promise<boolean> {
  const recorded = await readFile(bootFile(plan), "utf8").catch(() => "");
  if (recorded !== (await bootId()) || (await networkState(plan)) !== "complete") return false;
  return anyDaemonRuns(plan);
}

async function nothingExists(plan: ClusterPlan): Promise<boolean> {
  return !(await clusterDirectoryExists(plan)) && (await networkState(plan)) === "none";
}

async function ensureGround(materials: Materials): Promise<void> {
  const { plan, programs } = materials;
  if ((await networkState(plan)) === "complete") {
    for (const node of plan.nodes) await setNodeLink(node, "up");
  } else {
    await step("network: a bridge and three namespaces", () => createNetwork(plan));
  }
  await writeIfChanged(bootFile(plan), await bootId());
  await ensureCgroups(plan);
  await ensurePki(plan, join(programs.kubernetes, "kubeadm"));
}

async function ensureContainerd({ plan, programs, ...materials }: Materials): Promise<boolean> {
  const started = await Promise.all(
    plan.nodes.map((node) => ensureDaemon(plan, containerdDaemon(node, materials.nodePrograms))),
  );
  await Promise.all(plan.nodes.map((node) => waitForContainerd(programs.containerd, node)));
  await importImage(plan, programs.containerd, materials.toolsImage);
  return started.some(Boolean);
}

async function ensureDaemons(plan: ClusterPlan, daemons: readonly Daemon[]): Promise<boolean> {
  let started = false;
  for (const daemon of daemons) started = (await ensureDaemon(plan, daemon)) || started;
  return started;
}

async function ensureControlPlane({ plan, programs, kubectl }: Materials): Promise<boolean> {
  const apiStarted = await ensureDaemons(plan, apiDaemons(plan, programs));
  const ready = async (): Promise<boolean> => {
    return (await kubectl.text(["get", "--raw", "/readyz", "--request-timeout=3s"])) === "ok";
  };
  await waitFor("the API server is ready", ready, { timeoutMs: API_SERVER_TIMEOUT_MS });
  const controllers = controllerDaemons(plan, programs.kubernetes);
  return (await ensureDaemons(plan, controllers)) || apiStarted;
}

/** Applied once per content: asking the API server again on every run would only cost time. */
async function ensureAddonObjects({ plan, kubectl }: Materials): Promise<void> {
  const objects = addonObjects(plan);
  const marker = join(plan.directory, "addons-applied");
  const applied = await readFile(marker, "utf8").catch(() => "");
  if (applied === hashWords([objects])) return;
  // The namespace of one object may be created by another, and defaults by the control plane.
  const apply = async (): Promise<boolean> => kubectl.apply(objects).then(() => true);
  await waitFor("the cluster's own objects are accepted", apply, { timeoutMs: 30_000 });
  await writeIfChanged(marker, hashWords([objects]));
}

async function ensureNodes({ plan, programs, ...materials }: Materials): Promise<boolean> {
  const daemons = [
    ...plan.nodes.flatMap((node) => kubernetesDaemons(plan, node, materials.nodePrograms)),
    corednsDaemon(plan, programs.coredns),
    storageDaemon(plan, programs["local-path"], materials.toolsImage.name),
  ];
  return ensureDaemons(plan, daemons);
}

async function waitForNodes({ plan, kubectl }: Materials): Promise<void> {
  await step("nodes Ready", async (current) => {
    const allReady = async (): Promise<boolean> => {
      const ready = await readyNodes(kubectl);
      current.detail = `${ready.length} of ${plan.nodes.length}`;
      return plan.nodes.every((node) => ready.includes(node.name));
    };
    await waitFor("all nodes are Ready", allReady, { timeoutMs: NODES_TIMEOUT_MS });
  });
}

/** A daemon that ended right after its start would leave a cluster that only looks healthy. */
async function checkDaemons(plan: ClusterPlan): Promise<void> {
  for (const name of await recordedDaemons(plan)) {
    if (await daemonRuns(plan, name)) continue;
    const log = join(plan.logDirectory, `${name}.log`);
    const lines = (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n");
    throw new Error(`${name} ended by itself; the end of ${log}:\n${lines.slice(-3).join("\n")}`);
  }
}

async function ensureCluster(materials: Materials): Promise<void> {
  await ensureGround(materials);
  const started = [
    await step("containerd", () => ensureContainerd(materials)),
    await step("control plane", () => ensureControlPlane(materials)),
    await step("DNS, volumes, kubelets", async () => {
      await ensureAddonObjects(materials);
      return ensureNodes(materials);
    }),
  ];
  await waitForNodes(materials);
  await checkDaemons(materials.plan);
  const already = started.some(Boolean) ? "is up" : "was up already, nothing to do";
  say(`the built-in cluster ${already}: ${materials.plan.nodes.length} nodes`);
}

/** Brings the cluster up, repairing or rebuilding whatever an earlier run left. */
export async function up(plan: ClusterPlan): Promise<void> {
  const materials = await prepare(plan);
  const fresh = await nothingExists(plan);
  if (!fresh && !(await repairable(plan))) {
    await step("remove what an earlier run left", () => tearDown(plan));
  }
  try {
    await ensureCluster(materials);
  } catch (error) {
    if (fresh) throw withLogs(error, plan);
    const reason = error instanceof Error ? error.message : String(error);
    say(`cannot repair the cluster in place (${reason})`);
    await step("remove it and build it again", () => tearDown(plan));
    await ensureCluster(materials).catch((cause: unknown) => {
      throw withLogs(cause, plan);
    });
  }
}

function withLogs(cause: unknown, plan: ClusterPlan): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${message}\nthe daemons' logs are in ${plan.logDirectory}`, { cause });
}

/** The base of `settings.cacheDirectory` must leave room for socket paths (108 bytes on Linux). */
export function checkPathLength(plan: ClusterPlan): void {
  const longest = Math.max(...plan.nodes.map((node) => `${node.containerdSocket}.ttrpc`.length));
  if (longest <= 100) return;
  throw new Error(
    `the cache directory ${settings.cacheDirectory} is too long for Unix sockets; ` +
      "set XDG_CACHE_HOME to a shorter path",
  );
}
