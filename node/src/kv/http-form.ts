/**
 * Operations and outcomes as HTTP.
 *
 * Values are untrusted bytes: they are sent so that a browser neither guesses their type nor lets
 * them act as a page of this origin.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hash } from "../chord/ports.ts";
import { type BodyLimits, readBody } from "../http/body.ts";
import { errorBody, HttpError, unavailable } from "../http/errors.ts";
import { badKey, parseKey, splitUrl } from "../http/key-path.ts";
import type { LargePut } from "../large-values/index.ts";
import {
  type ClientOutcome,
  isOfFence,
  isReserved,
  type Operation,
  type Outcome,
  type Put,
  type Routed,
  type StoreKey,
  TTL_SECONDS_MAX,
} from "../replication/index.ts";
import { parsePreconditions } from "./preconditions.ts";

/** Methods of a key's resource, as the Allow header lists them. */
export const KEY_METHODS = "GET, HEAD, PUT, DELETE";

/** The longest content type that a record can hold. */
const CONTENT_TYPE_BYTES_MAX = 255;
const CONTENT_TYPE_DEFAULT = "application/octet-stream";
/** type/subtype and parameters, in the characters that a header may hold. */
const CONTENT_TYPE = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}\s*(;[\x20-\x7e\t]*)?$/;

/** An id of a write that the client chose: enough for a UUID with a prefix. */
const REQUEST_ID = /^(?:"([\x21-\x7e]{1,128})"|([\x21\x23-\x7e][\x21-\x7e]{0,127}))$/;

/** How many copies an answer rests on: a majority, or any one of them. */
export type Consistency = "linearizable" | "one";

/** The key that a URL names, and how it shall be read. Throws 400 `bad_key`. */
export function targetOf(
  request: IncomingMessage,
  prefix: string,
  hash: Hash,
): { readonly key: StoreKey; readonly consistency: Consistency } {
  const { rawKey, query } = splitUrl(request.url ?? "", prefix);
  const key = clientKey(parseKey(rawKey), hash);
  if (query === "") return { key, consistency: "linearizable" };
  const reads = request.method === "GET" || request.method === "HEAD";
  if (query === "consistency=one" && reads) return { key, consistency: "one" };
  throw badKey("the only query here is consistency=one, on GET and HEAD: write ? in a key as %3F");
}

/** A key with its place. Throws 400 `bad_key` for one of the ring's own. */
export function clientKey(text: string, hash: Hash): StoreKey {
  if (isReserved(text)) throw badKey("keys that begin so are reserved for the ring: take another");
  return { text, id: hash.idOf(text) };
}

/** The operation without a body that a request asks for; undefined for PUT. */
export function bodilessOperation(
  request: IncomingMessage,
  key: StoreKey,
): Exclude<Operation, { type: "put" }> | undefined {
  switch (request.method) {
    case "GET":
    case "HEAD": {
      const preconditions = parsePreconditions(request.headers);
      return { type: "get", key, preconditions, head: request.method === "HEAD" };
    }
    case "DELETE":
      return {
        type: "delete",
        key,
        preconditions: parsePreconditions(request.headers),
        requestId: requestIdOf(request),
      };
    case "PUT":
      return undefined;
    default:
      throw methodNotAllowed(KEY_METHODS);
  }
}

export function methodNotAllowed(allow: string): HttpError {
  return new HttpError(405, "method_not_allowed", `this resource takes ${allow}`, {
    headers: { Allow: allow },
  });
}

/** What a PUT says before its body. Everything that can be refused then is. */
export function putHead(request: IncomingMessage, key: StoreKey): LargePut {
  const preconditions = parsePreconditions(request.headers);
  const requestId = requestIdOf(request);
  const contentType = contentTypeOf(request);
  return { key, preconditions, contentType, requestId, ...ttlOf(request) };
}

/** Reads a PUT whole. */
export async function putOperation(
  request: IncomingMessage,
  response: ServerResponse,
  key: StoreKey,
  limits: BodyLimits,
): Promise<Put> {
  const head = putHead(request, key);
  return putOf(head, await readBody(request, response, limits));
}

export function putOf({ contentType, ...rest }: LargePut, bytes: Uint8Array): Put {
  return { ...rest, type: "put", content: { contentType, bytes } };
}

/** The header in which a PUT says for how many seconds its value shall be there. */
const TTL_HEADER = "X-Chord-TTL";
/** The header in which a value says when it will be deleted. */
const EXPIRES_HEADER = "X-Chord-Expires";

function ttlOf({ headers }: IncomingMessage): Pick<Put, "ttlSeconds"> {
  const given = headers["x-chord-ttl"];
  if (given === undefined) return {};
  const digits = typeof given === "string" && /^\d{1,15}$/.test(given);
  return { ttlSeconds: checkTtl(digits ? Number(given) : Number.NaN, TTL_HEADER) };
}

/** Throws 400 `bad_ttl` for what is no time to live; `name` is what the client calls it. */
export function checkTtl(seconds: number, name: string): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= TTL_SECONDS_MAX) return seconds;
  const range = `whole seconds from 1 to ${TTL_SECONDS_MAX}, ten years`;
  const message = `${name} takes ${range}: leave it out for a value that stays`;
  throw new HttpError(400, "bad_ttl", message);
}

