/**
 * Which Kubernetes node the suite on partitions cuts off: one without the API server, or nobody
 * could watch, and if there is a choice one without the operator, so that its word can be judged.
 */
import type { V1EndpointSliceList, V1Node, V1NodeList } from "@kubernetes/client-node";
import { linkOf, type NodeFacts } from "../../hack/cluster/cut.ts";
import type { NodeLink } from "../../hack/cluster/node-link.ts";
import { config } from "../config.ts";
import { apiGet } from "./cluster.ts";
import { operatorPods } from "./operator.ts";

export interface NodeToCut {
  readonly facts: NodeFacts;
  /** To ask what is on the node while it is cut off. */
  readonly link: NodeLink;
  /** Whether the operator runs there, and so sees no more than that side. */
  readonly hasOperator: boolean;
}

/** Where the API server answers, by the Service that every cluster has for it. */
async function apiServerAddresses(): Promise<Set<string>> {
  const path = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  const selector = encodeURIComponent("kubernetes.io/service-name=kubernetes");
  const { items } = await apiGet<V1EndpointSliceList>(`${path}?labelSelector=${selector}`);
  return new Set(items.flatMap((slice) => slice.endpoints?.flatMap((one) => one.addresses) ?? []));
}

function factsOf({ metadata, spec, status }: V1Node): NodeFacts {
  const internal = status?.addresses?.find((one) => one.type === "InternalIP");
  return {
    name: metadata?.name ?? "",
    address: internal?.address ?? "",
    providerId: spec?.providerID ?? "",
  };
}

/**
 * Chooses the node, or fails with what to do: a cluster of which no node can be cut off cannot show
 * that a ring survives it, and that must not look like a pass.
 */
export async function nodeToCut(): Promise<NodeToCut> {
  const { items } = await apiGet<V1NodeList>("/api/v1/nodes");
  const serving = await apiServerAddresses();
  const operator = new Set((await operatorPods()).map((pod) => pod.spec?.nodeName));
  const candidates = items
    .map(factsOf)
    .filter(({ name }) => config.cutNode === "" || name === config.cutNode)
    .filter(({ address }) => !serving.has(address))
    .flatMap((facts): NodeToCut[] => {
      const link = linkOf(facts);
      return link === undefined ? [] : [{ facts, link, hasOperator: operator.has(facts.name) }];
    });
  const chosen = candidates.find((one) => !one.hasOperator) ?? candidates[0];
  if (chosen !== undefined) return chosen;
  const names = items.map(({ metadata }) => metadata?.name).join(", ");
  throw new Error(
    `none of the nodes ${names} can be cut off from here: this suite needs a worker of the ` +
      "cluster of `make cluster`, or of any kind cluster whose engine runs on this machine",
  );
}
