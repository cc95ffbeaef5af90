/**
 * At most one node of a ring may be evicted at a time, so that a drain never takes neighbours
 * together, nor two copies of the same data: a node is ready again only when its copies are
 * complete. A ring of one node has no budget: it would block every drain for good.
 */
import type { V1PodDisruptionBudgetSpec } from "@kubernetes/client-node";
import type { ChordRing } from "../api/chordring.ts";
import { type Manifest, metadata, objectNames, selectorLabels } from "./manifest.ts";

export interface PodDisruptionBudgetManifest extends Manifest {
  spec: V1PodDisruptionBudgetSpec;
}

export function podDisruptionBudget(ring: ChordRing): PodDisruptionBudgetManifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata(ring, objectNames(ring.metadata.name).policy),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorLabels(ring) },
      // A node that is not ready may be unable to become so where it is: a drain must not wait.
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
  };
}
