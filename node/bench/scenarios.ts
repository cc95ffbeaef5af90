/**
 * What one node costs by itself: reads and writes beside the floor, and lookups by how many other
 * nodes they need. Each compares within the same run, in turns.
 */
import type { LocalRing } from "../../hack/lib/local-ring.ts";
import type { Measurement } from "./measurement.ts";
import { keyName } from "./request-bytes.ts";
import { allKeys, fill, startFloor, startRing, type System } from "./systems.ts";
import { alternate, type Load, type Turns, warmUp } from "./turns.ts";

const LOOKUP_NODES = 5;
/** Maintenance costs CPU too, and shall not be counted as that of lookups. */
const CALM_STABILIZE_INTERVAL_MS = 3_000;
const LOOKUP_KEYS = 400;

/** A ring of one node, so with one copy and no other node to ask, beside the floor. */
export async function localOperations(turns: Turns, directory: string): Promise<Measurement[]> {
  const floor = await startFloor(directory);
  try {
    const ring = await startRing({ nodes: 1, main: turns.options.main });
    try {
      const node = ring.node(0);
      await fill("chord", node.apiPort);
      const systems: System[] = [
        floor.system,
        {
          name: "one node",
          form: "chord",
          processIds: () => [node.processId],
          targets: async (connections) => [{ port: node.apiPort, connections, keys: allKeys }],
        },
      ];
      const loads = (["put", "get"] as const).flatMap((operation) =>
        systems.map((system): Load => ({ system, operation, work: operation, perSecond: null })),
      );
      await warmUp(turns, loads);
      return await alternate(turns, loads);
    } finally {
      await ring.stop();
    }
  } finally {
    floor.stop();
  }
}

/** Lookups of Chord, by hops: what each further node costs. */
export async function routedLookups(turns: Turns): Promise<Measurement[]> {
  // Short successor lists, so that a small ring has something to route.
  const ring = await startRing({
    nodes: LOOKUP_NODES,
    main: turns.options.main,
    successors: 1,
    stabilizeIntervalMs: CALM_STABILIZE_INTERVAL_MS,
  });
  try {
    const { apiPort: port } = ring.node(0);
    const loads = [...(await keysByCost(ring))].map(([name, keys]): Load => {
      const system: System = {
        name,
        form: "lookup",
        processIds: () => ring.nodes.map(({ processId }) => processId),
        targets: async (connections) => [{ port, connections, keys }],
      };
      return { system, operation: "get", work: "lookup", perSecond: null };
    });
    await warmUp(turns, loads);
    return await alternate(turns, loads);
  } finally {
    await ring.stop();
  }
}

/** Keys sorted by what a lookup of them costs: nothing, the owner's answer, or hops before it. */
async function keysByCost(ring: LocalRing): Promise<Map<string, number[]>> {
  const groups = new Map<string, number[]>([
    ["own key", []],
    ["0 hops", []],
    ["1 hop", []],
    ["2 hops", []],
  ]);
  const self = ring.node(0);
  for (const key of allKeys.slice(0, LOOKUP_KEYS)) {
    const response = await fetch(`${self.api}/v1/lookup/${keyName(key)}`);
    const { hops, owner } = (await response.json()) as { hops: number; owner: { name: string } };
    const remote = hops === 1 ? "1 hop" : `${hops} hops`;
    groups.get(owner.name === self.name ? "own key" : remote)?.push(key);
  }
  return new Map([...groups].filter(([, keys]) => keys.length > 0));
}
