/**
 * Images in the nodes' containerd. Every node has a store of its own, as real nodes do.
 */
import { join } from "node:path";
import { output, run } from "../../lib/run.ts";
import { waitFor } from "../../lib/wait-for.ts";
import type { ClusterPlan, NodePlan } from "./plan.ts";
import type { ImageArchive } from "./tools-image.ts";

function ctr(programs: string, node: NodePlan, command: readonly string[]): readonly string[] {
  const program = join(programs, "ctr");
  return [program, "--address", node.containerdSocket, "--namespace", "k8s.io", ...command];
}

/** Resolves when a node's containerd answers. */
export async function waitForContainerd(programs: string, node: NodePlan): Promise<void> {
  const answers = async (): Promise<boolean> => {
    const result = await run(ctr(programs, node, ["version"]), { allowFailure: true });
    return result.code === 0;
  };
  await waitFor(`containerd of ${node.name} answers`, answers, { timeoutMs: 60_000 });
}

async function hasImage(programs: string, node: NodePlan, name: string): Promise<boolean> {
  const list = await output(ctr(programs, node, ["images", "list", "--quiet", `name==${name}`]));
  return list.split("\n").includes(name);
}

/** The nodes that lack an image. */
export async function nodesWithout(
  plan: ClusterPlan,
  programs: string,
  name: string,
): Promise<NodePlan[]> {
  const present = await Promise.all(plan.nodes.map((node) => hasImage(programs, node, name)));
  return plan.nodes.filter((_, index) => present[index] === false);
}

/** Digests of the blobs that all of these nodes have, and so need not be sent. */
export async function commonContent(
  programs: string,
  nodes: readonly NodePlan[],
): Promise<ReadonlySet<string>> {
  const list = ["content", "list", "--quiet"];
  const texts = await Promise.all(nodes.map((node) => output(ctr(programs, node, list))));
  const [first = new Set<string>(), ...others] = texts.map((text) => new Set(text.split("\n")));
  return new Set([...first].filter((digest) => others.every((other) => other.has(digest))));
}

/** Imports an image into every node that lacks it. */
export async function importImage(
  plan: ClusterPlan,
  programs: string,
  image: ImageArchive,
): Promise<void> {
  const lacking = await nodesWithout(plan, programs, image.name);
  const load = ["images", "import", image.file];
  await Promise.all(lacking.map((node) => run(ctr(programs, node, load))));
}
