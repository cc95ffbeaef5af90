/**
 * Certificates and kubeconfigs, made by kubeadm's own phases, so that names and groups in them are
 * those that Kubernetes expects. Made once: a second run keeps what is there.
 */
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { output, run } from "../../lib/run.ts";
import { writeIfChanged } from "./daemon.ts";
import { CLUSTER_NAME, type ClusterPlan, type NodePlan, network } from "./plan.ts";

/** Users besides those that kubeadm makes kubeconfigs for. */
const extraUsers = ["system:kube-proxy", "system:coredns", "local-path-provisioner"] as const;

/** The kubeconfig of one of the control plane's own users, or of a node's kubelet. */
export function kubeconfigPath(plan: ClusterPlan, name: string): string {
  return join(plan.directory, "kubeconfig", `${name.replace("system:", "")}.conf`);
}

/** kubeadm's configuration as the given node sees it. */
export function kubeadmConfig(plan: ClusterPlan, node: NodePlan): string {
  return `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${plan.controlPlane.address}, bindPort: 6443}
nodeRegistration:
  name: ${node.name}
  criSocket: unix://${node.containerdSocket}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: ${CLUSTER_NAME}
certificatesDir: ${plan.pkiDirectory}
controlPlaneEndpoint: ${plan.controlPlane.address}:6443
encryptionAlgorithm: ECDSA-P256
networking: {serviceSubnet: ${network.serviceRange}, dnsDomain: ${network.domain}}
apiServer:
  certSANs: [127.0.0.1, ${plan.controlPlane.address}, ${network.apiServiceAddress}]
`;
}

async function configFor(plan: ClusterPlan, node: NodePlan): Promise<string> {
  const path = join(plan.directory, "kubeadm", `${node.name}.yaml`);
  await writeIfChanged(path, kubeadmConfig(plan, node));
  return path;
}

async function nodeKubeconfig(plan: ClusterPlan, node: NodePlan, kubeadm: string): Promise<void> {
  const directory = join(plan.directory, "kubeconfig", node.name);
  const config = await configFor(plan, node);
  const phase = ["init", "phase", "kubeconfig", "kubelet"];
  await run([kubeadm, ...phase, "--config", config, "--kubeconfig-dir", directory]);
}

/** The kubeconfig of a node's kubelet. */
export function kubeletKubeconfig(plan: ClusterPlan, node: NodePlan): string {
  return join(plan.directory, "kubeconfig", node.name, "kubelet.conf");
}

/** Makes every key, certificate and kubeconfig of the cluster, unless they are there. */
export async function ensurePki(plan: ClusterPlan, kubeadm: string): Promise<void> {
  const complete = join(plan.pkiDirectory, "complete");
  const done = await access(complete).then(
    () => true,
    () => false,
  );
  if (done) return;
  const directory = join(plan.directory, "kubeconfig");
  await mkdir(directory, { recursive: true });
  const config = await configFor(plan, plan.controlPlane);
  await run([kubeadm, "init", "phase", "certs", "all", "--config", config]);
  for (const user of ["admin", "super-admin", "controller-manager", "scheduler"]) {
    const phase = ["init", "phase", "kubeconfig", user];
    await run([kubeadm, ...phase, "--config", config, "--kubeconfig-dir", directory]);
  }
  for (const node of plan.nodes) await nodeKubeconfig(plan, node, kubeadm);
  for (const user of extraUsers) {
    const command = [kubeadm, "kubeconfig", "user", "--config", config, "--client-name", user];
    await writeIfChanged(kubeconfigPath(plan, user), await output(command));
  }
  await writeIfChanged(complete, "every certificate and kubeconfig was made\n");
}
