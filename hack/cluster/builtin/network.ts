/**
 * The cluster's network: a bridge on the host, and one network namespace per node plugged into it.
 *
 * Invariants: every packet of the cluster's ranges stays inside the machine (blackhole routes stand
 * below the specific ones, the bridge forwards nothing), the host's netfilter tables are not
 * touched, and taking a node's host link down cuts that node off like a pulled cable.
 */
import { access } from "node:fs/promises";
import { run } from "../../lib/run.ts";
import { type ClusterPlan, type NodePlan, network } from "./plan.ts";

async function ip(...words: string[]): Promise<void> {
  await run(["ip", ...words]);
}

async function ipQuiet(...words: string[]): Promise<boolean> {
  return (await run(["ip", ...words], { allowFailure: true })).code === 0;
}

/**
 * The prefix that runs a command in a node's network. Not `ip netns exec`: that one remounts /sys
 * and so hides the cgroups from the kubelet.
 */
export function insideNode(node: NodePlan): readonly string[] {
  return ["nsenter", `--net=/run/netns/${node.name}`, "--"];
}

async function namespaceExists(node: NodePlan): Promise<boolean> {
  // The file alone may be left over; only a mounted one can be entered.
  const path = `/run/netns/${node.name}`;
  const present = await access(path).then(
    () => true,
    () => false,
  );
  if (!present) return false;
  return (await run([...insideNode(node), "true"], { allowFailure: true })).code === 0;
}

/** How much of the network stands: a partial one is rebuilt with everything on it. */
export async function networkState(plan: ClusterPlan): Promise<"none" | "partial" | "complete"> {
  const present = await Promise.all([
    ipQuiet("link", "show", network.bridge),
    ...plan.nodes.map(namespaceExists),
    ...plan.nodes.map((node) => ipQuiet("link", "show", node.hostLink)),
  ]);
  if (present.every(Boolean)) return "complete";
  return present.some(Boolean) ? "partial" : "none";
}

async function createBridge(): Promise<void> {
  await ip("link", "add", network.bridge, "type", "bridge");
  await ip("address", "add", `${network.bridgeAddress}/24`, "dev", network.bridge);
  await ip("link", "set", network.bridge, "up");
  // Even where the host forwards for other reasons, it forwards nothing that comes from here.
  await run(["sh", "-c", `echo 0 > /proc/sys/net/ipv4/conf/${network.bridge}/forwarding`]);
}

async function createNode(plan: ClusterPlan, node: NodePlan): Promise<void> {
  const inner = "eth0";
  await ip("netns", "add", node.name);
  await ip("link", "add", node.hostLink, "type", "veth", "peer", "name", inner, "netns", node.name);
  await ip("link", "set", node.hostLink, "master", network.bridge, "up");
  const inside = ["-n", node.name];
  await ip(...inside, "link", "set", "lo", "up");
  await ip(...inside, "address", "add", `${node.address}/24`, "dev", inner);
  await ip(...inside, "link", "set", inner, "up");
  await ip(...inside, "route", "add", "default", "via", network.bridgeAddress);
  for (const other of plan.nodes) {
    if (other === node) continue;
    await ip(...inside, "route", "add", other.podSubnet, "via", other.address);
  }
  const forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
  await run([...insideNode(node), "sh", "-c", forward]);
}

/** The host reaches pods directly, and whatever has no pod behind it dies at once. */
async function routeOnHost(plan: ClusterPlan): Promise<void> {
  for (const range of [network.podRange, network.serviceRange, network.nodeRange]) {
    // The metric lets the bridge's own route to the nodes win over the blackhole of that range.
    await ip("route", "replace", "blackhole", range, "metric", "4096");
  }
  for (const node of plan.nodes) {
    await ip("route", "replace", node.podSubnet, "via", node.address);
  }
}

/** Builds the whole network on a machine that has none of it. */
export async function createNetwork(plan: ClusterPlan): Promise<void> {
  await createBridge();
  for (const node of plan.nodes) await createNode(plan, node);
  await routeOnHost(plan);
}

/** Removes whatever part of the network exists. */
export async function removeNetwork(plan: ClusterPlan): Promise<void> {
  for (const node of plan.nodes) {
    await ipQuiet("link", "delete", node.hostLink);
    await ipQuiet("netns", "delete", node.name);
  }
  await ipQuiet("link", "delete", network.bridge);
  for (const range of [network.podRange, network.serviceRange, network.nodeRange]) {
    await ipQuiet("route", "delete", "blackhole", range, "metric", "4096");
  }
}

/** Cuts a node's cable (`down`) or plugs it in again (`up`). */
export async function setNodeLink(node: NodePlan, state: "up" | "down"): Promise<void> {
  await ip("link", "set", node.hostLink, state);
}
