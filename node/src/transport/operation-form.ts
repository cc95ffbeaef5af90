/**
 * Clients' operations and what comes of them, in the bytes in which they travel to a partition's
 * leader and back. Values are neither copied nor looked at.
 */
import type { Id } from "../chord/id.ts";
import type {
  Fence,
  FenceOutcome,
  KeyOperation,
  Operation,
  Outcome,
  Preconditions,
  Versions,
} from "../replication/operation.ts";
import { isOfFence, noPreconditions, TTL_SECONDS_MAX } from "../replication/operation.ts";
import type { Content, Manifest, StoreKey } from "../replication/record.ts";
import { EXPIRES_MS_MAX, problemOf } from "../storage/held-codec.ts";
import { badMessage, type ByteReader, type ByteWriter } from "./wire-bytes.ts";

/** A client's key has 1,024 at most; that of a chunk names it and has some more in front. */
export const KEY_BYTES_MAX = 1_152;
/** Versions, ids of requests, content types: what travels in a client's header. */
const LABEL_BYTES_MAX = 255;
const VERSIONS_MAX = 254;
const ANY_VERSION = 255;
const TIMEOUT_MS_MAX = 3_600_000;

const operationKinds = { get: 0, head: 1, put: 2, delete: 3, fence: 4 } as const;
const HAS_IF_MATCH = 1;
const HAS_IF_NONE_MATCH = 2;
const HAS_REQUEST_ID = 4;
const HAS_TTL = 8;
const HAS_MANIFEST = 16;
const FOR_PUT = HAS_TTL | HAS_MANIFEST;

export function writeOperation(
  writer: ByteWriter,
  operation: KeyOperation,
  timeoutMs: number,
): void {
  if (operation.type === "fence") return writeFence(writer, operation, timeoutMs);
  const { type, key, preconditions } = operation;
  const requestId = type === "get" ? null : operation.requestId;
  const head = type === "get" && operation.head;
  writer.u8(operationKinds[head ? "head" : type]);
  const idFlag = requestId === null ? 0 : HAS_REQUEST_ID;
  writer.u8(flagsOf(preconditions) | idFlag | putFlagsOf(operation));
  writer.f64(timeoutMs);
  writer.id(key.id);
  writer.text(key.text);
  writePreconditions(writer, preconditions);
  if (requestId !== null) writer.text(requestId);
  if (type !== "put") return;
  const { ttlSeconds, content } = operation;
  if (ttlSeconds !== undefined) writer.u32(ttlSeconds);
  if (content.manifest !== undefined) writeManifest(writer, content.manifest);
  writer.text(content.contentType);
  writer.value(content.bytes);
}

function writeFence(writer: ByteWriter, { key, upload, past }: Fence, timeoutMs: number): void {
  writer.u8(operationKinds.fence);
  writer.u8(0);
  writer.f64(timeoutMs);
  writer.id(key.id);
  writer.text(key.text);
  writer.text(upload ?? "");
  // From -1 on.
  writer.count(past + 1);
}

export function readOperation(reader: ByteReader): { operation: KeyOperation; timeoutMs: number } {
  const kind = reader.u8();
  const flags = reader.u8();
  const known = HAS_IF_MATCH | HAS_IF_NONE_MATCH | HAS_REQUEST_ID | FOR_PUT;
  const misplaced = kind !== operationKinds.put && (flags & FOR_PUT) !== 0;
  if (flags > known || misplaced) throw badMessage("flags");
  const timeoutMs = reader.f64();
  if (!(timeoutMs >= 0 && timeoutMs <= TIMEOUT_MS_MAX)) throw badMessage("no timeout");
  const key: StoreKey = { id: reader.id() as Id, text: reader.text(1, KEY_BYTES_MAX) };
  if (kind === operationKinds.fence) return { operation: readFence(reader, key), timeoutMs };
  const preconditions = readPreconditions(reader, flags);
  const requestId = (flags & HAS_REQUEST_ID) === 0 ? null : reader.label(LABEL_BYTES_MAX);
  const common = { key, preconditions, requestId, flags };
  const operation = restOfOperation(reader, kind, common);
  return { operation, timeoutMs };
}

interface Common {
  readonly key: StoreKey;
  readonly preconditions: Preconditions;
  readonly requestId: string | null;
  readonly flags: number;
}

function readFence(reader: ByteReader, key: StoreKey): Fence {
  const upload = reader.label(LABEL_BYTES_MAX);
  return { type: "fence", key, upload: upload === "" ? null : upload, past: reader.count() - 1 };
}

