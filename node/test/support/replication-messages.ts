/** Any message of the data layer, any answer and any refusal, for tests of how they travel. */
import fc from "fast-check";
import type { Id } from "../../src/chord/id.ts";
import { ReplicationError, type ReplicationErrorCode } from "../../src/replication/errors.ts";
import type { Lead, Reply, Request, RequestType } from "../../src/replication/messages.ts";
import {
  type KeyOperation,
  type Outcome,
  TTL_SECONDS_MAX,
} from "../../src/replication/operation.ts";
import type { Content, Held, Manifest } from "../../src/replication/record.ts";
import type { Member, View } from "../../src/replication/view.ts";

type RequestOf<T extends RequestType> = Extract<Request, { readonly type: T }>;

/** A record whose fields are all there, as those of decoded messages are. */
function record<Value>(
  fields: {
    [K in keyof Value]: fc.Arbitrary<Value[K]>;
  },
): fc.Arbitrary<Value> {
  return fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<Value>;
}

const count = fc.maxSafeNat();
const partition = fc.nat({ max: 65_535 });
const flag = fc.boolean();
const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?$/);
const label = fc.string({ unit: "grapheme-ascii", maxLength: 60 });
const version = fc.tuple(count, count, count).map((parts) => parts.join("-"));
const key = fc.oneof(
  fc
    .string({ unit: "binary", minLength: 1, maxLength: 300 })
    .filter((text) => Buffer.byteLength(text) <= 1_024),
  fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 80 }),
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const nullable = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> =>
  fc.option(arbitrary, { nil: null });

const member = record<Member>({ name, incarnation: fc.uuid() });
const members = fc.array(member, { maxLength: 5 });
const view = record<View>({ epoch: count, members });
const placed = record({ view, previous: members });
const stamp = record({ epoch: count, ballot: count, count });
const content = record({ contentType: label, bytes });
const expiresMs = fc.nat().map((seconds) => 1_000 * seconds);
const kept = fc.oneof(content, record({ contentType: label, bytes, expiresMs }));
const upload = fc.stringMatching(/^[0-9a-f]{32}$/);
const positive = count.map((number) => Math.max(1, number));
const manifest = record<Manifest>({
  upload,
  fence: count,
  length: positive,
  chunkBytes: positive,
});
const noBytes = fc.constant(Buffer.alloc(0));
const large = record<Content>({ contentType: label, bytes: noBytes, manifest });
const answered = record({
  id: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 }),
  outcome: fc.constantFrom("created" as const, "replaced" as const, "deleted" as const),
  version,
});
const state = {
  version,
  content: nullable(fc.oneof(kept, large)),
  answered: fc.array(answered, { maxLength: 3 }),
};
const held = record<Held>({
  stamp,
  state: fc.oneof(record(state), record({ ...state, fence: positive })),
});
const records = fc.array(record({ key, held }), { maxLength: 4 });
const entries = fc.array(record({ key, stamp }), { maxLength: 6 });
const zone = nullable(fc.string({ maxLength: 20 }));
const charter = record({
  attempt: count,
  complete: flag,
  partitions: fc.integer({ min: 1, max: 4_096 }),
  copies: fc.integer({ min: 1, max: 5 }),
  members: fc.array(record({ name, incarnation: fc.uuid(), zone }), { maxLength: 4 }),
  pods: fc.array(record({ name, incarnation: fc.uuid(), zone }), { maxLength: 4 }),
});
const roster = record({
  generation: count,
  copies: fc.integer({ min: 1, max: 5 }),
  pods: fc.array(record({ name, zone }), { maxLength: 4 }),
});

const versions = fc.oneof(fc.constant("*" as const), fc.array(label, { maxLength: 4 }));
const preconditions = fc.oneof(
  fc.constant({}),
  record({ ifMatch: versions }),
  record({ ifNoneMatch: versions }),
  record({ ifMatch: versions, ifNoneMatch: versions }),
);
const storeKey = record({
  id: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((id) => Buffer.from(id).toString("hex")),
  text: key,
}) as fc.Arbitrary<{ id: Id; text: string }>;
const common = { key: storeKey, preconditions };
const operation = fc.oneof<fc.Arbitrary<KeyOperation>[]>(
  record({ type: fc.constant("get" as const), ...common, head: flag }),
  record({
    type: fc.constant("fence" as const),
    key: storeKey,
    upload: nullable(upload),
    past: fc.integer({ min: -1 }),
  }),
  record({
    type: fc.constant("put" as const),
    ...common,
    content: large,
    ttlSeconds: fc.integer({ min: 1, max: TTL_SECONDS_MAX }),
    requestId: nullable(label),
  }),
  record({ type: fc.constant("put" as const), ...common, content, requestId: nullable(label) }),
  record({
    type: fc.constant("put" as const),
    ...common,
    content,
    ttlSeconds: fc.integer({ min: 1, max: TTL_SECONDS_MAX }),
    requestId: nullable(label),
  }),
  record({ type: fc.constant("delete" as const), ...common, requestId: nullable(label) }),
);
const outcome = fc.oneof<fc.Arbitrary<Outcome>[]>(
  fc
    .record({ version, content: kept, head: flag })
    .map(({ head, content: { bytes: whole, ...rest }, ...value }) => ({
      ...value,
      ...rest,
      type: "value" as const,
      bytes: head ? Buffer.alloc(0) : whole,
      length: whole.length,
    })),
  fc
    .record({ version, content: large, expires: fc.option(expiresMs) })
    .map(({ content: value, expires, ...rest }) => ({
      ...rest,
      ...value,
      ...(expires === null ? {} : { expiresMs: expires }),
      type: "value" as const,
      length: value.manifest?.length ?? 0,
    })),
  fc.constant({ type: "in-use" as const }),
  record({ type: fc.constant("fenced" as const), fence: count }),
  record({ type: fc.constant("not-modified" as const), version }),
  record({ type: fc.constant("stored" as const), version, created: flag }),
  fc.constant({ type: "deleted" as const }),
  fc.constant({ type: "not-found" as const }),
  record({ type: fc.constant("precondition-failed" as const), version: nullable(version) }),
);

