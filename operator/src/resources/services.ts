/**
 * The ring's three Services.
 *
 * - `<ring>`: for clients; offers only ready nodes.
 * - `<ring>-nodes`: headless, also lists nodes that are not ready: founders find each other by it.
 * - `<ring>-seed`: where a new node joins. It offers only ready nodes, which are those in the ring,
 *   so that nobody can join through a node that is itself outside.
 */
import type { V1ServiceSpec } from "@kubernetes/client-node";
import type { ChordRing } from "../api/chordring.ts";
import {
  API_PORT,
  type Manifest,
  metadata,
  objectNames,
  PEER_PORT,
  selectorLabels,
} from "./manifest.ts";

export interface ServiceManifest extends Manifest {
  spec: ServiceSpec;
}

const CLIENT_PORT = 80;
const api = { name: "http", protocol: "TCP", appProtocol: "http", targetPort: "http" } as const;
const peer = { name: "peer", protocol: "TCP", appProtocol: "http", targetPort: "peer" } as const;

type ServiceSpec = Pick<
  V1ServiceSpec,
  "type" | "clusterIP" | "publishNotReadyAddresses" | "ports" | "selector"
>;

function service(ring: ChordRing, name: string, spec: ServiceSpec): ServiceManifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(ring, name),
    spec: { selector: selectorLabels(ring), ...spec },
  };
}

export function clientService(ring: ChordRing): ServiceManifest {
  return service(ring, objectNames(ring.metadata.name).client, {
    type: "ClusterIP",
    ports: [{ ...api, port: CLIENT_PORT }],
  });
}

export function nodesService(ring: ChordRing): ServiceManifest {
  return service(ring, objectNames(ring.metadata.name).nodes, {
    type: "ClusterIP",
    clusterIP: "None",
    publishNotReadyAddresses: true,
    ports: [
      { ...api, port: API_PORT },
      { ...peer, port: PEER_PORT },
    ],
  });
}

export function seedService(ring: ChordRing): ServiceManifest {
  return service(ring, objectNames(ring.metadata.name).seed, {
    type: "ClusterIP",
    ports: [{ ...peer, port: PEER_PORT }],
  });
}
