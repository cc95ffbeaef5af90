/**
 * The ring's ConfigMap: what the nodes must agree on before there is a ring.
 *
 * The founders start together as one ideal ring, and every later node joins. So until then the list
 * is written once and kept: two different lists, read by two nodes, would be two rings. Later it
 * tells a node whose disk is lost how many others it must meet before it may believe that there is
 * no ring, so it follows the ring. The number of copies follows the spec, because the founders
 * agree on it among themselves when they begin, and later it is the roster that counts.
 */
import { type ChordRing, durationMs } from "../api/chordring.ts";
import { type Manifest, metadata, nodeName, objectNames } from "./manifest.ts";

export const CONFIG_FILE = "ring.json";

export interface ConfigMapManifest extends Manifest {
  data: Record<string, string>;
}

/**
 * The founders of a ring: `successors + 1` nodes give every founder a full successor list, which is
 * what the protocol's invariant starts from; as many as there are copies, because with most of them
 * a ring's data may be lost, and not with fewer. A smaller ring starts with all its nodes.
 */
export function foundersOf(ring: ChordRing): string[] {
  const { replicas, successors, copies } = ring.spec;
  const count = Math.min(replicas, Math.max(successors + 1, copies));
  return Array.from({ length: count }, (_, ordinal) => nodeName(ring.metadata.name, ordinal));
}

export function configMap(ring: ChordRing, founders: readonly string[]): ConfigMapManifest {
  const { copies, successors, stabilizeInterval } = ring.spec;
  const stabilizeIntervalMs = durationMs(stabilizeInterval);
  const content = { founders, copies, successors, stabilizeIntervalMs };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(ring, objectNames(ring.metadata.name).config),
    data: { [CONFIG_FILE]: `${JSON.stringify(content, undefined, 2)}\n` },
  };
}

/** The founders in a ConfigMap that was written before, or undefined if it holds none. */
export function foundersIn(data: Record<string, string> | undefined): string[] | undefined {
  try {
    const content: unknown = JSON.parse(data?.[CONFIG_FILE] ?? "");
    const founders = (content as { founders?: unknown } | null)?.founders;
    const named = Array.isArray(founders) && founders.every((name) => typeof name === "string");
    return named && founders.length > 0 ? founders : undefined;
  } catch {
    return undefined;
  }
}
