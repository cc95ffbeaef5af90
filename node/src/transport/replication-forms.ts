/**
 * The form of every message of the data layer and of its answer. What travels often has bytes of
 * its own, so that writing and reading it costs little; the rest is JSON checked by a schema.
 *
 * Nothing is assumed of what comes from outside: a wrong type, a length out of range, half a
 * character or a byte too many is `bad-message`. Records are the bytes that lie on disk.
 */
import type { z } from "zod";
import type { Stamp } from "../replication/ballot.ts";
import type { Lead, Listing, Reply, Request, RequestType } from "../replication/messages.ts";
import type { Entry, Held, KeyedRecord } from "../replication/record.ts";
import type { View } from "../replication/view.ts";
import { decodeHeld, headLength, writeHead } from "../storage/held-codec.ts";
import {
  KEY_BYTES_MAX,
  readOperation,
  readOutcome,
  writeOperation,
  writeOutcome,
} from "./operation-form.ts";
import { PARTITIONS_MAX, schemas, view } from "./replication-schemas.ts";
import { badMessage, type ByteReader, type ByteWriter } from "./wire-bytes.ts";

/** Records, keys, entries or leads in one message. */
const LIST_MAX = 65_536;
const JSON_BYTES_MAX = 16 * 1024 * 1024;

/** How one thing is written and read. */
interface Part<Value> {
  write(writer: ByteWriter, value: Value): void;
  read(reader: ByteReader): Value;
}

type RequestOf<T extends RequestType> = Extract<Request, { readonly type: T }>;

interface Form<T extends RequestType> {
  /** Its number on the wire, never used for anything else. */
  readonly kind: number;
  readonly request: Part<RequestOf<T>>;
  readonly reply: Part<Reply<T>>;
}

/** Any form, for who does not know the type of the message at hand. */
export interface AnyForm {
  readonly kind: number;
  readonly request: Part<Request>;
  readonly reply: Part<Reply<RequestType>>;
}

// --- what messages are made of -------------------------------------------------------------------

const nothing: Part<Reply<"accept">> = {
  write: () => undefined,
  read: () => ({}),
};

function writePartition(writer: ByteWriter, partition: number): void {
  writer.u32(partition);
}

function readPartition(reader: ByteReader): number {
  const partition = reader.u32();
  if (partition >= PARTITIONS_MAX) throw badMessage(`${partition} is no partition`);
  return partition;
}

function writeLead(writer: ByteWriter, { partition, epoch, ballot }: Lead): void {
  writePartition(writer, partition);
  writer.count(epoch);
  writer.count(ballot);
}

function readLead(reader: ByteReader): Lead {
  return { partition: readPartition(reader), epoch: reader.count(), ballot: reader.count() };
}

function readKey(reader: ByteReader): string {
  return reader.text(1, KEY_BYTES_MAX);
}

function writeKey(writer: ByteWriter, key: string): void {
  const bytes = writer.text(key);
  if (bytes < 1 || bytes > KEY_BYTES_MAX) throw badMessage(`a key has ${bytes} bytes`);
}

/** A key, or null as the empty text, which is no key. */
function writeAfter(writer: ByteWriter, after: string | null): void {
  if (after === null) writer.text("");
  else writeKey(writer, after);
}

function readAfter(reader: ByteReader): string | null {
  const after = reader.text(0, KEY_BYTES_MAX);
  return after === "" ? null : after;
}

function writeList<Item>(
  writer: ByteWriter,
  items: readonly Item[],
  writeItem: (writer: ByteWriter, item: Item) => void,
): void {
  if (items.length > LIST_MAX) throw badMessage(`a list has ${items.length} items`);
  writer.u32(items.length);
  for (const item of items) writeItem(writer, item);
}

function readList<Item>(reader: ByteReader, readItem: (reader: ByteReader) => Item): Item[] {
  const count = reader.u32();
  // An item has a byte at least, so that a wrong length costs no memory.
  if (count > LIST_MAX || count > reader.left) throw badMessage(`a list has ${count} items`);
  const items: Item[] = [];
  for (let index = 0; index < count; index += 1) items.push(readItem(reader));
  return items;
}

function writeState(writer: ByteWriter, held: Held): void {
  const start = writer.extend(headLength(held));
  writeHead(held, writer.target, start);
  const { content } = held.state;
  if (content !== null) writer.value(content.bytes);
}

function writeRecord(writer: ByteWriter, { key, held }: KeyedRecord): void {
  writeKey(writer, key);
  const hole = writer.hole32();
  writeState(writer, held);
  writer.fill32(hole);
}

function readRecord(reader: ByteReader): KeyedRecord {
  const key = readKey(reader);
  return { key, held: decodeHeld(reader.bytes(reader.u32())) };
}

function writeEntry(writer: ByteWriter, { key, stamp }: Entry): void {
  writeKey(writer, key);
  writer.count(stamp.epoch);
  writer.count(stamp.ballot);
  writer.count(stamp.count);
}

