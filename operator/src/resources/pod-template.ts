/**
 * The pod of one node.
 *
 * It depends on nothing that scaling changes: a template that moved with `replicas` would restart
 * every node whenever the ring grows.
 */
import type {
  V1Container,
  V1EnvVar,
  V1PodTemplateSpec,
  V1Probe,
  V1TopologySpreadConstraint,
  V1Volume,
} from "@kubernetes/client-node";
import { type ChordRing, GROUP, RESTART_ANNOTATION, sizeBytes } from "../api/chordring.ts";
import { CONFIG_FILE } from "./config-map.ts";
import { digest } from "./digest.ts";
import {
  API_PORT,
  NODE_USER_ID,
  objectNames,
  PEER_PORT,
  selectorLabels,
  standardLabels,
} from "./manifest.ts";
import { TOKEN_FILE } from "./peer-token.ts";

export const CONTAINER_NAME = "node";
export const DATA_VOLUME = "data";
/** Time for endpoints to forget a pod that stops, before the pod stops listening. */
const ENDPOINT_DELAY_SECONDS = 2;
const TERMINATION_GRACE_SECONDS = 30;
const MOUNTS = { data: "/data", config: "/etc/chordring/config", token: "/etc/chordring/peer" };

function fieldOf(name: string, fieldPath: string): V1EnvVar {
  return { name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } };
}

function environment(ring: ChordRing): V1EnvVar[] {
  const { name, namespace, uid } = ring.metadata;
  const names = objectNames(name);
  const { logLevel, maxValueSize } = ring.spec;
  return [
    fieldOf("CHORD_NODE_NAME", "metadata.name"),
    fieldOf("CHORD_ADVERTISE_HOST", "status.podIP"),
    { name: "CHORD_RING", value: name },
    // The uid keeps a ring apart from an earlier one of the same name, whose volumes may remain.
    { name: "CHORD_RING_ID", value: `${namespace}/${name}/${uid}` },
    { name: "CHORD_API_PORT", value: String(API_PORT) },
    { name: "CHORD_PEER_PORT", value: String(PEER_PORT) },
    { name: "CHORD_DATA_DIR", value: MOUNTS.data },
    { name: "CHORD_SEED", value: `${names.seed}.${namespace}.svc:${PEER_PORT}` },
    { name: "CHORD_DISCOVERY", value: `dns:${names.nodes}.${namespace}.svc:${PEER_PORT}` },
    { name: "CHORD_CONFIG_FILE", value: `${MOUNTS.config}/${CONFIG_FILE}` },
    { name: "CHORD_PEER_TOKEN_FILE", value: `${MOUNTS.token}/${TOKEN_FILE}` },
    { name: "CHORD_LOG_LEVEL", value: logLevel },
    // Only where it is set: a ring from before there was this stays as it is.
    ...(maxValueSize === undefined
      ? []
      : [{ name: "CHORD_VALUE_BYTES_MAX", value: String(sizeBytes(maxValueSize)) }]),
  ];
}

type ProbeTiming = Pick<V1Probe, "periodSeconds" | "timeoutSeconds" | "failureThreshold">;

function probe(path: string, timing: ProbeTiming): V1Probe {
  return { httpGet: { path, port: "http", scheme: "HTTP" }, ...timing };
}

function container(ring: ChordRing, nodeImage: string): V1Container {
  return {
    name: CONTAINER_NAME,
    image: ring.spec.image ?? nodeImage,
    imagePullPolicy: ring.spec.imagePullPolicy,
    env: environment(ring),
    ports: [
      { name: "http", containerPort: API_PORT, protocol: "TCP" },
      { name: "peer", containerPort: PEER_PORT, protocol: "TCP" },
    ],
    resources: ring.spec.resources,
    // Liveness starts only once the process has answered, however long its volume takes to open.
    startupProbe: probe("/healthz", { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 }),
    livenessProbe: probe("/healthz", { periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 }),
    readinessProbe: probe("/readyz", { periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 }),
    lifecycle: { preStop: { sleep: { seconds: ENDPOINT_DELAY_SECONDS } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: DATA_VOLUME, mountPath: MOUNTS.data },
      { name: "config", mountPath: MOUNTS.config, readOnly: true },
      { name: "peer-token", mountPath: MOUNTS.token, readOnly: true },
    ],
  };
}

function volumes(ring: ChordRing): V1Volume[] {
  const names = objectNames(ring.metadata.name);
  return [
    { name: "config", configMap: { name: names.config, defaultMode: 0o444 } },
    { name: "peer-token", secret: { secretName: names.token, defaultMode: 0o440 } },
  ];
}

/** A wish, not a demand: a ring of five must also start on a cluster of one node. */
function defaultSpread(ring: ChordRing): V1TopologySpreadConstraint[] {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(ring) },
  }));
}

function annotations(ring: ChordRing): Record<string, string> {
  const restart = ring.metadata.annotations?.[RESTART_ANNOTATION];
  const { successors, stabilizeInterval } = ring.spec;
  return {
    ...ring.spec.podAnnotations,
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(API_PORT),
    "prometheus.io/path": "/metrics",
    // Nodes read their settings when they start, so changed settings must change the template.
    [`${GROUP}/settings`]: digest({ successors, stabilizeInterval }),
    ...(restart === undefined ? {} : { [RESTART_ANNOTATION]: restart }),
  };
}

function whenSet<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}

/** The template of the ring's pods; `nodeImage` is used unless the ring names an image itself. */
export function podTemplate(ring: ChordRing, nodeImage: string): V1PodTemplateSpec {
  const { spec } = ring;
  const spread = spec.topologySpreadConstraints ?? [];
  return {
    metadata: {
      labels: { ...spec.podLabels, ...standardLabels(ring) },
      annotations: annotations(ring),
    },
    spec: {
      serviceAccountName: objectNames(ring.metadata.name).serviceAccount,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: TERMINATION_GRACE_SECONDS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NODE_USER_ID,
        runAsGroup: NODE_USER_ID,
        fsGroup: NODE_USER_ID,
        fsGroupChangePolicy: "OnRootMismatch",
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [container(ring, nodeImage)],
      volumes: volumes(ring),
      topologySpreadConstraints: spread.length > 0 ? spread : defaultSpread(ring),
      ...whenSet("imagePullSecrets", spec.imagePullSecrets),
      ...whenSet("nodeSelector", spec.nodeSelector),
      ...whenSet("affinity", spec.affinity),
      ...whenSet("tolerations", spec.tolerations),
      ...whenSet("priorityClassName", spec.priorityClassName),
    },
  };
}

/**
 * What the user has a say in: as long as this stays the same, a new operator version must not
 * restart the ring, even if it would build the template differently.
 */
export function templateRequest(ring: ChordRing): string {
  const { replicas: _replicas, copies: _copies, storage: _storage, ...rest } = ring.spec;
  return digest({ rest, restart: ring.metadata.annotations?.[RESTART_ANNOTATION] ?? "" });
}
