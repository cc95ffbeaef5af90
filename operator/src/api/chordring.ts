/**
 * The ChordRing resource as TypeScript sees it.
 *
 * `schema.ts` describes the same fields to the API server; the two cannot drift apart, because the
 * schema's property tables are typed by the keys of these interfaces. The API server fills in every
 * default before the operator reads a ring, so the fields that have one are never optional here.
 */
import type {
  V1Affinity,
  V1ResourceRequirements,
  V1Toleration,
  V1TopologySpreadConstraint,
} from "@kubernetes/client-node";

export const GROUP = "chordring.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = "ChordRing";
export const PLURAL = "chordrings";

/**
 * The label that ties every object and pod to its ring; caches watch only objects that carry it.
 */
export const RING_LABEL = `${GROUP}/ring`;
/**
 * Set on a ChordRing, with any new text, to restart its nodes one by one on the latest template.
 */
export const RESTART_ANNOTATION = `${GROUP}/restart`;

export type RetentionPolicy = "Retain" | "Delete";
export type PullPolicy = "Always" | "IfNotPresent" | "Never";
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

export interface StorageSpec {
  size: string;
  storageClassName?: string;
  whenDeleted: RetentionPolicy;
  whenScaled: RetentionPolicy;
}

export interface ChordRingSpec {
  replicas: number;
  copies: number;
  successors: number;
  stabilizeInterval: string;
  /** Absent: the nodes' own limit, 1 MiB. */
  maxValueSize?: string;
  storage: StorageSpec;
  image?: string;
  imagePullPolicy: PullPolicy;
  imagePullSecrets?: { name: string }[];
  logLevel: LogLevel;
  resources: V1ResourceRequirements;
  nodeSelector?: Record<string, string>;
  affinity?: V1Affinity;
  tolerations?: V1Toleration[];
  topologySpreadConstraints?: V1TopologySpreadConstraint[];
  priorityClassName?: string;
  podLabels?: Record<string, string>;
  podAnnotations?: Record<string, string>;
}

export type ConditionStatus = "True" | "False" | "Unknown";

export interface Condition {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

/** One node as the ring describes it; `id` is missing while nobody has read that node. */
export interface NodeStatus {
  name: string;
  id?: string;
  state: string;
}

/**
 * How far the ring's data is from where it should be; all zero when every partition has all its
 * copies there.
 */
export interface DataStatus {
  degradedPartitions: number;
  misplacedPartitions: number;
  leaderlessPartitions: number;
  keysToMove: number;
  bytesToMove: number;
}

export interface ChordRingStatus {
  observedGeneration: number;
  replicas: number;
  readyReplicas: number;
  members: number;
  keys: number;
  /** Missing, like `data`, until the nodes say what the ring holds. */
  bytes?: number;
  data?: DataStatus;
  selector: string;
  nodes: NodeStatus[];
  conditions: Condition[];
}

export interface ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  generation: number;
  resourceVersion: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface ChordRing {
  // Absent where a ring comes out of a list.
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: ChordRingSpec;
  status?: Partial<ChordRingStatus>;
}

/** Defaults that the schema publishes; the tests build rings from them too. */
export const DEFAULTS = {
  replicas: 3,
  copies: 3,
  successors: 4,
  stabilizeInterval: "1s",
  storage: { size: "1Gi", whenDeleted: "Retain", whenScaled: "Retain" },
  imagePullPolicy: "IfNotPresent",
  logLevel: "info",
  resources: {
    requests: { cpu: "50m", memory: "128Mi" },
    limits: { memory: "512Mi" },
  },
} as const;

/** Bounds that the schema enforces and the operator may rely on. */
export const LIMITS = {
  replicasMax: 64,
  copiesMax: 7,
  successorsMax: 16,
  /** A pod's `controller-revision-hash` label, `<ring>-<hash>`, must fit into 63 characters. */
  nameLengthMax: 50,
} as const;

/** A condition of a status, which may not have been written yet. */
export function conditionOf(
  status: Partial<ChordRingStatus> | undefined,
  type: string,
): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** Bytes of a size such as `64Mi`, the only form that the schema lets in. */
export function sizeBytes(text: string): number {
  const match = /^(\d+)([KMG])i$/.exec(text);
  if (!match) throw new Error(`"${text}" is not a size: write a whole number of Ki, Mi or Gi`);
  return Number(match[1]) * 1024 ** (1 + "KMG".indexOf(match[2] ?? ""));
}

/** Milliseconds of a duration such as `500ms` or `2s`, the only forms that the schema lets in. */
export function durationMs(text: string): number {
  const match = /^(\d+)(ms|s)$/.exec(text);
  if (!match) {
    throw new Error(`"${text}" is not a duration: write a whole number of ms or s, such as 500ms`);
  }
  return Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}
