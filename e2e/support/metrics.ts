/** Reads a node's own /metrics, as far as the tests compare it with other counts. */
import { exchange } from "./http.ts";
import type { RingNode } from "./ring.ts";

/** The sum over nodes of all series of this name whose labels contain `labels`. */
export async function sumOf(
  nodes: readonly RingNode[],
  name: string,
  labels = "",
): Promise<number> {
  const texts = await Promise.all(
    nodes.map(async ({ endpoint }) => (await exchange(endpoint, { path: "/metrics" })).body),
  );
  const lines = texts.flatMap((text) => text.toString().split("\n"));
  const values = lines
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter((line) => line.includes(labels))
    .map((line) => Number(line.slice(line.lastIndexOf(" "))));
  if (values.length === 0) throw new Error(`no node has a series ${name}{${labels}}`);
  return values.reduce((sum, value) => sum + value, 0);
}
