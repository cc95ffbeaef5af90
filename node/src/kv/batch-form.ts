/**
 * Many operations in one request, and what comes of them, as JSON. Each is what a request of its
 * own would be, with the same names for the same things.
 */
import { isUtf8 } from "node:buffer";
import { z } from "zod";
import type { Hash } from "../chord/ports.ts";
import { HttpError } from "../http/errors.ts";
import { checkKey } from "../http/key-path.ts";
import type { ClientOutcome, Content, Operation } from "../replication/index.ts";
import {
  checkContentType,
  checkTtl,
  clientKey,
  NOT_FOUND,
  parseRequestId,
  PRECONDITION_FAILED,
  timeText,
} from "./http-form.ts";
import { parsePreconditions } from "./preconditions.ts";

export const BATCH_OPERATIONS_MAX = 1_000;
const TEXT_TYPE = "text/plain; charset=utf-8";
const BYTES_TYPE = "application/octet-stream";

const conditions = { ifMatch: z.string().optional(), ifNoneMatch: z.string().optional() };
const write = { ...conditions, idempotencyKey: z.string().optional() };
/** Half a character has no UTF-8: it would come back as another one. */
const wellFormed = z.string().refine((text) => text.isWellFormed(), "it has half a character");
const key = wellFormed;
const item = z.discriminatedUnion("method", [
  z.strictObject({ method: z.literal("GET"), key, ...conditions }),
  z.strictObject({ method: z.literal("DELETE"), key, ...write }),
  z.strictObject({
    method: z.literal("PUT"),
    key,
    ...write,
    contentType: z.string().optional(),
    ttl: z.number().optional(),
    text: wellFormed.optional(),
    base64: z.base64().optional(),
  }),
]);
const form = z.strictObject({ operations: z.array(item).max(BATCH_OPERATIONS_MAX) });
type Item = z.infer<typeof item>;

/** What came of one operation: the status that a request of its own would have had. */
export interface Result {
  readonly status: number;
  readonly etag?: string;
  readonly contentType?: string;
  /** When the value will be deleted, as in RFC 3339; absent: it stays. */
  readonly expires?: string;
  /** A value's bytes, where they are UTF-8; else `base64`. */
  readonly text?: string;
  readonly base64?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Throws 400 `bad_batch`, or 413, and says which operation is at fault. */
export function parseBatch(
  body: Uint8Array,
  { hash, valueBytesMax }: { readonly hash: Hash; readonly valueBytesMax: number },
): readonly Operation[] {
  const parsed = form.safeParse(parseJson(body));
  if (!parsed.success) throw badBatch(explain(parsed.error));
  return parsed.data.operations.map((one, index) => {
    try {
      const operation = operationOf(one, hash);
      if (operation.type !== "put" || operation.content.bytes.length <= valueBytesMax) {
        return operation;
      }
      const message = `a value in a batch may have at most ${valueBytesMax} bytes`;
      throw new HttpError(413, "too_large", message);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new HttpError(error.status, error.code, `operations[${index}]: ${error.message}`);
    }
  });
}

function parseJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw badBatch("the body is not UTF-8");
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw badBatch(`the body is no JSON: ${cause instanceof Error ? cause.message : ""}`);
  }
}

/** The first thing that is wrong, with its place. */
function explain({ issues }: z.ZodError): string {
  const [first] = issues;
  const place = (first?.path ?? []).reduce<string>(
    (text, step) => text + (typeof step === "number" ? `[${step}]` : `.${String(step)}`),
    "",
  );
  return `${place.slice(1) || "the body"}: ${first?.message ?? "it has not the form"}`;
}

function badBatch(message: string): HttpError {
  return new HttpError(400, "bad_batch", `${message.slice(0, 300)}; nothing was done`);
}

function operationOf(one: Item, hash: Hash): Operation {
  const target = clientKey(checkKey(one.key), hash);
  const preconditions = parsePreconditions({
    "if-match": one.ifMatch,
    "if-none-match": one.ifNoneMatch,
  });
  if (one.method === "GET") return { type: "get", key: target, preconditions, head: false };
  const { idempotencyKey } = one;
  const requestId = idempotencyKey === undefined ? null : parseRequestId(idempotencyKey);
  if (one.method === "DELETE") return { type: "delete", key: target, preconditions, requestId };
  const ttl = one.ttl === undefined ? {} : { ttlSeconds: checkTtl(one.ttl, "ttl") };
  return { type: "put", key: target, preconditions, requestId, content: contentOf(one), ...ttl };
}

function contentOf({ text, base64, contentType }: Extract<Item, { method: "PUT" }>): Content {
  if ((text === undefined) === (base64 === undefined)) {
    throw new HttpError(400, "bad_batch", "a PUT has either text or base64; nothing was done");
  }
  const type = contentType ?? (text === undefined ? BYTES_TYPE : TEXT_TYPE);
  const bytes = text === undefined ? Buffer.from(base64 ?? "", "base64") : Buffer.from(text);
  return { contentType: checkContentType(type), bytes };
}

export function resultOf(outcome: ClientOutcome): Result {
  switch (outcome.type) {
    case "value":
      return resultOfValue(outcome);
    case "stored":
      return { status: outcome.created ? 201 : 200, etag: tag(outcome.version) };
    case "deleted":
      return { status: 204 };
    case "not-modified":
      return { status: 304, etag: tag(outcome.version) };
    case "not-found":
      return { status: 404, error: { code: "not_found", message: NOT_FOUND } };
    case "precondition-failed": {
      const present = outcome.version === null ? {} : { etag: tag(outcome.version) };
      const error = { code: "precondition_failed", message: PRECONDITION_FAILED };
      return { status: 412, ...present, error };
    }
  }
}

function resultOfValue(value: Extract<ClientOutcome, { type: "value" }>): Result {
  const { contentType, bytes, version, expiresMs, manifest, length } = value;
  if (manifest !== undefined) return { etag: tag(version), ...failureOf(tooLong(length)) };
  const expires = expiresMs === undefined ? {} : { expires: timeText(expiresMs) };
  return { status: 200, etag: tag(version), contentType, ...expires, ...bytesOf(bytes) };
}

function tooLong(length: number): HttpError {
  const message = `the value has ${length} bytes, too many for a batch: GET it by itself`;
  return new HttpError(413, "large_value", message);
}

export function failureOf({ status, code, message }: HttpError): Result {
  return { status, error: { code, message } };
}

function bytesOf(bytes: Uint8Array): Pick<Result, "text" | "base64"> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return isUtf8(buffer) ? { text: buffer.toString() } : { base64: buffer.toString("base64") };
}

function tag(version: string): string {
  return `"${version}"`;
}
