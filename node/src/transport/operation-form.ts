/**
 * Clients' operations and what comes of them, in the bytes in which they travel to a partition's
 * leader and back. Values are neither copied nor looked at.
 */
import type { Id } from "../chord/id.ts";
import type { Operation, Outcome, Preconditions, Versions } from "../replication/operation.ts";
import { noPreconditions, TTL_SECONDS_MAX } from "../replication/operation.ts";
import type { StoreKey } from "../replication/record.ts";
import { EXPIRES_MS_MAX } from "../storage/held-codec.ts";
import { badMessage, type ByteReader, type ByteWriter } from "./wire-bytes.ts";

export const KEY_BYTES_MAX = 1_024;
/** Versions, ids of requests, content types: what travels in a client's header. */
const LABEL_BYTES_MAX = 255;
const VERSIONS_MAX = 254;
const ANY_VERSION = 255;
const TIMEOUT_MS_MAX = 3_600_000;

const operationKinds = { get: 0, head: 1, put: 2, delete: 3 } as const;
const HAS_IF_MATCH = 1;
const HAS_IF_NONE_MATCH = 2;
const HAS_REQUEST_ID = 4;
const HAS_TTL = 8;

export function writeOperation(writer: ByteWriter, operation: Operation, timeoutMs: number): void {
  const { type, key, preconditions } = operation;
  const requestId = type === "get" ? null : operation.requestId;
  const head = type === "get" && operation.head;
  writer.u8(operationKinds[head ? "head" : type]);
  const ttlSeconds = type === "put" ? operation.ttlSeconds : undefined;
  const idFlag = requestId === null ? 0 : HAS_REQUEST_ID;
  writer.u8(flagsOf(preconditions) | idFlag | (ttlSeconds === undefined ? 0 : HAS_TTL));
  writer.f64(timeoutMs);
  writer.id(key.id);
  writer.text(key.text);
  writePreconditions(writer, preconditions);
  if (requestId !== null) writer.text(requestId);
  if (type !== "put") return;
  if (ttlSeconds !== undefined) writer.u32(ttlSeconds);
  writer.text(operation.content.contentType);
  writer.value(operation.content.bytes);
}

export function readOperation(reader: ByteReader): { operation: Operation; timeoutMs: number } {
  const kind = reader.u8();
  const flags = reader.u8();
  const hasTtl = (flags & HAS_TTL) !== 0;
  const known = HAS_IF_MATCH | HAS_IF_NONE_MATCH | HAS_REQUEST_ID | HAS_TTL;
  if (flags > known || (hasTtl && kind !== operationKinds.put)) throw badMessage("flags");
  const timeoutMs = reader.f64();
  if (!(timeoutMs >= 0 && timeoutMs <= TIMEOUT_MS_MAX)) throw badMessage("no timeout");
  const key: StoreKey = { id: reader.id() as Id, text: reader.text(1, KEY_BYTES_MAX) };
  const preconditions = readPreconditions(reader, flags);
  const requestId = (flags & HAS_REQUEST_ID) === 0 ? null : reader.label(LABEL_BYTES_MAX);
  const common = { key, preconditions, requestId, hasTtl };
  const operation = restOfOperation(reader, kind, common);
  return { operation, timeoutMs };
}

interface Common {
  readonly key: StoreKey;
  readonly preconditions: Preconditions;
  readonly requestId: string | null;
  readonly hasTtl: boolean;
}

function restOfOperation(
  reader: ByteReader,
  kind: number,
  { key, preconditions, requestId, hasTtl }: Common,
): Operation {
  switch (kind) {
    case operationKinds.get:
    case operationKinds.head:
      if (requestId !== null) throw badMessage("a read has no id");
      return { type: "get", key, preconditions, head: kind === operationKinds.head };
    case operationKinds.put: {
      const ttl = hasTtl ? { ttlSeconds: readTtl(reader) } : {};
      const content = { contentType: reader.label(LABEL_BYTES_MAX), bytes: reader.rest() };
      return { type: "put", key, preconditions, content, requestId, ...ttl };
    }
    case operationKinds.delete:
      return { type: "delete", key, preconditions, requestId };
    default:
      throw badMessage(`${kind} is no operation`);
  }
}

function readTtl(reader: ByteReader): number {
  const seconds = reader.u32();
  if (seconds < 1 || seconds > TTL_SECONDS_MAX) throw badMessage(`${seconds} is no time to live`);
  return seconds;
}

function flagsOf({ ifMatch, ifNoneMatch }: Preconditions): number {
  return (
    (ifMatch === undefined ? 0 : HAS_IF_MATCH) | (ifNoneMatch === undefined ? 0 : HAS_IF_NONE_MATCH)
  );
}

