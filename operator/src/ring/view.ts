/**
 * A node's own view of the ring, as its admin API gives it.
 *
 * Only what the operator acts on is checked and kept; a newer node may say more.
 */
import { z } from "zod";

const nodeReference = z.object({ name: z.string(), id: z.string(), address: z.string() });

const viewSchema = z.object({
  self: nodeReference,
  state: z.enum(["waiting", "joining", "member", "leaving", "left"]),
  predecessor: nodeReference.nullable(),
  successors: z.array(nodeReference),
  keys: z.number(),
  founded: z.boolean(),
  split: z.boolean().default(false),
  detail: z.string().default(""),
});

const crawlSchema = z.object({ nodes: z.array(viewSchema), ideal: z.boolean() });

export type NodeReference = z.infer<typeof nodeReference>;
export type View = z.infer<typeof viewSchema>;
export type Crawl = z.infer<typeof crawlSchema>;

export function parseView(body: unknown): View {
  return viewSchema.parse(body);
}

export function parseCrawl(body: unknown): Crawl {
  return crawlSchema.parse(body);
}
