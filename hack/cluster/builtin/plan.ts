/**
 * The built-in cluster on paper: every name, address and path, in one place and nowhere else.
 *
 * The ranges are private ones that blackhole routes keep inside the machine. A node's number is the
 * only input: its address, pod subnet and directories follow from it.
 */
import { join } from "node:path";

export interface NodePlan {
  readonly index: number;
  /** Kubernetes node, network namespace and cgroup have this one name. */
  readonly name: string;
  readonly address: string;
  readonly podSubnet: string;
  /** The host's end of the node's cable; taking it down is a network partition. */
  readonly hostLink: string;
  /** Stands for a zone, so that topology spread has something to spread over. */
  readonly zone: string;
  readonly directory: string;
  readonly cgroup: string;
  readonly containerdSocket: string;
}

export interface ClusterPlan {
  /** All that the cluster writes is below this directory. */
  readonly directory: string;
  readonly logDirectory: string;
  readonly runDirectory: string;
  readonly pkiDirectory: string;
  /** The administrator's kubeconfig, also the one that `env` prints. */
  readonly kubeconfig: string;
  readonly auditLog: string;
  readonly apiServer: string;
  readonly nodes: readonly NodePlan[];
  /** Node 0 also runs the control plane. */
  readonly controlPlane: NodePlan;
}

export const network = {
  bridge: "chordring0",
  bridgeAddress: "10.89.0.1",
  nodeRange: "10.89.0.0/24",
  podRange: "10.244.0.0/16",
  serviceRange: "10.96.0.0/16",
  apiServiceAddress: "10.96.0.1",
  dnsServiceAddress: "10.96.0.10",
  domain: "cluster.local",
} as const;

export const CLUSTER_NAME = "chordring";
/** Parent of the nodes' cgroups, in every hierarchy. */
export const CGROUP_PARENT = CLUSTER_NAME;
const NODE_COUNT = 3;
const FIRST_NODE_HOST_NUMBER = 10;

function nodePlan(index: number, directory: string): NodePlan {
  const name = `${CLUSTER_NAME}-${index}`;
  const nodeDirectory = join(directory, "nodes", name);
  return {
    index,
    name,
    address: `10.89.0.${FIRST_NODE_HOST_NUMBER + index}`,
    podSubnet: `10.244.${index}.0/24`,
    hostLink: `${network.bridge}n${index}`,
    zone: `zone-${index}`,
    directory: nodeDirectory,
    cgroup: `/${CGROUP_PARENT}/${name}`,
    containerdSocket: join(nodeDirectory, "containerd.sock"),
  };
}

/** Lays the cluster out below the cache directory. */
export function clusterPlan(cacheDirectory: string): ClusterPlan {
  const directory = join(cacheDirectory, "cluster");
  const nodes = Array.from({ length: NODE_COUNT }, (_, index) => nodePlan(index, directory));
  const controlPlane = nodes[0] as NodePlan;
  return {
    directory,
    logDirectory: join(directory, "logs"),
    runDirectory: join(directory, "run"),
    pkiDirectory: join(directory, "pki"),
    kubeconfig: join(directory, "kubeconfig", "admin.conf"),
    auditLog: join(directory, "logs", "audit.log"),
    apiServer: `https://${controlPlane.address}:6443`,
    nodes,
    controlPlane,
  };
}
