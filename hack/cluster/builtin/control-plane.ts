/**
 * The control plane: etcd, API server, controller manager and scheduler, in node 0's network.
 *
 * Tuned for a throw-away cluster on a small machine: etcd does not sync to disk, nothing elects
 * leaders, and the audit log keeps only writes that come from outside the cluster's own machinery,
 * which is what a test needs to prove that an operator at rest writes nothing.
 */
import { join } from "node:path";
import type { Daemon } from "./daemon.ts";
import { insideNode } from "./network.ts";
import { kubeconfigPath } from "./pki.ts";
import { type ClusterPlan, network } from "./plan.ts";

/** Fewer collections: memory is cheaper here than the two cores. */
export const goEnvironment = { GOGC: "200" } as const;

/** Who wrote what, without bodies; reads and the cluster's own components are left out. */
export const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [get, list, watch]}
- {level: None, userGroups: ["system:nodes"]}
- level: None
  users:
  - system:apiserver
  - system:kube-controller-manager
  - system:kube-scheduler
  - system:kube-proxy
  - local-path-provisioner
- {level: None, userGroups: ["system:serviceaccounts:kube-system"]}
- {level: Metadata}
`;

function etcd(plan: ClusterPlan, programs: string): Daemon {
  return {
    name: "etcd",
    environment: goEnvironment,
    command: [
      ...insideNode(plan.controlPlane),
      join(programs, "etcd"),
      `--data-dir=${join(plan.directory, "etcd")}`,
      "--listen-client-urls=http://127.0.0.1:2379",
      "--advertise-client-urls=http://127.0.0.1:2379",
      "--listen-peer-urls=http://127.0.0.1:2380",
      "--unsafe-no-fsync",
      "--log-level=warn",
      // Snapshots and old revisions only cost here.
      "--auto-compaction-mode=periodic",
      "--auto-compaction-retention=30m",
    ],
  };
}

function apiServerFlags(plan: ClusterPlan): string[] {
  const pki = (name: string): string => join(plan.pkiDirectory, name);
  return [
    `--advertise-address=${plan.controlPlane.address}`,
    "--secure-port=6443",
    "--etcd-servers=http://127.0.0.1:2379",
    `--service-cluster-ip-range=${network.serviceRange}`,
    "--allow-privileged=true",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--profiling=false",
    "--v=0",
    `--client-ca-file=${pki("ca.crt")}`,
    `--tls-cert-file=${pki("apiserver.crt")}`,
    `--tls-private-key-file=${pki("apiserver.key")}`,
    `--kubelet-client-certificate=${pki("apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${pki("apiserver-kubelet-client.key")}`,
    // Node names resolve nowhere.
    "--kubelet-preferred-address-types=InternalIP,Hostname",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${pki("sa.pub")}`,
    `--service-account-signing-key-file=${pki("sa.key")}`,
    `--proxy-client-cert-file=${pki("front-proxy-client.crt")}`,
    `--proxy-client-key-file=${pki("front-proxy-client.key")}`,
    `--requestheader-client-ca-file=${pki("front-proxy-ca.crt")}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-username-headers=X-Remote-User",
  ];
}

function apiServer(plan: ClusterPlan, programs: string): Daemon {
  const policy = join(plan.directory, "audit-policy.yaml");
  return {
    name: "kube-apiserver",
    environment: goEnvironment,
    files: { [policy]: auditPolicy },
    command: [
      ...insideNode(plan.controlPlane),
      join(programs, "kube-apiserver"),
      ...apiServerFlags(plan),
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${plan.auditLog}`,
      "--audit-log-maxsize=50",
      "--audit-log-maxbackup=2",
    ],
  };
}

function controllerManager(plan: ClusterPlan, programs: string): Daemon {
  const kubeconfig = kubeconfigPath(plan, "controller-manager");
  return {
    name: "kube-controller-manager",
    environment: goEnvironment,
    command: [
      ...insideNode(plan.controlPlane),
      join(programs, "kube-controller-manager"),
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      `--root-ca-file=${join(plan.pkiDirectory, "ca.crt")}`,
      `--cluster-signing-cert-file=${join(plan.pkiDirectory, "ca.crt")}`,
      `--cluster-signing-key-file=${join(plan.pkiDirectory, "ca.key")}`,
      `--service-account-private-key-file=${join(plan.pkiDirectory, "sa.key")}`,
      "--use-service-account-credentials=true",
      // Every node's pod subnet is fixed by the plan.
      "--allocate-node-cidrs=false",
      "--leader-elect=false",
      "--profiling=false",
      "--bind-address=127.0.0.1",
    ],
  };
}

function scheduler(plan: ClusterPlan, programs: string): Daemon {
  const kubeconfig = kubeconfigPath(plan, "scheduler");
  return {
    name: "kube-scheduler",
    environment: goEnvironment,
    command: [
      ...insideNode(plan.controlPlane),
      join(programs, "kube-scheduler"),
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--profiling=false",
      "--bind-address=127.0.0.1",
    ],
  };
}

/** The API server and its store. */
export function apiDaemons(
  plan: ClusterPlan,
  programs: { readonly etcd: string; readonly kubernetes: string },
): readonly Daemon[] {
  return [etcd(plan, programs.etcd), apiServer(plan, programs.kubernetes)];
}

/** The daemons that exit when the API server does not yet know their rights. */
export function controllerDaemons(plan: ClusterPlan, kubernetes: string): readonly Daemon[] {
  return [controllerManager(plan, kubernetes), scheduler(plan, kubernetes)];
}