/** A moment as in RFC 3339, in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), with or without its quotes. */
function requestIdOf({ headers }: IncomingMessage): string | null {
  const given = headers["idempotency-key"];
  return given === undefined ? null : parseRequestId(String(given));
}

/** Throws 400 `bad_idempotency_key`. */
export function parseRequestId(text: string): string {
  const [, quoted, bare] = REQUEST_ID.exec(text) ?? [];
  const id = quoted ?? bare;
  if (id !== undefined) return id;
  throw new HttpError(
    400,
    "bad_idempotency_key",
    "Idempotency-Key takes 1 to 128 visible ASCII characters, the same ones for each repetition",
  );
}

function contentTypeOf(request: IncomingMessage): string {
  const { headers } = request;
  if (headers["content-encoding"] !== undefined) {
    throw new HttpError(
      415,
      "unsupported_encoding",
      "Content-Encoding is not kept with a value: send the bytes as they shall come back",
    );
  }
  if (headers["content-range"] !== undefined) {
    throw new HttpError(
      400,
      "partial_put",
      "a PUT replaces the whole value: leave Content-Range out",
    );
  }
  const contentType = headers["content-type"];
  return contentType === undefined ? CONTENT_TYPE_DEFAULT : checkContentType(contentType);
}

/** Throws 400 `bad_content_type` for what a header cannot hold. */
export function checkContentType(contentType: string): string {
  if (contentType.length > CONTENT_TYPE_BYTES_MAX || !CONTENT_TYPE.test(contentType)) {
    throw new HttpError(
      400,
      "bad_content_type",
      `Content-Type must be like text/plain, with at most ${CONTENT_TYPE_BYTES_MAX} characters`,
    );
  }
  return contentType;
}

export const NOT_FOUND = "no value is stored under this key";
const UPLOAD_EXPIRED =
  "the ring cleared unfinished uploads of this key meanwhile; nothing was changed, send it again";
export const PRECONDITION_FAILED =
  "the value is not as If-Match or If-None-Match requires: read it, then decide";

/** Throws 503 for an upload that took too long. */
export function clientOutcomeOf(outcome: Outcome): ClientOutcome {
  if (!isOfFence(outcome)) return outcome;
  throw unavailable("upload_expired", UPLOAD_EXPIRED);
}

/** Who gave it and how it was found, as a flat list of header names and values. */
export function routeHeaders({ leader, hops }: Routed): string[] {
  return ["X-Chord-Owner", leader, "X-Chord-Hops", String(hops)];
}

/** Sends an outcome; `route` is a flat list of further header names and values. */
export function sendOutcome(
  response: ServerResponse,
  outcome: ClientOutcome,
  route: readonly string[] = [],
): void {
  switch (outcome.type) {
    case "value":
      sendValue(response, outcome, route);
      return;
    case "stored": {
      const headers = ["ETag", `"${outcome.version}"`, ...route];
      const body = `{"version":"${outcome.version}"}`;
      sendText(response, { status: outcome.created ? 201 : 200, headers, body });
      return;
    }
    case "deleted":
      response.writeHead(204, [...route]);
      response.end();
      return;
    case "not-modified":
      response.writeHead(304, ["ETag", `"${outcome.version}"`, ...route]);
      response.end();
      return;
    case "not-found": {
      const body = errorBody("not_found", NOT_FOUND);
      sendText(response, { status: 404, headers: route, body });
      return;
    }
    case "precondition-failed": {
      const present = outcome.version === null ? [] : ["ETag", `"${outcome.version}"`];
      const body = errorBody("precondition_failed", PRECONDITION_FAILED);
      sendText(response, { status: 412, headers: [...present, ...route], body });
    }
  }
}

export type Value = Extract<ClientOutcome, { type: "value" }>;

function sendValue(response: ServerResponse, value: Value, route: readonly string[]): void {
  response.writeHead(200, valueHeaders(value, value.length, route));
  const { bytes } = value;
  if (bytes.length > TEXT_BYTES_MAX) response.end(bytes);
  else
    response.end(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"),
      "latin1",
    );
}

/** `length` is that of the body, which may be a part of the value. */
export function valueHeaders(value: Value, length: number, route: readonly string[]): string[] {
  return [
    "Content-Type",
    value.contentType,
    "Content-Length",
    String(length),
    "ETag",
    `"${value.version}"`,
    "Cache-Control",
    "no-cache",
    "X-Content-Type-Options",
    "nosniff",
    "Content-Security-Policy",
    "sandbox",
    ...(value.expiresMs === undefined ? [] : [EXPIRES_HEADER, timeText(value.expiresMs)]),
    ...(value.manifest === undefined ? [] : ["Accept-Ranges", "bytes"]),
    ...route,
  ];
}

/**
 * Node sends a header and a text in one write, a header and bytes in two joined by writev, which
 * costs far more. Latin-1 maps each byte to one character and back. Above this size a copy does.
 */
const TEXT_BYTES_MAX = 8 * 1024;

interface TextAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

function sendText(response: ServerResponse, { status, headers, body }: TextAnswer): void {
  response.writeHead(status, [
    "Content-Type",
    "application/json; charset=utf-8",
    "Content-Length",
    String(Buffer.byteLength(body)),
    "X-Content-Type-Options",
    "nosniff",
    ...headers,
  ]);
  response.end(body);
}
