/**
 * What runs of the built-in cluster, for people and for scripts that want to know before acting.
 */
import { basename, join } from "node:path";
import { readyNodes } from "../kubectl.ts";
import { Kubectl } from "../kubectl.ts";
import { commandDirectory } from "../binaries.ts";
import { daemonRuns, recordedDaemons } from "./daemon.ts";
import { clusterDirectoryExists } from "./down.ts";
import type { ClusterPlan, NodePlan } from "./plan.ts";

/** Lines that describe the cluster. */
export async function describeStatus(plan: ClusterPlan): Promise<string[]> {
  if (!(await clusterDirectoryExists(plan)))
    return ["no built-in cluster; start one: make cluster"];
  const lines: string[] = [`built-in cluster in ${plan.directory}`];
  for (const name of (await recordedDaemons(plan)).sort()) {
    lines.push(`  ${(await daemonRuns(plan, name)) ? "runs" : "DEAD"}  ${basename(name)}`);
  }
  const kubectl = new Kubectl(join(commandDirectory, "kubectl"), plan.kubeconfig);
  const ready = await readyNodes(kubectl).catch(() => undefined);
  if (ready === undefined) lines.push("the API server does not answer; repair: make cluster");
  else lines.push(`nodes Ready: ${ready.join(", ") || "none"}`);
  return lines;
}

/** The node of that name; only workers may be cut off, or nobody could ask about it. */
export function workerNamed(plan: ClusterPlan, name: string): NodePlan {
  const workers = plan.nodes.filter((node) => node !== plan.controlPlane);
  const node = workers.find((worker) => worker.name === name);
  if (node !== undefined) return node;
  const names = workers.map((worker) => worker.name).join(", ");
  throw new Error(`"${name}" cannot be partitioned; choose one of ${names}`);
}
