/**
 * Which cluster the scripts work on, and how to reach it: the one kept by `make cluster`.
 */
import { settings, type ClusterKind } from "../lib/settings.ts";
import { clusterDirectoryExists } from "./builtin/down.ts";
import { type ClusterPlan, clusterPlan } from "./builtin/plan.ts";
import {
  dockerEngineAnswers,
  kindAuditLog,
  kindClusterExists,
  kindKubeconfig,
  kindProgram,
} from "./kind.ts";

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

/** Whether `make cluster` has been run and not undone. */
export async function clusterExists(): Promise<boolean> {
  if ((await clusterKind()) === "builtin") return clusterDirectoryExists(plan);
  return kindClusterExists(await kindProgram());
}

export async function currentCluster(): Promise<CurrentCluster> {
  const kind = await clusterKind();
  if (kind === "kind") return { kind, kubeconfig: kindKubeconfig, auditLog: kindAuditLog };
  return { kind, kubeconfig: plan.kubeconfig, auditLog: plan.auditLog };
}
