/**
 * Runs a request's handler and turns whatever it throws into an answer: an `HttpError` into what it
 * says, anything else into 500 and a log line. Every request ends with exactly one answer.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../chord/index.ts";
import { refuseBody } from "./body.ts";
import { HttpError, sendError } from "./errors.ts";

/** Answers the request; a promise is waited for only to see it fail. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export function safely(
  handler: Handler,
  log: Log,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    try {
      const done = handler(request, response);
      done?.catch((error: unknown) => answerFailure(request, response, error, log));
    } catch (error) {
      answerFailure(request, response, error, log);
    }
  };
}

/**
 * The last of an Express app: failures of Express itself and of its static files, which it would
 * else answer with a page of HTML.
 */
export function expressFailure(
  log: Log,
): (error: unknown, request: IncomingMessage, response: ServerResponse, next: unknown) => void {
  // Express knows such a handler by its four parameters.
  return (error, request, response, _next) => {
    const { status, message } = error as { status?: unknown; message?: unknown };
    const client = typeof status === "number" && status >= 400 && status < 500;
    const known = client ? new HttpError(status, "bad_request", String(message)) : error;
    answerFailure(request, response, known, log);
  };
}

function answerFailure(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  log: Log,
): void {
  const known = error instanceof HttpError ? error : internal(request, error, log);
  if (response.headersSent) {
    // Too late for an answer: a cut connection is the only way to say that this one is void.
    response.destroy();
  } else if (request.complete || request.destroyed || !hasBody(request)) {
    sendError(response, known);
  } else {
    refuseBody(request, response, known);
  }
}

function internal(request: IncomingMessage, error: unknown, log: Log): HttpError {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.warn("a request failed", { method: request.method, reason });
  return new HttpError(500, "internal", "the node failed while handling this; its log says why");
}

function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}
