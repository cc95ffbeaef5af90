/**
 * The StatefulSet behind a ring: one pod, one volume, one stable name a node.
 *
 * `Parallel`: nodes start together, because founders wait for each other, and a pod that is stuck
 * on a bad image does not hold up its own replacement. The order of leaving is the operator's.
 */
import type { V1PersistentVolumeClaim, V1PodTemplateSpec } from "@kubernetes/client-node";
import { type ChordRing, GROUP } from "../api/chordring.ts";
import { type Manifest, metadata, objectNames, selectorLabels } from "./manifest.ts";
import { DATA_VOLUME } from "./pod-template.ts";

/** Fingerprint of what the user asked for when the template was last written. */
export const TEMPLATE_REQUEST_ANNOTATION = `${GROUP}/template-request`;
/** Fingerprint of the template as it was built then. */
export const TEMPLATE_ANNOTATION = `${GROUP}/template`;
/** "true" once the nodes have been seen to form a ring; founders never change after that. */
export const FORMED_ANNOTATION = `${GROUP}/formed`;
/** "true" once the nodes have been seen to hold data; none is dropped as empty after that. */
export const CHARTERED_ANNOTATION = `${GROUP}/chartered`;
/** The founders, kept a second time in case somebody deletes the ConfigMap. */
export const FOUNDERS_ANNOTATION = `${GROUP}/founders`;

/**
 * Seconds a restarted node must stay ready before a rolling restart takes the next one: the time
 * its neighbours need for a few rounds of stabilization. Its data needs no more than being ready,
 * which a node is when its own copies are complete.
 */
const SETTLE_SECONDS = 5;
const REVISIONS_KEPT = 5;

/** The parts that the API server refuses to change once the StatefulSet exists. */
export interface StatefulSetFixedSpec {
  serviceName: string;
  podManagementPolicy: string;
  selector: { matchLabels: Record<string, string> };
  volumeClaimTemplates: V1PersistentVolumeClaim[];
}

export interface StatefulSetSpec extends StatefulSetFixedSpec {
  replicas: number;
  template: V1PodTemplateSpec;
  minReadySeconds: number;
  revisionHistoryLimit: number;
  updateStrategy: { type: "RollingUpdate" };
  persistentVolumeClaimRetentionPolicy: { whenDeleted: string; whenScaled: string };
}

export interface StatefulSetManifest extends Manifest {
  spec: StatefulSetSpec;
}

export interface StatefulSetParts {
  replicas: number;
  template: V1PodTemplateSpec;
  annotations: Record<string, string>;
  fixed: StatefulSetFixedSpec;
}

export function fixedSpec(ring: ChordRing): StatefulSetFixedSpec {
  const { size, storageClassName } = ring.spec.storage;
  return {
    serviceName: objectNames(ring.metadata.name).nodes,
    podManagementPolicy: "Parallel",
    selector: { matchLabels: selectorLabels(ring) },
    volumeClaimTemplates: [
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: DATA_VOLUME, labels: selectorLabels(ring) },
        spec: {
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: size } },
          ...(storageClassName === undefined ? {} : { storageClassName }),
        },
      },
    ],
  };
}

export function statefulSet(ring: ChordRing, parts: StatefulSetParts): StatefulSetManifest {
  const { whenDeleted, whenScaled } = ring.spec.storage;
  const objectMeta = metadata(ring, objectNames(ring.metadata.name).statefulSet);
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { ...objectMeta, annotations: parts.annotations },
    spec: {
      ...parts.fixed,
      replicas: parts.replicas,
      template: parts.template,
      minReadySeconds: SETTLE_SECONDS,
      revisionHistoryLimit: REVISIONS_KEPT,
      updateStrategy: { type: "RollingUpdate" },
      persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    },
  };
}
