/**
 * The cluster command: `up`, `down`, `env`, `status`, and for trying things out `partition NODE`
 * and `heal NODE`, which cut one node off from all others and connect it again.
 */
import { join } from "node:path";
import { runScript } from "../lib/command-line.ts";
import { withLock } from "../lib/lock.ts";
import { say, step } from "../lib/progress.ts";
import { output } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";
import { commandDirectory } from "./binaries.ts";
import { clusterDirectoryExists, tearDown } from "./builtin/down.ts";
import { networkState } from "./builtin/network.ts";
import { describeStatus, workerNamed } from "./builtin/status.ts";
import { checkPathLength, up } from "./builtin/up.ts";
import { currentCluster, plan } from "./current.ts";
import { environmentLines } from "./environment.ts";
import { kindDown, kindProgram, kindUp } from "./kind.ts";
import { builtinLink, containerLink, type NodeLink } from "./node-link.ts";

const lockFile = join(settings.cacheDirectory, "cluster.lock");

/** Makes the cluster run; exported for the demo, which starts with it. */
export async function clusterUp(): Promise<void> {
  await withLock(lockFile, async () => {
    const { kind } = await currentCluster();
    if (kind === "kind") return kindUp();
    checkPathLength(plan);
    return up(plan);
  });
}

async function clusterDown(): Promise<void> {
  await withLock(lockFile, async () => {
    const { kind } = await currentCluster();
    if (kind === "kind") return kindDown();
    const exists = (await clusterDirectoryExists(plan)) || (await networkState(plan)) !== "none";
    if (exists) await step("remove the built-in cluster", () => tearDown(plan));
    else say("there is no cluster");
  });
}

async function printEnvironment(): Promise<void> {
  const { kubeconfig, auditLog } = await currentCluster();
  const lines = environmentLines({
    commandDirectory,
    nodeDirectory: join(settings.repositoryRoot, "node_modules", ".bin"),
    searchPath: settings.searchPath,
    kubeconfig,
    auditLog,
  });
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function printStatus(): Promise<void> {
  const { kind } = await currentCluster();
  const lines =
    kind === "kind"
      ? [`kind clusters: ${await output([await kindProgram(), "get", "clusters"])}`]
      : await describeStatus(plan);
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function linkNamed(name: string): Promise<NodeLink> {
  const { kind } = await currentCluster();
  if (kind === "kind") return containerLink("docker", name);
  return builtinLink(workerNamed(plan, name));
}

const commands: Readonly<Record<string, (argument: string) => Promise<void>>> = {
  up: clusterUp,
  down: clusterDown,
  env: printEnvironment,
  status: printStatus,
  partition: async (name) => (await linkNamed(name)).cut(),
  heal: async (name) => (await linkNamed(name)).heal(),
};

if (import.meta.main) {
  await runScript(async () => {
    const [name = "", argument = ""] = process.argv.slice(2);
    const command = commands[name];
    if (command === undefined) {
      throw new Error(`usage: hack/cluster/main.ts ${Object.keys(commands).join("|")} [NODE]`);
    }
    await command(argument);
  });
}