function writePreconditions(writer: ByteWriter, preconditions: Preconditions): void {
  const { ifMatch, ifNoneMatch } = preconditions;
  if (ifMatch !== undefined) writeVersions(writer, ifMatch);
  if (ifNoneMatch !== undefined) writeVersions(writer, ifNoneMatch);
}

function readPreconditions(reader: ByteReader, flags: number): Preconditions {
  const ifMatch = (flags & HAS_IF_MATCH) === 0 ? undefined : readVersions(reader);
  const ifNoneMatch = (flags & HAS_IF_NONE_MATCH) === 0 ? undefined : readVersions(reader);
  if (ifMatch === undefined && ifNoneMatch === undefined) return noPreconditions;
  if (ifMatch === undefined) return ifNoneMatch === undefined ? noPreconditions : { ifNoneMatch };
  return ifNoneMatch === undefined ? { ifMatch } : { ifMatch, ifNoneMatch };
}

function writeVersions(writer: ByteWriter, versions: Versions): void {
  if (versions === "*") {
    writer.u8(ANY_VERSION);
    return;
  }
  if (versions.length > VERSIONS_MAX) throw badMessage("too many versions");
  writer.u8(versions.length);
  for (const version of versions) writer.text(version);
}

function readVersions(reader: ByteReader): Versions {
  const count = reader.u8();
  if (count === ANY_VERSION) return "*";
  const versions: string[] = [];
  for (let index = 0; index < count; index += 1) versions.push(reader.label(LABEL_BYTES_MAX));
  return versions;
}

const outcomeKinds = {
  value: 0,
  notModified: 1,
  created: 2,
  replaced: 3,
  deleted: 4,
  notFound: 5,
  nothingThere: 6,
  otherVersion: 7,
  /** As `value`, with the time of its expiry in front. */
  expiringValue: 8,
} as const;

export function writeOutcome(writer: ByteWriter, outcome: Outcome): void {
  switch (outcome.type) {
    case "value":
      if (outcome.expiresMs === undefined) writer.u8(outcomeKinds.value);
      else {
        writer.u8(outcomeKinds.expiringValue);
        writer.count(outcome.expiresMs);
      }
      writer.text(outcome.version);
      writer.text(outcome.contentType);
      writer.count(outcome.length);
      writer.value(outcome.bytes);
      return;
    case "not-modified":
      writeVersion(writer, outcomeKinds.notModified, outcome.version);
      return;
    case "stored":
      writeVersion(
        writer,
        outcome.created ? outcomeKinds.created : outcomeKinds.replaced,
        outcome.version,
      );
      return;
    case "deleted":
      writer.u8(outcomeKinds.deleted);
      return;
    case "not-found":
      writer.u8(outcomeKinds.notFound);
      return;
    case "precondition-failed":
      if (outcome.version === null) writer.u8(outcomeKinds.nothingThere);
      else writeVersion(writer, outcomeKinds.otherVersion, outcome.version);
  }
}

function writeVersion(writer: ByteWriter, kind: number, version: string): void {
  writer.u8(kind);
  writer.text(version);
}

export function readOutcome(reader: ByteReader): Outcome {
  const kind = reader.u8();
  switch (kind) {
    case outcomeKinds.value:
      return readValue(reader);
    case outcomeKinds.expiringValue:
      return readExpiringValue(reader);
    case outcomeKinds.notModified:
      return { type: "not-modified", version: reader.label(LABEL_BYTES_MAX) };
    case outcomeKinds.created:
    case outcomeKinds.replaced: {
      const version = reader.label(LABEL_BYTES_MAX);
      return { type: "stored", version, created: kind === outcomeKinds.created };
    }
    case outcomeKinds.deleted:
      return { type: "deleted" };
    case outcomeKinds.notFound:
      return { type: "not-found" };
    case outcomeKinds.nothingThere:
      return { type: "precondition-failed", version: null };
    case outcomeKinds.otherVersion:
      return { type: "precondition-failed", version: reader.label(LABEL_BYTES_MAX) };
    default:
      throw badMessage(`${kind} is no outcome`);
  }
}

function readExpiringValue(reader: ByteReader): Outcome {
  const expiresMs = reader.count();
  if (expiresMs > EXPIRES_MS_MAX) throw badMessage(`${expiresMs} is no time of a date`);
  return { ...readValue(reader), expiresMs };
}

function readValue(reader: ByteReader): Extract<Outcome, { type: "value" }> {
  const version = reader.label(LABEL_BYTES_MAX);
  const contentType = reader.label(LABEL_BYTES_MAX);
  const length = reader.count();
  const bytes = reader.rest();
  if (bytes.length > 0 && bytes.length !== length) throw badMessage("a value has another length");
  return { type: "value", version, contentType, bytes, length };
}
