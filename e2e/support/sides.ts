/** A ring of which some nodes are cut off: its two sides, each asked where it can be asked. */
import assert from "node:assert/strict";
import { getJson } from "./http.ts";
import { IdealRing, type View } from "./model.ts";
import type { NodeToCut } from "./node-to-cut.ts";
import { API_PORT, nameOf, type Ring } from "./ring.ts";

interface Crawl {
  readonly nodes: readonly View[];
  readonly ideal: boolean;
  readonly problems: readonly string[];
}

const CRAWL_PATH = "/v1/ring/nodes";
/** A node that crawls a ring in change waits up to a second for each member that is gone. */
const CRAWL_TIMEOUT_MS = 15_000;

export interface Side {
  readonly names: readonly string[];
  /** This side as a ring of its own. */
  readonly model: IdealRing;
  /** Walks the ring from one node of this side. */
  readonly crawl: () => Promise<Crawl>;
}

/** The side that the tests see, and the side of the node that is cut off. */
export async function sidesOf(ring: Ring, { facts, link }: NodeToCut): Promise<[Side, Side]> {
  const pods = await ring.pods();
  const off = new Set(pods.filter((pod) => pod.spec?.nodeName === facts.name).map(nameOf));
  const nodes = await ring.nodes();
  const first = nodes.find(({ name }) => !off.has(name));
  const firstOff = nodes.find(({ name }) => off.has(name));
  assert.ok(first !== undefined && firstOff !== undefined, `${ring.name} lies on one side only`);
  const side = (there: boolean, crawl: () => Promise<Crawl>): Side => {
    const names = pods.map(nameOf).filter((name) => off.has(name) === there);
    return { names, model: new IdealRing(names, ring.successors), crawl };
  };
  const host = firstOff.ip.includes(":") ? `[${firstOff.ip}]` : firstOff.ip;
  const url = `http://${host}:${API_PORT}${CRAWL_PATH}`;
  return [
    side(false, () => getJson<Crawl>(first.endpoint, CRAWL_PATH, CRAWL_TIMEOUT_MS)),
    side(true, async () => JSON.parse(await link.ask(url)) as Crawl),
  ];
}

/** That the nodes of a side, and no others, are one ideal ring. */
export async function assertIdealSide({ model, crawl }: Side): Promise<void> {
  assertIdeal(model, await crawl());
}

/** That every node of the ring, walking it, finds it whole and ideal. */
export async function assertIdealFromAll(ring: Ring, count: number): Promise<void> {
  const model = ring.model(count);
  const nodes = await ring.nodes();
  assert.equal(nodes.length, count);
  for (const { endpoint } of nodes) {
    assertIdeal(model, await getJson<Crawl>(endpoint, CRAWL_PATH, CRAWL_TIMEOUT_MS));
  }
}

function assertIdeal(model: IdealRing, { nodes, ideal, problems }: Crawl): void {
  assert.deepEqual(model.problems(nodes), []);
  assert.ok(ideal, problems.join("; "));
}
