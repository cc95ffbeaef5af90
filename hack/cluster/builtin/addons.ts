/**
 * What a cluster needs beside Kubernetes itself: names (CoreDNS) and volumes (local-path), both as
 * plain processes next to the control plane, and the few objects that make them known.
 */
import { join } from "node:path";
import { goEnvironment } from "./control-plane.ts";
import type { Daemon } from "./daemon.ts";
import { insideNode } from "./network.ts";
import { kubeconfigPath } from "./pki.ts";
import { type ClusterPlan, network } from "./plan.ts";

const STORAGE_NAMESPACE = "local-path-storage";
const STORAGE_SERVICE_ACCOUNT = "local-path-provisioner";
const STORAGE_CONFIG_MAP = "local-path-config";
const STORAGE_PROVISIONER = "rancher.io/local-path";

/**
 * Cluster names only, with a short time to live and no cache: a test that replaces a pod must see
 * its new address at once. Every other name does not exist, so no question leaves the machine.
 */
export function corefile(plan: ClusterPlan): string {
  const { address } = plan.controlPlane;
  const zones = `${network.domain} in-addr.arpa ip6.arpa`;
  // Two blocks, since within one the template would answer before the cluster is asked.
  return `${zones} {
    bind ${address}
    errors
    ready ${address}:8181
    kubernetes ${zones} {
        kubeconfig ${kubeconfigPath(plan, "system:coredns")}
        pods insecure
        ttl 5
    }
}
. {
    bind ${address}
    errors
    template ANY ANY . {
        rcode NXDOMAIN
    }
}
`;
}

/** The name server, listening on node 0's address. */
export function corednsDaemon(plan: ClusterPlan, programs: string): Daemon {
  const config = join(plan.directory, "Corefile");
  return {
    name: "coredns",
    environment: goEnvironment,
    files: { [config]: corefile(plan) },
    command: [...insideNode(plan.controlPlane), join(programs, "coredns"), "-conf", config],
  };
}

/** Where each node's volumes lie; the nodes share a file system, so the paths must differ. */
export function storageConfig(plan: ClusterPlan): string {
  const nodePathMap = plan.nodes.map((node) => ({
    node: node.name,
    paths: [join(node.directory, "volumes")],
  }));
  return `${JSON.stringify({ nodePathMap }, null, 2)}\n`;
}

/** The provisioner of volumes. */
export function storageDaemon(plan: ClusterPlan, programs: string, helperImage: string): Daemon {
  const config = join(plan.directory, "local-path.json");
  const helperPod = join(plan.directory, "local-path-helper-pod.yaml");
  return {
    name: "local-path-provisioner",
    environment: goEnvironment,
    files: {
      [config]: storageConfig(plan),
      [helperPod]: `apiVersion: v1
kind: Pod
metadata: {name: helper-pod}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: helper-pod, image: "${helperImage}", imagePullPolicy: IfNotPresent}
`,
    },
    command: [
      ...insideNode(plan.controlPlane),
      join(programs, "local-path-provisioner"),
      "start",
      `--kubeconfig=${kubeconfigPath(plan, "local-path-provisioner")}`,
      `--config=${config}`,
      `--helper-pod-file=${helperPod}`,
      `--helper-image=${helperImage}`,
      `--namespace=${STORAGE_NAMESPACE}`,
      `--configmap-name=${STORAGE_CONFIG_MAP}`,
      `--service-account-name=${STORAGE_SERVICE_ACCOUNT}`,
      `--provisioner-name=${STORAGE_PROVISIONER}`,
    ],
  };
}

function clusterRoleBinding(name: string, role: string, kind: string, subject: string): string {
  return `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "${name}"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "${role}"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: ${kind}, name: "${subject}"}]
`;
}

/** Rights that kubeadm's later phases would have granted, and those of the two add-ons. */
const accessObjects: readonly string[] = [
  // Without this one exec, logs and port-forward are forbidden.
  clusterRoleBinding(
    "chordring:kubelet-api-admin",
    "system:kubelet-api-admin",
    "User",
    "kube-apiserver-kubelet-client",
  ),
  clusterRoleBinding("kubeadm:cluster-admins", "cluster-admin", "Group", "kubeadm:cluster-admins"),
  clusterRoleBinding("chordring:storage", "cluster-admin", "User", "local-path-provisioner"),
  `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:coredns"}
rules:
- {apiGroups: [""], resources: [services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
`,
  clusterRoleBinding("system:coredns", "system:coredns", "User", "system:coredns"),
];

function dnsObjects(plan: ClusterPlan): readonly string[] {
  return [
    `apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: ${network.dnsServiceAddress}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
`,
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: kube-dns
  namespace: kube-system
  labels: {kubernetes.io/service-name: kube-dns}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
endpoints: [{addresses: [${plan.controlPlane.address}], conditions: {ready: true}}]
`,
  ];
}

// The directory is open to all: kubelet applies no fsGroup to host paths, and pods are not root.
const storageObjects: readonly string[] = [
  `apiVersion: v1
kind: Namespace
metadata: {name: ${STORAGE_NAMESPACE}}
`,
  `apiVersion: v1
kind: ServiceAccount
metadata: {name: ${STORAGE_SERVICE_ACCOUNT}, namespace: ${STORAGE_NAMESPACE}}
`,
  `apiVersion: v1
kind: ConfigMap
metadata: {name: ${STORAGE_CONFIG_MAP}, namespace: ${STORAGE_NAMESPACE}}
data:
  setup: |
    #!/bin/sh
    set -eu
    mkdir -m 0777 -p "$VOL_DIR"
  teardown: |
    #!/bin/sh
    set -eu
    rm -rf "$VOL_DIR"
`,
  `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: ${STORAGE_PROVISIONER}
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
`,
];

/** Every object of the add-ons as one YAML stream, to be applied by server-side apply. */
export function addonObjects(plan: ClusterPlan): string {
  return [...accessObjects, ...dnsObjects(plan), ...storageObjects].join("---\n");
}
