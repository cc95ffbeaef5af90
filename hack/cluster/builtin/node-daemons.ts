/**
 * What runs for each node: containerd, kubelet and kube-proxy, all in the node's network namespace,
 * all with directories of their own, since three nodes share one file system.
 */
import { join } from "node:path";
import { goEnvironment } from "./control-plane.ts";
import type { Daemon } from "./daemon.ts";
import { insideNode } from "./network.ts";
import { kubeconfigPath, kubeletKubeconfig } from "./pki.ts";
import { type ClusterPlan, type NodePlan, network } from "./plan.ts";

export interface NodePrograms {
  readonly kubernetes: string;
  readonly containerd: string;
  readonly cni: string;
  /** The directories where runc and iptables were found, for the daemons' PATH. */
  readonly searchPath: string;
  readonly sandboxImage: string;
}

/** The pods' network on a node: a bridge with that node's subnet, nothing masqueraded. */
export function cniConfig(node: NodePlan): string {
  const config = {
    cniVersion: "1.0.0",
    name: node.name,
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: node.podSubnet }]],
          routes: [{ dst: "0.0.0.0/0" }],
          dataDir: join(node.directory, "cni", "addresses"),
        },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** containerd's configuration for a node. */
export function containerdConfig(node: NodePlan, programs: NodePrograms): string {
  return `version = 3
root = '${join(node.directory, "containerd", "root")}'
state = '${join(node.directory, "containerd", "state")}'

[grpc]
  address = '${node.containerdSocket}'

[ttrpc]
  address = '${node.containerdSocket}.ttrpc'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '${programs.sandboxImage}'

[plugins.'io.containerd.cri.v1.runtime']
  # The machine may lack CAP_SYS_RESOURCE, and then lowering the score fails every sandbox.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['${programs.cni}']
  conf_dir = '${join(node.directory, "cni", "config")}'
  use_internal_loopback = true

[plugins.'io.containerd.internal.v1.opt']
  path = '${join(node.directory, "containerd", "opt")}'

[plugins.'io.containerd.metadata.v1.bolt']
  no_sync = true

[plugins.'io.containerd.nri.v1.nri']
  disable = true
`;
}

/** containerd comes first: images are imported before the kubelet asks for them. */
export function containerdDaemon(node: NodePlan, programs: NodePrograms): Daemon {
  const config = join(node.directory, "containerd", "config.toml");
  return {
    name: `${node.name}-containerd`,
    environment: { ...goEnvironment, PATH: `${programs.containerd}:${programs.searchPath}` },
    files: {
      [config]: containerdConfig(node, programs),
      [join(node.directory, "cni", "config", "10-bridge.conflist")]: cniConfig(node),
    },
    command: [
      ...insideNode(node),
      join(programs.containerd, "containerd"),
      "--config",
      config,
      "--log-level",
      "warn",
    ],
  };
}

/** The kubelet's configuration for a node. */
export function kubeletConfig(plan: ClusterPlan, node: NodePlan): string {
  return `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ${node.address}
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: ${join(plan.pkiDirectory, "ca.crt")}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: ${node.cgroup}
failCgroupV1: false
failSwapOn: false
clusterDNS: [${network.dnsServiceAddress}]
clusterDomain: ${network.domain}
containerRuntimeEndpoint: unix://${node.containerdSocket}
podLogsDir: ${join(node.directory, "pod-logs")}
resolvConf: ${join(node.directory, "resolv.conf")}
volumePluginDir: ${join(node.directory, "kubelet-plugins")}
rotateCertificates: false
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard:
  memory.available: "0%"
  nodefs.available: "0%"
  nodefs.inodesFree: "0%"
  imagefs.available: "0%"
  imagefs.inodesFree: "0%"
oomScoreAdj: 0
`;
}

function kubelet(plan: ClusterPlan, node: NodePlan, programs: NodePrograms): Daemon {
  const config = join(node.directory, "kubelet-config.yaml");
  return {
    name: `${node.name}-kubelet`,
    environment: { ...goEnvironment, PATH: programs.searchPath },
    files: {
      [config]: kubeletConfig(plan, node),
      // Pods ask only the cluster's own name server.
      [join(node.directory, "resolv.conf")]: `nameserver ${plan.controlPlane.address}\n`,
    },
    command: [
      ...insideNode(node),
      join(programs.kubernetes, "kubelet"),
      `--config=${config}`,
      `--kubeconfig=${kubeletKubeconfig(plan, node)}`,
      `--root-dir=${join(node.directory, "kubelet")}`,
      `--cert-dir=${join(node.directory, "kubelet-pki")}`,
      `--hostname-override=${node.name}`,
      `--node-ip=${node.address}`,
      `--node-labels=topology.kubernetes.io/zone=${node.zone}`,
      "--v=1",
    ],
  };
}

/** kube-proxy's configuration for a node. */
export function kubeProxyConfig(plan: ClusterPlan, node: NodePlan): string {
  return `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
bindAddress: 0.0.0.0
hostnameOverride: ${node.name}
clusterCIDR: ${network.podRange}
clientConnection: {kubeconfig: ${kubeconfigPath(plan, "kube-proxy")}}
# The table of connections is the machine's, not ours to resize.
conntrack: {maxPerCore: 0, min: 0}
metricsBindAddress: 127.0.0.1:10249
oomScoreAdj: 0
`;
}

function kubeProxy(plan: ClusterPlan, node: NodePlan, programs: NodePrograms): Daemon {
  const config = join(node.directory, "kube-proxy.yaml");
  return {
    name: `${node.name}-kube-proxy`,
    environment: { ...goEnvironment, PATH: programs.searchPath },
    files: { [config]: kubeProxyConfig(plan, node) },
    command: [
      ...insideNode(node),
      join(programs.kubernetes, "kube-proxy"),
      `--config=${config}`,
      "--v=0",
    ],
  };
}

/** The daemons that need the API server. */
export function kubernetesDaemons(
  plan: ClusterPlan,
  node: NodePlan,
  programs: NodePrograms,
): readonly Daemon[] {
  return [kubelet(plan, node, programs), kubeProxy(plan, node, programs)];
}
