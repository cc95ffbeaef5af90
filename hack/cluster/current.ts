/**
 * Which cluster the scripts work on, and how to reach it: the one kept by `make cluster`.
 */
import { settings, type ClusterKind } from "../lib/settings.ts";
import { clusterDirectoryExists } from "./builtin/down.ts";
import { type ClusterPlan, clusterPlan } from "./builtin/plan.ts";
import { dockerEngineAnswers, kindAuditLog, kindKubeconfig } from "./kind.ts";

export interface CurrentCluster {
  readonly kind: ClusterKind;
  readonly kubeconfig: string;
  readonly auditLog: string;
}

export const plan: ClusterPlan = clusterPlan(settings.cacheDirectory);

/** A cluster that exists keeps its kind; a new one is kind where an engine answers. */
async function clusterKind(): Promise<ClusterKind> {
  if (settings.forcedClusterKind !== undefined) return settings.forcedClusterKind;
  if (await clusterDirectoryExists(plan)) return "builtin";
  return (await dockerEngineAnswers()) ? "kind" : "builtin";
}

export async function currentCluster(): Promise<CurrentCluster> {
  const kind = await clusterKind();
  if (kind === "kind") return { kind, kubeconfig: kindKubeconfig, auditLog: kindAuditLog };
  return { kind, kubeconfig: plan.kubeconfig, auditLog: plan.auditLog };
}