function readEntry(reader: ByteReader): Entry {
  const key = readKey(reader);
  const stamp: Stamp = { epoch: reader.count(), ballot: reader.count(), count: reader.count() };
  return { key, stamp };
}

function writeListing(writer: ByteWriter, { entries, after }: Listing): void {
  writeList(writer, entries, writeEntry);
  writeAfter(writer, after);
}

function readListing(reader: ByteReader): Listing {
  return { entries: readList(reader, readEntry), after: readAfter(reader) };
}

function readLimit(reader: ByteReader): number {
  const limit = reader.u32();
  if (limit < 1 || limit > LIST_MAX) throw badMessage(`${limit} is no limit`);
  return limit;
}

function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  if (flag > 1) throw badMessage(`${flag} is neither yes nor no`);
  return flag === 1;
}

function writeJson(writer: ByteWriter, value: unknown): void {
  const hole = writer.hole32();
  writer.bytes(Buffer.from(JSON.stringify(value)));
  writer.fill32(hole);
}

function readJson<Value>(reader: ByteReader, schema: z.ZodType<Value>): Value {
  const length = reader.u32();
  if (length > JSON_BYTES_MAX) throw badMessage(`JSON has ${length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(reader.bytes(length).toString());
  } catch (cause) {
    throw badMessage("it is no JSON", cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw badMessage("its JSON has not the form", parsed.error);
  return parsed.data;
}

function json<Value>(schema: z.ZodType<Value>): Part<Value> {
  return { write: writeJson, read: (reader) => readJson(reader, schema) };
}

// --- messages ------------------------------------------------------------------------------------

const promise: Form<"promise"> = {
  kind: 1,
  request: {
    write: writeLead,
    read: (reader) => ({ type: "promise", ...readLead(reader) }),
  },
  reply: nothing,
};

const read: Form<"read"> = {
  kind: 2,
  request: {
    write: (writer, request) => {
      writeLead(writer, request);
      writeKey(writer, request.key);
    },
    read: (reader) => ({ type: "read", ...readLead(reader), key: readKey(reader) }),
  },
  reply: {
    write: (writer, { held }) => {
      if (held !== null) writeState(writer, held);
    },
    // A record has at least its format.
    read: (reader) => ({ held: reader.left === 0 ? null : decodeHeld(reader.rest()) }),
  },
};

const peek: Form<"peek"> = {
  kind: 19,
  request: {
    write: (writer, request) => {
      writePartition(writer, request.partition);
      writeKey(writer, request.key);
    },
    read: (reader) => ({ type: "peek", partition: readPartition(reader), key: readKey(reader) }),
  },
  reply: read.reply,
};

const confirm: Form<"confirm"> = {
  kind: 3,
  request: {
    write: (writer, { leads }) => writeList(writer, leads, writeLead),
    read: (reader) => ({ type: "confirm", leads: readList(reader, readLead) }),
  },
  reply: {
    write: (writer, { refused }) => writeList(writer, refused, writePartition),
    read: (reader) => ({ refused: readList(reader, readPartition) }),
  },
};

const accept: Form<"accept"> = {
  kind: 4,
  request: {
    write: (writer, { partition, key, held }) => {
      writePartition(writer, partition);
      writeKey(writer, key);
      writeState(writer, held);
    },
    read: (reader) => ({
      type: "accept",
      partition: readPartition(reader),
      key: readKey(reader),
      held: decodeHeld(reader.rest()),
    }),
  },
  reply: nothing,
};

const repair: Form<"repair"> = {
  kind: 5,
  request: {
    write: (writer, request) => {
      writeLead(writer, request);
      writeList(writer, request.records, writeRecord);
    },
    read: (reader) => ({
      type: "repair",
      ...readLead(reader),
      records: readList(reader, readRecord),
    }),
  },
  reply: nothing,
};

const forget: Form<"forget"> = {
  kind: 21,
  request: {
    write: (writer, request) => {
      writeLead(writer, request);
      writeList(writer, request.entries, writeEntry);
    },
    read: (reader) => ({
      type: "forget",
      ...readLead(reader),
      entries: readList(reader, readEntry),
    }),
  },
  reply: nothing,
};

const list: Form<"list"> = {
  kind: 6,
  request: {
    write: (writer, request) => {
      writeLead(writer, request);
      writeAfter(writer, request.after);
      writer.u32(request.limit);
    },
    read: (reader) => ({
      type: "list",
      ...readLead(reader),
      after: readAfter(reader),
      limit: readLimit(reader),
    }),
  },
  reply: { write: writeListing, read: readListing },
};

const fetch: Form<"fetch"> = {
  kind: 7,
  request: {
    write: (writer, { partition, keys }) => {
      writePartition(writer, partition);
      writeList(writer, keys, writeKey);
    },
    read: (reader) => ({
      type: "fetch",
      partition: readPartition(reader),
      keys: readList(reader, readKey),
    }),
  },
  reply: {
    write: (writer, { records }) => writeList(writer, records, writeRecord),
    read: (reader) => ({ records: readList(reader, readRecord) }),
  },
};

const yieldForm: Form<"yield"> = {
  kind: 8,
  request: {
    write: (writer, { partition, epoch }) => {
      writePartition(writer, partition);
      writer.count(epoch);
    },
    read: (reader) => ({
      type: "yield",
      partition: readPartition(reader),
      epoch: reader.count(),
    }),
  },
  reply: nothing,
};

const show: Form<"show"> = {
  kind: 9,
  request: {
    write: (writer, { partition, next, after, limit }) => {
      writePartition(writer, partition);
      writeJson(writer, next);
      writeAfter(writer, after);
      writer.u32(limit);
    },
    read: (reader) => ({
      type: "show",
      partition: readPartition(reader),
      next: readJson<View>(reader, view),
      after: readAfter(reader),
      limit: readLimit(reader),
    }),
  },
  reply: {
    write: (writer, reply) => {
      writer.u8(Number(reply.active));
      writeListing(writer, reply);
    },
    read: (reader) => ({ active: readFlag(reader), ...readListing(reader) }),
  },
};

const farewell: Form<"farewell"> = {
  kind: 18,
  request: { write: () => undefined, read: () => ({ type: "farewell" }) },
  reply: nothing,
};

const keysForm: Form<"keys"> = {
  kind: 20,
  request: {
    write: (writer, { partition, prefix, after, limit }) => {
      writePartition(writer, partition);
      writer.text(prefix);
      writeAfter(writer, after);
      writer.u32(limit);
    },
    read: (reader) => ({
      type: "keys",
      partition: readPartition(reader),
      prefix: reader.text(0, KEY_BYTES_MAX),
      after: readAfter(reader),
      limit: readLimit(reader),
    }),
  },
  reply: {
    write: (writer, { keys, after }) => {
      writeList(writer, keys, (_, { key, bytes }) => {
        writeKey(writer, key);
        writer.count(bytes);
      });
      writeAfter(writer, after);
    },
    read: (reader) => ({
      keys: readList(reader, () => ({ key: readKey(reader), bytes: reader.count() })),
      after: readAfter(reader),
    }),
  },
};

const operate: Form<"operate"> = {
  kind: 10,
  request: {
    write: (writer, { operation, timeoutMs }) => writeOperation(writer, operation, timeoutMs),
    read: (reader) => {
      const { operation, timeoutMs } = readOperation(reader);
      return { type: "operate", operation, timeoutMs };
    },
  },
  reply: { write: writeOutcome, read: readOutcome },
};

function jsonForm<T extends RequestType>(
  kind: number,
  { request, reply }: { request: z.ZodType<RequestOf<T>>; reply: z.ZodType<Reply<T>> },
): Form<T> {
  return { kind, request: json(request), reply: json(reply) };
}

const forms: { readonly [T in RequestType]: Form<T> } = {
  promise,
  read,
  confirm,
  accept,
  repair,
  forget,
  list,
  fetch,
  yield: yieldForm,
  show,
  keys: keysForm,
  operate,
  "promise-change": jsonForm<"promise-change">(11, schemas.promiseChange),
  "accept-change": jsonForm<"accept-change">(12, schemas.acceptChange),
  announce: jsonForm<"announce">(13, schemas.announce),
  copy: jsonForm<"copy">(14, schemas.copy),
  greet: jsonForm<"greet">(15, schemas.greet),
  views: jsonForm<"views">(16, schemas.views),
  charter: jsonForm<"charter">(17, schemas.charter),
  farewell,
  peek,
  holds: jsonForm<"holds">(22, schemas.holds),
  "shows-same": jsonForm<"shows-same">(23, schemas.showsSame),
};

const byKind: readonly (AnyForm | undefined)[] = Object.values(forms).reduce<AnyForm[]>(
  (table, form) => {
    table[form.kind] = form;
    return table;
  },
  [],
);

export function formOf(type: RequestType): AnyForm {
  return forms[type];
}

/** Throws `bad-message` for a number that no kind of message has. */
export function formOfKind(kind: number): AnyForm {
  const form = byKind[kind];
  if (form === undefined) throw badMessage(`${kind} is no kind of message`);
  return form;
}

/** About how many bytes of values are in a request: what its place in a queue costs. */
export function weightOf(request: Request): number {
  switch (request.type) {
    case "accept":
      return heldBytes(request.held);
    case "repair":
      return request.records.reduce((sum, { held }) => sum + heldBytes(held), 0);
    case "operate":
      return request.operation.type === "put" ? request.operation.content.bytes.length : 0;
    default:
      return 0;
  }
}

/** Bytes of values in an answer that only shows what is there; 0 for every other one. */
export function answerWeightOf(type: RequestType, reply: Reply<RequestType>): number {
  if (type === "operate" && "bytes" in reply && "version" in reply) return reply.bytes.length;
  if ("records" in reply) return reply.records.reduce((sum, { held }) => sum + heldBytes(held), 0);
  return "held" in reply && reply.held !== null ? heldBytes(reply.held) : 0;
}

function heldBytes({ state }: Held): number {
  return state.content === null ? 0 : state.content.bytes.length;
}
