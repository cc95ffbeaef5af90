/**
 * What every object of a ring has in common: its name, its labels, and the owner reference by which
 * Kubernetes deletes it together with the ring.
 *
 * The builders beside this file are pure: a ChordRing in, a manifest out, nothing read and nothing
 * remembered. What they leave out belongs to someone else, and is left alone by server-side apply.
 */
import { API_VERSION, type ChordRing, KIND, RING_LABEL } from "../api/chordring.ts";

export const API_PORT = 8080;
export const PEER_PORT = 8081;
/** The numeric user and group of the node image, which owns nothing but its volume. */
export const NODE_USER_ID = 65532;
export const OPERATOR_NAME = "chordring-operator";

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: true;
  blockOwnerDeletion: true;
}

export interface ManifestMeta {
  name: string;
  namespace: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences: OwnerReference[];
}

/** An object as the operator wants it; fields it does not name are not its business. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: ManifestMeta;
}

/** The names of a ring's objects; `chordring.dev` contracts on the first four. */
export function objectNames(
  ringName: string,
): Record<
  "statefulSet" | "client" | "nodes" | "seed" | "config" | "token" | "serviceAccount" | "policy",
  string
> {
  return {
    statefulSet: ringName,
    client: ringName,
    nodes: `${ringName}-nodes`,
    seed: `${ringName}-seed`,
    config: `${ringName}-config`,
    token: `${ringName}-peer-token`,
    serviceAccount: `${ringName}-node`,
    policy: ringName,
  };
}

/** The name of a node, which is its pod's name. */
export function nodeName(ringName: string, ordinal: number): string {
  return `${ringName}-${ordinal}`;
}

/** The labels that select a ring's pods; a StatefulSet's selector is immutable, so this is too. */
export function selectorLabels(ring: ChordRing): Record<string, string> {
  return { [RING_LABEL]: ring.metadata.name };
}

export function standardLabels(ring: ChordRing): Record<string, string> {
  return {
    ...selectorLabels(ring),
    "app.kubernetes.io/name": "chordring-node",
    "app.kubernetes.io/instance": ring.metadata.name,
    "app.kubernetes.io/component": "node",
    "app.kubernetes.io/part-of": "chordring",
    "app.kubernetes.io/managed-by": OPERATOR_NAME,
  };
}

export function metadata(ring: ChordRing, name: string): ManifestMeta {
  return {
    name,
    namespace: ring.metadata.namespace,
    labels: standardLabels(ring),
    ownerReferences: [
      {
        apiVersion: API_VERSION,
        kind: KIND,
        name: ring.metadata.name,
        uid: ring.metadata.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}
