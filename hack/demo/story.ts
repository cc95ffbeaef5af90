/**
 * What the demo tells once the ring runs: values put through one node and read through others, the
 * way of a lookup, and the ring itself. Text only; the caller prints it.
 */
import type { Kubectl } from "../cluster/kubectl.ts";
import { PortForward } from "../cluster/port-forward.ts";
import { type Lookup, type NodeView, RingClient } from "./ring-client.ts";
import { drawRing, fractionOf } from "./ring-picture.ts";

export const RING = "demo";
export const NAMESPACE = "default";
const CLIENT_PORT = 8080;
const SERVICE_PORT = 80;

/** Enough values for every node to get some. */
const values: Readonly<Record<string, string>> = {
  greeting: "hello, ring",
  "ada lovelace": "notes on the analytical engine",
  "grace hopper": "a compiler",
  "edsger dijkstra": "shortest paths",
  "barbara liskov": "substitution",
  "leslie lamport": "logical clocks",
  "frances allen": "optimisation",
  "radia perlman": "spanning trees",
};
const STORY_KEY = "greeting";

/** Opens one forward, uses it, closes it. */
async function through<T>(
  kubectl: Kubectl,
  resource: string,
  work: (client: RingClient) => Promise<T>,
): Promise<T> {
  const port = resource.startsWith("service/") ? SERVICE_PORT : CLIENT_PORT;
  const forward = await PortForward.open(kubectl, { namespace: NAMESPACE, resource, port });
  try {
    return await work(new RingClient(forward.url));
  } finally {
    forward.close();
  }
}

async function tellValues(kubectl: Kubectl): Promise<string[]> {
  const stored = await through(kubectl, `pod/${RING}-0`, async (client) => {
    const first = await client.put(STORY_KEY, values[STORY_KEY] ?? "");
    for (const [key, value] of Object.entries(values)) {
      if (key !== STORY_KEY) await client.put(key, value);
    }
    return first;
  });
  const fromPod = await through(kubectl, `pod/${RING}-1`, (client) => client.get(STORY_KEY));
  const fromService = await through(kubectl, `service/${RING}`, (client) => client.get(STORY_KEY));
  for (const { value } of [fromPod, fromService]) {
    if (value === stored.value) continue;
    throw new Error(`the ring gave back "${value}" where "${stored.value}" was put`);
  }
  const request = `/v1/kv/${STORY_KEY}`;
  return [
    `PUT ${request} through pod ${RING}-0      stored, owner ${stored.owner}`,
    `GET ${request} through pod ${RING}-1      "${fromPod.value}"`,
    `GET ${request} through Service ${RING}    "${fromService.value}"`,
    `and ${Object.keys(values).length - 1} more values`,
  ];
}

interface ShownLookup {
  readonly key: string;
  readonly lookup: Lookup;
}

/** How far apart two identifiers lie on the drawn circle. */
function distanceAcross(left: string, right: string): number {
  return Math.abs(Math.sin(Math.PI * (fractionOf(left) - fractionOf(right))));
}

/** Of all values the one whose lookup goes the furthest, since it shows the most. */
async function lookupToShow(client: RingClient, entryId: string): Promise<ShownLookup> {
  const found: ShownLookup[] = [];
  for (const key of Object.keys(values)) found.push({ key, lookup: await client.lookup(key) });
  const length = ({ lookup }: ShownLookup): number =>
    lookup.hops + distanceAcross(entryId, lookup.owner.id);
  found.sort((left, right) => length(right) - length(left));
  return found[0] as ShownLookup;
}

function tellLookup(entry: string, { key, lookup }: ShownLookup): string[] {
  const way = wayOf(entry, lookup).join(" -> ");
  const hops = lookup.hops === 1 ? "1 hop" : `${lookup.hops} hops`;
  return [
    `GET /v1/lookup/${encodeURIComponent(key)} through ${entry}: ${hops}`,
    `  key  ${lookup.id}`,
    `  path ${way}`,
  ];
}

/** Entry, the nodes asked, and the owner, none twice in a row. */
export function wayOf(entry: string, lookup: Lookup): string[] {
  const names = [entry, ...lookup.path.map((hop) => hop.node.name), lookup.owner.name];
  return names.filter((name, index) => name !== names[index - 1]);
}

/** The nodes in ring order, one a line. */
export function tellRing(nodes: readonly NodeView[]): string[] {
  const ordered = [...nodes].sort((left, right) => (left.self.id < right.self.id ? -1 : 1));
  const width = Math.max(...ordered.map((node) => node.self.name.length));
  return ordered.map(({ self, keys, successors }) => {
    const stored = `${keys} ${keys === 1 ? "value" : "values"}`.padStart(9);
    const list = successors.map((successor) => successor.name).join(", ");
    return `${self.name.padEnd(width)}  ${self.id.slice(0, 12)}  ${stored}  successors ${list}`;
  });
}

/** Everything after convergence, as blocks of lines. */
export async function tellStory(kubectl: Kubectl): Promise<string[][]> {
  const valueLines = await tellValues(kubectl);
  return through(kubectl, `pod/${RING}-0`, async (client) => {
    const { nodes, ideal } = await client.crawl();
    const entry = `${RING}-0`;
    const entryId = nodes.find((node) => node.self.name === entry)?.self.id ?? "0";
    const shown = await lookupToShow(client, entryId);
    const picture = drawRing({
      nodes: nodes.map((node) => node.self),
      path: wayOf(entry, shown.lookup),
      keyId: shown.lookup.id,
    });
    const shape = ideal ? "ideal: every pointer is exact" : "still settling";
    const title = `Ring ${RING}: ${nodes.length} nodes, ${shape} (◆ key, ◉ nodes on its path)`;
    return [valueLines, [title, "", ...picture], tellRing(nodes), tellLookup(entry, shown)];
  });
}
