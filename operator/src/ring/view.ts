/**
 * A node's own view of the ring, as its admin API gives it.
 *
 * Only what the operator acts on is checked and kept; a newer node may say more.
 */
import { z } from "zod";

const nodeReference = z.object({ name: z.string(), id: z.string(), address: z.string() });

const count = z.number().int().min(0);

const rosterSchema = z.object({
  generation: count,
  copies: count,
  pods: z.array(z.object({ name: z.string(), zone: z.string().nullable() })),
});

/** Parts of the key space, unless the nodes say otherwise; fixed when a ring begins. */
const PARTITIONS = 256;

/** What a node says of the data it holds and leads. */
const dataSchema = z.object({
  /** Whether, as far as it knows, partitions have members at all. */
  chartered: z.boolean(),
  /** How many there are, in the whole ring. */
  partitions: count.default(PARTITIONS),
  roster: rosterSchema.nullable(),
  /** Partitions of which it is a member or still keeps records. */
  held: count,
  led: count,
  /** Of the partitions that it leads: those without all their copies active and in step. */
  degraded: count,
  /** Of the partitions that it leads: those that are not where its roster wants them. */
  misplaced: count,
  /** Partitions that nobody leads, as far as it knows. */
  unled: count,
  keysLed: count,
  bytesLed: count,
  keysLeft: count,
  bytesLeft: count,
});

const viewSchema = z.object({
  self: nodeReference,
  state: z.enum(["waiting", "joining", "member", "leaving", "left"]),
  predecessor: nodeReference.nullable(),
  successors: z.array(nodeReference),
  keys: z.number(),
  founded: z.boolean(),
  split: z.boolean().default(false),
  detail: z.string().default(""),
  /** Missing where nodes of an earlier version run: then it is unknown what they hold. */
  data: dataSchema.optional(),
});

const crawlSchema = z.object({ nodes: z.array(viewSchema), ideal: z.boolean() });

export type NodeReference = z.infer<typeof nodeReference>;
/** Which pods shall hold the data and in how many copies: what is wanted, never what is. */
export type Roster = z.infer<typeof rosterSchema>;
export type NodeData = z.infer<typeof dataSchema>;
export type View = z.infer<typeof viewSchema>;
export type Crawl = z.infer<typeof crawlSchema>;

export function parseView(body: unknown): View {
  return viewSchema.parse(body);
}

export function parseCrawl(body: unknown): Crawl {
  return crawlSchema.parse(body);
}
