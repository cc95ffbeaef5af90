/**
 * Who may talk to a ring's nodes: anyone to the client port, and to the peer port only the ring's
 * own nodes and the operator. The token guards the peer port too; this closes it one layer earlier.
 */
import type { ChordRing } from "../api/chordring.ts";
import { type Manifest, metadata, OPERATOR_NAME, objectNames, selectorLabels } from "./manifest.ts";

interface LabelSelector {
  matchLabels: Record<string, string>;
}

interface IngressRule {
  ports: { port: string; protocol: "TCP" }[];
  from?: { podSelector?: LabelSelector; namespaceSelector?: LabelSelector }[];
}

export interface NetworkPolicyManifest extends Manifest {
  spec: { podSelector: LabelSelector; policyTypes: ["Ingress"]; ingress: IngressRule[] };
}

export function networkPolicy(ring: ChordRing, operatorNamespace: string): NetworkPolicyManifest {
  const ringPods = { matchLabels: selectorLabels(ring) };
  const operatorPods = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": operatorNamespace } },
    podSelector: { matchLabels: { "app.kubernetes.io/name": OPERATOR_NAME } },
  };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(ring, objectNames(ring.metadata.name).policy),
    spec: {
      podSelector: ringPods,
      policyTypes: ["Ingress"],
      ingress: [
        { ports: [{ port: "http", protocol: "TCP" }] },
        {
          ports: [{ port: "peer", protocol: "TCP" }],
          from: [{ podSelector: ringPods }, operatorPods],
        },
      ],
    },
  };
}
