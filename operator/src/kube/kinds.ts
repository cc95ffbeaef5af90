/**
 * The kinds the operator works with and their paths in the API.
 *
 * A fixed table instead of discovery: the operator knows its kinds, and a table needs no requests.
 * Everything the rest of the operator sees is plain JSON, as `kubectl get -o json` shows it. (The
 * client library's generated classes turn times into Dates in lists but not in watches, so objects
 * from the two would never compare equal.)
 */
import { API_VERSION, KIND, PLURAL } from "../api/chordring.ts";

export interface Kind {
  apiVersion: string;
  kind: string;
  plural: string;
}

function kindOf(apiVersion: string, kind: string, plural: string): Kind {
  return { apiVersion, kind, plural };
}

export const KINDS = {
  ring: kindOf(API_VERSION, KIND, PLURAL),
  configMap: kindOf("v1", "ConfigMap", "configmaps"),
  event: kindOf("v1", "Event", "events"),
  node: kindOf("v1", "Node", "nodes"),
  pod: kindOf("v1", "Pod", "pods"),
  secret: kindOf("v1", "Secret", "secrets"),
  service: kindOf("v1", "Service", "services"),
  serviceAccount: kindOf("v1", "ServiceAccount", "serviceaccounts"),
  statefulSet: kindOf("apps/v1", "StatefulSet", "statefulsets"),
  lease: kindOf("coordination.k8s.io/v1", "Lease", "leases"),
  networkPolicy: kindOf("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  podDisruptionBudget: kindOf("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
} as const;

/** What every object has; the rest of it is for whoever knows the kind. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { uid: string; controller?: boolean; kind?: string; name?: string }[];
    deletionTimestamp?: string;
    creationTimestamp?: string;
    managedFields?: unknown;
  };
}

export interface ObjectKey {
  /** Empty for a kind that belongs to the whole cluster. */
  namespace: string;
  name: string;
}

export function kindNamed(apiVersion: string, kind: string): Kind {
  const found = Object.values(KINDS).find(
    (entry) => entry.apiVersion === apiVersion && entry.kind === kind,
  );
  if (!found) {
    throw new Error(`kind ${apiVersion} ${kind} is not in kinds.ts: add it there`);
  }
  return found;
}

/** The path of a collection, in one namespace or in all of them. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const root = kind.apiVersion.includes("/") ? "/apis" : "/api";
  const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}/${kind.apiVersion}${scope}/${kind.plural}`;
}

export function objectPath(kind: Kind, key: ObjectKey): string {
  const namespace = key.namespace === "" ? undefined : key.namespace;
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(key.name)}`;
}

export function keyText(key: ObjectKey): string {
  return `${key.namespace}/${key.name}`;
}

export function parseKey(text: string): ObjectKey {
  const [namespace = "", name = ""] = text.split("/");
  return { namespace, name };
}
