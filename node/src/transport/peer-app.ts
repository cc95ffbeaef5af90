/**
 * What a node answers on its peer port over plain HTTP, for other nodes and the operator only:
 * messages of the ring, and the admin routes. Nothing here is answered without the bearer token,
 * and the token is compared in constant time.
 */
import { timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import express, { type Express } from "express";
import { type Chord, ChordError, type Log } from "../chord/index.ts";
import { type BodyBudget, readBody } from "../http/body.ts";
import { HttpError, sendJson } from "../http/errors.ts";
import { expressFailure, type Handler, safely } from "../http/handler.ts";
import { methodNotAllowed } from "../kv/http-form.ts";
import type { Replication } from "../replication/index.ts";
import type { Crawler } from "../view/crawl.ts";
import type { NodeView } from "../view/node-view.ts";
import { BATCH_BYTES_MAX, encodeError, type Message, parseMessages } from "./codec.ts";
import { parseRoster, ROSTER_BYTES_MAX } from "./roster-form.ts";

export interface PeerAppParts {
  readonly chord: Pick<Chord, "handle" | "leave" | "rejoin">;
  readonly replication: Pick<Replication, "setRoster">;
  readonly crawler: Crawler;
  readonly view: () => NodeView;
  readonly budget: BodyBudget;
  readonly log: Log;
}

/** How long a request to leave waits for the end of it before it answers 202. */
const LEAVE_WAIT_MS = 2_000;

export function peerApp(parts: PeerAppParts, options: { readonly token: string }): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  const authorized = tokenCheck(options.token);
  const messages = safely(messageHandler(parts), parts.log);
  app.use((request, response, next) => {
    if (!authorized(request.headers.authorization)) {
      safely(refuseUnauthorized, parts.log)(request, response);
    } else if (request.url === "/rpc" && request.method === "POST") messages(request, response);
    else next();
  });
  adminRoutes(app, parts);
  app.use((request, response) => {
    safely(() => {
      throw new HttpError(404, "no_such_route", `${request.path} is no route of the peer port`);
    }, parts.log)(request, response);
  });
  app.use(expressFailure(parts.log));
  return app;
}

/** Compares without showing by its time how much of a wrong token is right. */
function tokenCheck(token: string): (header: string | undefined) => boolean {
  const expected = Buffer.from(`Bearer ${token}`);
  return (header) => {
    const given = Buffer.from(header ?? "");
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}

const refuseUnauthorized: Handler = () => {
  const message = "the peer port needs the ring's bearer token";
  throw new HttpError(401, "unauthorized", message, {
    headers: { "WWW-Authenticate": "Bearer" },
  });
};

// --- messages of the ring -----------------------------------------------------------------------

function messageHandler({ chord, budget, log }: PeerAppParts): Handler {
  const limits = { bytesMax: BATCH_BYTES_MAX, budget };
  return async (request, response) => {
    const messages = parseMessages(parseJson(await readBody(request, response, limits)));
    if (messages === undefined) {
      throw new HttpError(400, "bad-message", "a message has not the documented form");
    }
    const results = messages.map((message) => answer(chord, message, log));
    sendJson(response, 200, `[${results.join(",")}]`);
  };
}

function answer(chord: PeerAppParts["chord"], message: Message, log: Log): string {
  try {
    return JSON.stringify({ answer: chord.handle(message.envelope, message.request) });
  } catch (error) {
    if (error instanceof ChordError) return JSON.stringify({ error: encodeError(error) });
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.warn("a message failed", { type: message.request.type, reason });
    const internal = new ChordError("internal", "the node failed while handling this message");
    return JSON.stringify({ error: encodeError(internal) });
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new HttpError(400, "bad-message", "the body is not JSON");
  }
}

// --- admin --------------------------------------------------------------------------------------

function adminRoutes(app: Express, parts: PeerAppParts): void {
  const { chord, replication, view, crawler, budget, log } = parts;
  const route = (path: string, method: "GET" | "POST" | "PUT", handler: Handler): void => {
    app.all(path, (request, response) => {
      const run = request.method === method ? handler : refuseMethod(method);
      safely(run, log)(request, response);
    });
  };
  route("/admin/view", "GET", (_request, response) => {
    sendJson(response, 200, JSON.stringify(view()));
  });
  route("/admin/ring", "GET", async (_request, response) => {
    sendJson(response, 200, JSON.stringify(await crawler.crawl()));
  });
  route("/admin/roster", "PUT", async (request, response) => {
    const body = await readBody(request, response, { bytesMax: ROSTER_BYTES_MAX, budget });
    const roster = parseRoster(body);
    if (!(await replication.setRoster(roster))) {
      throw new HttpError(409, "newer_roster", "this node knows a roster of a higher generation");
    }
    sendJson(response, 200, JSON.stringify({ generation: roster.generation }));
  });
  route("/admin/leave", "POST", async (_request, response) => {
    const { held } = view().data;
    if (held > 0) {
      const message = `this node holds copies of ${held} partitions: take it off the roster first`;
      throw new HttpError(409, "holds_data", message);
    }
    await leave(chord, log);
    sendState(response, view());
  });
  route("/admin/rejoin", "POST", (_request, response) => {
    chord.rejoin();
    sendState(response, view());
  });
}

function refuseMethod(allow: string): Handler {
  return () => {
    throw methodNotAllowed(allow);
  };
}

/** Waits for the end of leaving, but not for ever: the caller may ask again. */
async function leave(chord: PeerAppParts["chord"], log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LEAVE_WAIT_MS);
  });
  const left = chord.leave().catch((error: unknown) => {
    log.warn("leaving failed", { reason: String(error) });
  });
  await Promise.race([left, late]);
  clearTimeout(timer);
}

function sendState(response: ServerResponse, { state }: NodeView): void {
  sendJson(response, state === "leaving" ? 202 : 200, JSON.stringify({ state }));
}
