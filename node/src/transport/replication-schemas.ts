/**
 * The messages that are rare, as schemas: views, charters, rosters. They travel as JSON, because
 * what counts for them is that they can be read and checked, and can gain a field.
 */
import { z } from "zod";
import type { Charter } from "../replication/charter.ts";
import type { Greeting, PlacedView } from "../replication/messages.ts";
import type { Roster } from "../replication/roster.ts";
import type { AcceptedChange } from "../replication/store.ts";
import type { Member, View } from "../replication/view.ts";

/** Names go into headers, so nothing but DNS characters may pass; config.ts has the same. */
export const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
export const PARTITIONS_MAX = 65_536;
/** Members of one view. */
const MEMBERS_MAX = 64;
const PODS_MAX = 4_096;
export const ERROR_TEXT_LENGTH_MAX = 500;

const count = z.int().min(0);
const name = z.string().regex(NAME);
const incarnation = z.string().regex(/^[\x21-\x7e]{1,128}$/);
const zone = z.string().max(253).nullable();

const member: z.ZodType<Member> = z.object({ name, incarnation });
const members = z.array(member).max(MEMBERS_MAX);
export const view: z.ZodType<View> = z.object({ epoch: count, members });
const placed: z.ZodType<PlacedView> = z.object({ view, previous: members });

const pods = z.array(z.object({ name, incarnation, zone })).max(PODS_MAX);
const charter: z.ZodType<Charter> = z.object({
  attempt: count,
  complete: z.boolean(),
  partitions: z.int().min(1).max(PARTITIONS_MAX),
  copies: z.int().min(1).max(MEMBERS_MAX),
  members: pods,
  pods,
});
const roster: z.ZodType<Roster> = z.object({
  generation: count,
  copies: z.int().min(1).max(MEMBERS_MAX),
  pods: z.array(z.object({ name, zone })).max(PODS_MAX),
});
const acceptedChange: z.ZodType<AcceptedChange> = z.object({ ballot: count, members });
const introduction = { incarnation, api: z.string().max(320), able: z.boolean() };
const greeting: z.ZodType<Greeting> = z.object({
  ...introduction,
  zone,
  charter: charter.nullable(),
  roster: roster.nullable(),
  epochs: z.array(count).max(PARTITIONS_MAX).nullable(),
});

const partition = z
  .int()
  .min(0)
  .max(PARTITIONS_MAX - 1);
const lead = { partition, epoch: count, ballot: count };
const digest = z.string().regex(/^[0-9a-f]{16}$/);
const same = z.object({ same: z.boolean() });
const empty = z.object({});

/** What is said and what is answered, for each kind that travels as JSON. */
export const schemas = {
  promiseChange: {
    request: z.object({ type: z.literal("promise-change"), ...lead }),
    reply: z.object({ accepted: acceptedChange.nullable() }),
  },
  acceptChange: {
    request: z.object({ type: z.literal("accept-change"), ...lead, members }),
    reply: empty,
  },
  holds: {
    request: z.object({ type: z.literal("holds"), ...lead, digest }),
    reply: same,
  },
  showsSame: {
    request: z.object({ type: z.literal("shows-same"), partition, next: view, digest }),
    reply: same,
  },
  announce: {
    request: z.object({ type: z.literal("announce"), partition, placed }),
    reply: z.object({ active: z.boolean() }),
  },
  copy: {
    request: z.object({
      type: z.literal("copy"),
      partition,
      epoch: count,
      from: name,
      limit: count,
    }),
    reply: z.object({ ready: z.boolean(), keys: count, bytes: count }),
  },
  greet: {
    request: z.object({
      type: z.literal("greet"),
      ...introduction,
      generation: count,
      epochs: count.nullable(),
    }),
    reply: greeting,
  },
  views: {
    request: z.object({
      type: z.literal("views"),
      partitions: z.array(partition).max(PARTITIONS_MAX),
    }),
    reply: z.object({
      placed: z.array(z.object({ partition, view, previous: members })).max(PARTITIONS_MAX),
    }),
  },
  charter: {
    request: z.object({ type: z.literal("charter"), charter }),
    reply: z.object({ other: charter.nullable() }),
  },
} as const;

/** A refusal. A code that is not known here yet is taken for a failure of the peer. */
export const refusal = z.object({
  code: z.string(),
  message: z.string().transform((text) => text.slice(0, ERROR_TEXT_LENGTH_MAX)),
  view: view.optional(),
  promised: count.optional(),
  leader: name.nullable().optional(),
});
