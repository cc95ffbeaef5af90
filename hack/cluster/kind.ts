/**
 * The cluster by kind, where a Docker engine runs: one control plane and two workers, all three
 * open for pods, with the same audit log as the built-in cluster has.
 */
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { step } from "../lib/progress.ts";
import { findProgram, output, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";
import { ensurePrograms, linkCommand } from "./binaries.ts";
import { auditPolicy } from "./builtin/control-plane.ts";
import { writeIfChanged } from "./builtin/daemon.ts";
import { CLUSTER_NAME } from "./builtin/plan.ts";

const directory = join(settings.cacheDirectory, "kind");

export const kindKubeconfig: string = join(directory, "kubeconfig");
export const kindAuditLog: string = join(directory, "audit", "audit.log");

/**
 * kind's configuration; the policy and the log are mounted through to the API server. The patches
 * name no apiVersion: kind silently ignores one that differs from the node image's, and fits
 * arguments of the older form to the newer one by itself.
 */
export function kindConfig(auditDirectory: string): string {
  return `kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
name: ${CLUSTER_NAME}
nodes:
- role: control-plane
  extraMounts: [{hostPath: ${auditDirectory}, containerPath: /audit}]
  kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    nodeRegistration: {taints: []}
  - |
    kind: ClusterConfiguration
    apiServer:
      extraArgs:
        audit-policy-file: /audit/policy.yaml
        audit-log-path: /audit/audit.log
      extraVolumes:
      - {name: audit, hostPath: /audit, mountPath: /audit, readOnly: false, pathType: Directory}
- role: worker
- role: worker
`;
}

/** Whether a Docker engine answers; the client alone is common and of no use. */
export async function dockerEngineAnswers(): Promise<boolean> {
  if ((await findProgram("docker")) === undefined) return false;
  const info = ["docker", "info", "--format", "{{.ServerVersion}}"];
  const result = await run(info, { allowFailure: true, timeoutMs: 10_000 });
  return result.code === 0 && result.stdout.trim() !== "";
}

/** kind from PATH, or built from its Go module. */
export async function kindProgram(): Promise<string> {
  const installed = await findProgram("kind");
  if (installed !== undefined) return installed;
  return join((await ensurePrograms(["kind"])).kind, "kind");
}

async function ensureCommands(): Promise<void> {
  // A kubectl or helm that the person already has is good enough for a kind cluster.
  for (const [program, group] of [
    ["kubectl", "kubernetes"],
    ["helm", "helm"],
  ] as const) {
    const installed = await findProgram(program);
    const path = installed ?? join((await ensurePrograms([group]))[group], program);
    await linkCommand(program, path);
  }
}

export async function kindClusterExists(kind: string): Promise<boolean> {
  return (await output([kind, "get", "clusters"])).split("\n").includes(CLUSTER_NAME);
}

export async function kindUp(): Promise<void> {
  const kind = await kindProgram();
  await ensureCommands();
  if (!(await kindClusterExists(kind))) {
    const auditDirectory = join(directory, "audit");
    await mkdir(auditDirectory, { recursive: true });
    await writeIfChanged(join(auditDirectory, "policy.yaml"), auditPolicy);
    const image = settings.kindImage === "" ? [] : ["--image", settings.kindImage];
    const create = [kind, "create", "cluster", "--config", "-", ...image, "--wait", "5m"];
    await step(
      "create the kind cluster",
      () => run([...create, "--kubeconfig", kindKubeconfig], { input: kindConfig(auditDirectory) }),
      { expectedSeconds: 90 },
    );
    // The API server writes its log for root only; tests read it as whoever runs them.
    const readable = ["chmod", "0644", "/audit/audit.log"];
    await run(["docker", "exec", `${CLUSTER_NAME}-control-plane`, ...readable]);
  }
  const export_ = ["export", "kubeconfig", "--name", CLUSTER_NAME, "--kubeconfig", kindKubeconfig];
  await run([kind, ...export_]);
  await access(kindKubeconfig);
}

export async function kindDown(): Promise<void> {
  const kind = await kindProgram();
  if (!(await kindClusterExists(kind))) return;
  const remove = [kind, "delete", "cluster", "--name", CLUSTER_NAME];
  await step("delete the kind cluster", () => run([...remove, "--kubeconfig", kindKubeconfig]));
}