const lead = { partition, epoch: count, ballot: count };
const page = { after: nullable(key), limit: fc.integer({ min: 1, max: 65_536 }) };
const digest = fc.stringMatching(/^[0-9a-f]{16}$/);
const listing = { entries, after: nullable(key) };
const nothing = fc.constant({});

/** For each kind of message what may be said and what may be answered. */
export const exchanges: {
  readonly [T in RequestType]: readonly [
    fc.Arbitrary<Omit<RequestOf<T>, "type">>,
    fc.Arbitrary<Reply<T>>,
  ];
} = {
  promise: [record(lead), nothing],
  read: [record({ ...lead, key }), record({ held: nullable(held) })],
  confirm: [
    record({ leads: fc.array(record<Lead>(lead), { maxLength: 5 }) }),
    record({ refused: fc.array(partition, { maxLength: 5 }) }),
  ],
  accept: [record({ partition, key, held }), nothing],
  repair: [record({ ...lead, records }), nothing],
  forget: [record({ ...lead, entries }), nothing],
  list: [record({ ...lead, ...page }), record(listing)],
  fetch: [record({ partition, keys: fc.array(key, { maxLength: 5 }) }), record({ records })],
  keys: [
    record({ partition, prefix: fc.oneof(fc.constant(""), key), ...page }),
    record({
      keys: fc.array(record({ key, bytes: count }), { maxLength: 5 }),
      after: nullable(key),
    }),
  ],
  yield: [record({ partition, epoch: count }), nothing],
  "promise-change": [
    record(lead),
    record({ accepted: nullable(record({ ballot: count, members })) }),
  ],
  holds: [record({ ...lead, digest }), record({ same: flag })],
  "shows-same": [record({ partition, next: view, digest }), record({ same: flag })],
  "accept-change": [record({ ...lead, members }), nothing],
  show: [record({ partition, next: view, ...page }), record({ ...listing, active: flag })],
  announce: [record({ partition, placed }), record({ active: flag })],
  copy: [
    record({ partition, epoch: count, from: name, limit: count }),
    record({ ready: flag, keys: count, bytes: count }),
  ],
  greet: [
    record({
      incarnation: fc.uuid(),
      api: fc.string({ maxLength: 40 }),
      able: flag,
      generation: count,
      epochs: nullable(count),
    }),
    record({
      incarnation: fc.uuid(),
      zone,
      api: fc.string({ maxLength: 320 }),
      able: flag,
      charter: nullable(charter),
      roster: nullable(roster),
      epochs: nullable(fc.array(count, { maxLength: 8 })),
    }),
  ],
  views: [
    record({ partitions: fc.array(partition, { maxLength: 5 }) }),
    record({ placed: fc.array(record({ partition, view, previous: members }), { maxLength: 4 }) }),
  ],
  charter: [record({ charter }), record({ other: nullable(charter) })],
  farewell: [nothing, nothing],
  peek: [record({ partition, key }), record({ held: nullable(held) })],
  operate: [
    record({ operation, timeoutMs: fc.double({ min: 0, max: 60_000, noNaN: true }) }),
    outcome,
  ],
};

export const requestTypes = Object.keys(exchanges) as RequestType[];

export const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  ...requestTypes.map((type) => requestOf(type)),
);

export function requestOf(type: RequestType): fc.Arbitrary<Request> {
  return exchanges[type][0].map((body) => ({ type, ...body }) as Request);
}

const codes: readonly ReplicationErrorCode[] = [
  "other-view",
  "sealed",
  "outranked",
  "not-leader",
  "storage",
  "unavailable",
  "unknown-outcome",
  "timeout",
  "busy",
  "wrong-ring",
  "bad-message",
  "internal",
];

export const anyError: fc.Arbitrary<ReplicationError> = fc
  .record({
    code: fc.constantFrom(...codes),
    message: fc.string({ unit: "grapheme", maxLength: 40 }),
    view: record<View>({ epoch: fc.integer({ min: 1, max: 1_000 }), members }),
    promised: count,
    leader: nullable(name),
  })
  .map(({ code, message, ...details }) => new ReplicationError(code, message, details));
