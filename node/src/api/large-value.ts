/**
 * `/v1/kv/{key}` for values of more than one register: they pass through in chunks, so that a node
 * holds a few of them at a time and never the whole.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type BodyBudget, declaredLength, holdUntilClosed, readPieces } from "../http/body.ts";
import { HttpError } from "../http/errors.ts";
import {
  clientOutcomeOf,
  PRECONDITION_FAILED,
  putHead,
  putOf,
  routeHeaders,
  sendOutcome,
  type Value,
  valueHeaders,
} from "../kv/http-form.ts";
import { type KeyService, VALUE_REPLACED } from "../kv/key-service.ts";
import { rangeOf } from "../kv/range.ts";
import { CHUNKS_UNDER_WAY, REGISTER_BYTES_MAX, type Span } from "../large-values/index.ts";
import type { ClientOutcome, Manifest, Routed, StoreKey } from "../replication/index.ts";

interface Parts {
  readonly keys: Pick<KeyService, "execute" | "upload" | "download">;
  readonly budget: BodyBudget;
}

/** Whether a PUT's value may need more than one register. */
export function mayBeLarge(request: IncomingMessage, valueBytesMax: number): boolean {
  if (valueBytesMax <= REGISTER_BYTES_MAX) return false;
  return (declaredLength(request) ?? Number.POSITIVE_INFINITY) > REGISTER_BYTES_MAX;
}

interface LargeRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly key: StoreKey;
  readonly valueBytesMax: number;
}

/** Carries out a PUT that declares a large value, or no length. */
export async function putLarge(parts: Parts, put: LargeRequest): Promise<void> {
  const { request, response } = put;
  const routed = await store(parts, put);
  const outcome = clientOutcomeOf(routed.outcome);
  const route = routeHeaders(routed);
  if (!request.complete) refuseUnread(outcome, route);
  sendOutcome(response, outcome, route);
}

async function store(
  { keys, budget }: Parts,
  { request, response, key, valueBytesMax }: LargeRequest,
): Promise<Routed> {
  const head = putHead(request, key);
  const hold = holdUntilClosed(response, budget);
  const pieces = readPieces(request, { pieceBytes: REGISTER_BYTES_MAX, bytesMax: valueBytesMax });
  const begun: Uint8Array[] = [];
  if (declaredLength(request) === undefined) {
    // Whether it is large shows when it goes on behind the first piece.
    refuseIf(hold(2 * REGISTER_BYTES_MAX));
    for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) {
      begun.push(piece.value);
      if (begun.length === 2) break;
    }
    if (begun.length < 2) return await keys.execute(putOf(head, begun[0] ?? new Uint8Array()));
  }
  refuseIf(hold((CHUNKS_UNDER_WAY + 1 - begun.length) * REGISTER_BYTES_MAX));
  return await keys.upload(head, joined(begun, pieces));
}

function refuseIf(refusal: HttpError | undefined): void {
  if (refusal !== undefined) throw refusal;
}

async function* joined(
  begun: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* begun;
  yield* rest;
}

/** Before its body came whole only a condition that does not hold is an outcome of a PUT. */
function refuseUnread(outcome: ClientOutcome, route: readonly string[]): void {
  if (outcome.type !== "precondition-failed") return;
  const { version } = outcome;
  const headers: Record<string, string> = version === null ? {} : { ETag: `"${version}"` };
  for (let at = 0; at < route.length; at += 2) headers[route[at] as string] = route[at + 1] ?? "";
  throw new HttpError(412, "precondition_failed", PRECONDITION_FAILED, { headers });
}

export type LargeValue = Value & { readonly manifest: Manifest };

export function isLarge(outcome: ClientOutcome): outcome is LargeValue {
  return outcome.type === "value" && outcome.manifest !== undefined;
}

interface Sending {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly key: StoreKey;
  readonly route: readonly string[];
  /** Reads the key once more. */
  readonly read: () => Promise<Routed>;
}

/** How often a value may be replaced between its manifest and its first chunk. */
const ATTEMPTS_MAX = 3;

export async function sendLarge(parts: Parts, sending: Sending, value: LargeValue): Promise<void> {
  let outcome: ClientOutcome = value;
  for (let attempt = 1; isLarge(outcome); attempt += 1) {
    try {
      await sendChunks(parts, sending, outcome);
      return;
    } catch (error) {
      const gone = error instanceof HttpError && error.code === VALUE_REPLACED;
      if (!gone || attempt === ATTEMPTS_MAX || sending.response.headersSent) throw error;
    }
    outcome = clientOutcomeOf((await sending.read()).outcome);
  }
  sendOutcome(sending.response, outcome, sending.route);
}

/** Sends nothing before it has the first piece. */
async function sendChunks(
  { keys, budget }: Parts,
  { request, response, key, route }: Sending,
  value: LargeValue,
): Promise<void> {
  const { manifest, length } = value;
  const part = rangeOf(request.headers, value);
  const span: Span = part ?? { first: 0, last: length - 1 };
  const bytes = span.last - span.first + 1;
  const window = (CHUNKS_UNDER_WAY + 1) * manifest.chunkBytes;
  refuseIf(holdUntilClosed(response, budget)(Math.min(bytes, window)));
  const pieces = keys.download({ owner: key.text, manifest, span });
  const first = await pieces.next();
  const range =
    part === null ? [] : ["Content-Range", `bytes ${span.first}-${span.last}/${length}`];
  response.writeHead(part === null ? 200 : 206, valueHeaders(value, bytes, [...range, ...route]));
  for (let piece = first; !piece.done; piece = await pieces.next()) {
    if (!response.write(piece.value)) await drained(response);
    // Whoever does not want the rest has said so by going away.
    if (response.destroyed) return;
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
    if (response.destroyed) done();
  });
}
