/**
 * Errors as clients see them: a status, a stable code, and a sentence that says what to do.
 * Handlers throw `HttpError`; whatever else is thrown is a bug, logged and answered with 500.
 */
import type { ServerResponse } from "node:http";

export interface HttpErrorOptions {
  readonly cause?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, options: HttpErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }
}

/** 503 with the hint when to come back. */
export function unavailable(code: string, message: string, cause?: unknown): HttpError {
  return new HttpError(503, code, message, { cause, headers: { "Retry-After": "1" } });
}

/** `{"error":{"code","message"}}`, the one form of all error bodies. */
export function errorBody(code: string, message: string): string {
  return JSON.stringify({ error: { code, message } });
}

/** Sends a JSON text. Does nothing if the answer has begun or the client is gone. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
  });
  response.end(body);
}

export function sendError(response: ServerResponse, error: HttpError): void {
  sendJson(response, error.status, errorBody(error.code, error.message), error.headers);
}