function restOfOperation(
  reader: ByteReader,
  kind: number,
  { key, preconditions, requestId, flags }: Common,
): Operation {
  switch (kind) {
    case operationKinds.get:
    case operationKinds.head:
      if (requestId !== null) throw badMessage("a read has no id");
      return { type: "get", key, preconditions, head: kind === operationKinds.head };
    case operationKinds.put: {
      const ttl = (flags & HAS_TTL) === 0 ? {} : { ttlSeconds: readTtl(reader) };
      const manifest = (flags & HAS_MANIFEST) === 0 ? null : readManifest(reader);
      const contentType = reader.label(LABEL_BYTES_MAX);
      const content = contentOf({ contentType, bytes: reader.rest() }, manifest);
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

function putFlagsOf(operation: Operation): number {
  if (operation.type !== "put") return 0;
  const { ttlSeconds, content } = operation;
  const ttl = ttlSeconds === undefined ? 0 : HAS_TTL;
  return content.manifest === undefined ? ttl : ttl | HAS_MANIFEST;
}

function writeManifest(writer: ByteWriter, manifest: Manifest): void {
  writer.text(manifest.upload);
  writer.count(manifest.fence);
  writer.count(manifest.length);
  writer.count(manifest.chunkBytes);
}

function readManifest(reader: ByteReader): Manifest {
  const upload = reader.label(LABEL_BYTES_MAX);
  const fence = reader.count();
  const manifest = { upload, fence, length: reader.count(), chunkBytes: reader.count() };
  const problem = problemOf(manifest);
  if (problem !== null) throw badMessage(`a manifest that is none: ${problem}`);
  return manifest;
}

function contentOf(plain: Content, manifest: Manifest | null): Content {
  if (manifest === null) return plain;
  if (plain.bytes.length > 0) throw badMessage("bytes beside a manifest");
  return { ...plain, manifest };
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
  /** A manifest, and behind it one of the two. */
  largeValue: 9,
  inUse: 10,
  fenced: 11,
} as const;

type Value = Extract<Outcome, { type: "value" }>;

export function writeOutcome(writer: ByteWriter, outcome: Outcome): void {
  if (isOfFence(outcome)) return writeFenceOutcome(writer, outcome);
  switch (outcome.type) {
    case "value":
      writeValue(writer, outcome);
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

function writeFenceOutcome(writer: ByteWriter, outcome: FenceOutcome): void {
  writer.u8(outcome.type === "fenced" ? outcomeKinds.fenced : outcomeKinds.inUse);
  if (outcome.type === "fenced") writer.count(outcome.fence);
}

function writeValue(writer: ByteWriter, value: Value): void {
  const { expiresMs, manifest } = value;
  if (manifest !== undefined) {
    writer.u8(outcomeKinds.largeValue);
    writeManifest(writer, manifest);
  }
  writer.u8(expiresMs === undefined ? outcomeKinds.value : outcomeKinds.expiringValue);
  if (expiresMs !== undefined) writer.count(expiresMs);
  writer.text(value.version);
  writer.text(value.contentType);
  writer.count(value.length);
  writer.value(value.bytes);
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
      return readLargeOutcome(reader, kind);
  }
}

/** Outcomes of large values and their uploads. */
function readLargeOutcome(reader: ByteReader, kind: number): Outcome {
  switch (kind) {
    case outcomeKinds.largeValue:
      return readLargeValue(reader);
    case outcomeKinds.inUse:
      return { type: "in-use" };
    case outcomeKinds.fenced:
      return { type: "fenced", fence: reader.count() };
    default:
      throw badMessage(`${kind} is no outcome`);
  }
}

function readLargeValue(reader: ByteReader): Outcome {
  const manifest = readManifest(reader);
  const kind = reader.u8();
  const expires = kind === outcomeKinds.expiringValue;
  if (!expires && kind !== outcomeKinds.value) throw badMessage("a manifest of no value");
  const value = expires ? readExpiringValue(reader) : readValue(reader);
  const whole = value.bytes.length === 0 && value.length === manifest.length;
  if (!whole) throw badMessage("a manifest of another value");
  return { ...value, manifest };
}

function readExpiringValue(reader: ByteReader): Value {
  const expiresMs = reader.count();
  if (expiresMs > EXPIRES_MS_MAX) throw badMessage(`${expiresMs} is no time of a date`);
  return { ...readValue(reader), expiresMs };
}

function readValue(reader: ByteReader): Value {
  const version = reader.label(LABEL_BYTES_MAX);
  const contentType = reader.label(LABEL_BYTES_MAX);
  const length = reader.count();
  const bytes = reader.rest();
  if (bytes.length > 0 && bytes.length !== length) throw badMessage("a value has another length");
  return { type: "value", version, contentType, bytes, length };
}
