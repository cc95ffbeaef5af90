/**
 * The nodes' own ServiceAccount: no rights and no mounted token, nodes never talk to Kubernetes.
 */
import type { ChordRing } from "../api/chordring.ts";
import { type Manifest, metadata, objectNames } from "./manifest.ts";

export interface ServiceAccountManifest extends Manifest {
  automountServiceAccountToken: false;
}

export function serviceAccount(ring: ChordRing): ServiceAccountManifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: metadata(ring, objectNames(ring.metadata.name).serviceAccount),
    automountServiceAccountToken: false,
  };
}
