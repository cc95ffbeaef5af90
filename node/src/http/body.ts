/**
 * Reads request bodies within bounds: one body's size, and the bytes that all bodies together may
 * hold in memory. A body is complete or it is an error: half a value is never stored.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { errorBody, HttpError, unavailable } from "./errors.ts";

const EMPTY = Buffer.alloc(0);
/** What is read and thrown away of a refused body, so that its sender gets to see the refusal. */
const DRAIN_BYTES_MAX = 4 * 1024 * 1024;
const DRAIN_TIMEOUT_MS = 2_000;

/** The bytes that bodies in flight hold, shared by all requests of the process. */
export class BodyBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the bytes, or gives the error to answer with if there are not as many left. */
  take(bytes: number): HttpError | undefined {
    if (this.#bytes + bytes > this.#bytesMax) {
      return unavailable("overloaded", "too many bodies are in flight; try again shortly");
    }
    this.#bytes += bytes;
    return undefined;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

export interface BodyLimits {
  readonly bytesMax: number;
  readonly budget: BodyBudget;
}

/**
 * The whole body. Rejects with 413 as soon as it is known to be too large, with 400 when the
 * sender goes away in the middle. The budget is held until the response is over.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
): Promise<Buffer> {
  const declared = declaredLength(request);
  if (declared === 0) return EMPTY;
  if (declared !== undefined && declared > limits.bytesMax) throw tooLarge(limits.bytesMax);
  const hold = holdUntilClosed(response, limits.budget);
  const refusal = declared === undefined ? undefined : hold(declared);
  if (refusal !== undefined) throw refusal;
  return await collect(request, limits.bytesMax, declared === undefined ? hold : undefined);
}

/** Takes bytes of the budget for as long as the response lasts. */
export function holdUntilClosed(
  response: ServerResponse,
  budget: BodyBudget,
): (bytes: number) => HttpError | undefined {
  let held = 0;
  response.once("close", () => budget.give(held));
  return (bytes) => {
    const refusal = budget.take(bytes);
    if (refusal === undefined) held += bytes;
    return refusal;
  };
}

/**
 * The body in pieces of this length, the last one shorter, no faster than they are taken. Throws
 * 413 and 400 as `readBody` does. Who stops in the middle can still refuse the rest.
 */
export function readPieces(request: IncomingMessage, limits: Pieces): AsyncGenerator<Buffer, void> {
  if (declaredTooLarge(request, limits.bytesMax)) throw tooLarge(limits.bytesMax);
  return pieces(request, limits);
}

export interface Pieces {
  readonly pieceBytes: number;
  readonly bytesMax: number;
}

async function* pieces(
  request: IncomingMessage,
  { pieceBytes, bytesMax }: Pieces,
): AsyncGenerator<Buffer, void> {
  let parts: Buffer[] = [];
  let waiting = 0;
  let length = 0;
  for await (const part of whole(request)) {
    length += part.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    parts.push(part);
    waiting += part.length;
    while (waiting >= pieceBytes) {
      const piece = Buffer.concat(parts, pieceBytes);
      // What is left over is the end of the part that came last.
      waiting -= pieceBytes;
      parts = waiting === 0 ? [] : [part.subarray(part.length - waiting)];
      yield piece;
    }
  }
  if (waiting > 0) yield Buffer.concat(parts, waiting);
}

/** The body as it comes; throws 400 if it does not come whole. */
async function* whole(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  try {
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  } catch {
    throw halfSent();
  }
  if (!request.complete) throw halfSent();
}

function collect(
  request: IncomingMessage,
  bytesMax: number,
  hold: ((bytes: number) => HttpError | undefined) | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      const refusal = length > bytesMax ? tooLarge(bytesMax) : hold?.(chunk.length);
      if (refusal === undefined) {
        chunks.push(chunk);
      } else {
        request.off("data", onData);
        reject(refusal);
      }
    };
    request.on("data", onData);
    let complete = false;
    request.once("end", () => {
      complete = true;
      const [first] = chunks;
      resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks, length));
    });
    const onAbort = (): void => {
      // Every request closes at its end, and an error costs a stack trace.
      if (!complete) reject(halfSent());
    };
    request.once("error", onAbort);
    request.once("close", onAbort);
  });
}

/** Content-Length, if the client declared one. Node has checked its form. */
export function declaredLength(request: IncomingMessage): number | undefined {
  const header = request.headers["content-length"];
  if (header !== undefined) return Number(header);
  return request.headers["transfer-encoding"] === undefined ? 0 : undefined;
}

/** Whether the body is known to be too large before any of it has come. */
export function declaredTooLarge(request: IncomingMessage, bytesMax: number): boolean {
  return (declaredLength(request) ?? 0) > bytesMax;
}

function tooLarge(bytesMax: number): HttpError {
  return new HttpError(413, "too_large", `a body may have at most ${bytesMax} bytes`);
}

function halfSent(): HttpError {
  return new HttpError(400, "incomplete_body", "the connection ended before the whole body came");
}

/**
 * Answers a request whose body was not read to its end. The rest is thrown away for a moment, as
 * a connection that is closed on unread data would take the answer with it, and then closed.
 */
export function refuseBody(
  request: IncomingMessage,
  response: ServerResponse,
  error: HttpError,
): void {
  if (response.headersSent || response.destroyed) return;
  const body = errorBody(error.code, error.message);
  response.writeHead(error.status, {
    ...error.headers,
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  });
  response.write(body);
  const finish = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(finish, DRAIN_TIMEOUT_MS);
  let drained = 0;
  request.on("data", (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > DRAIN_BYTES_MAX) finish();
  });
  request.once("end", finish);
  request.once("close", finish);
  request.once("error", finish);
}
