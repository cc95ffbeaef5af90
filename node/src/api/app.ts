/**
 * The client-facing port: one file per resource, tried in the order of how often they are asked
 * for. Keys come first and straight from the raw URL, since a router's decoding would change them.
 */
import express, { type Express } from "express";
import type { Chord, Hash, Log } from "../chord/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { HttpError } from "../http/errors.ts";
import { expressFailure, type Handler, safely } from "../http/handler.ts";
import { methodNotAllowed } from "../kv/http-form.ts";
import type { KeyService } from "../kv/key-service.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import type { Replication } from "../replication/index.ts";
import type { Crawler } from "../view/crawl.ts";
import type { NodeView } from "../view/node-view.ts";
import { type Health, liveness, readiness } from "./health.ts";
import { BATCH_PATH, batchHandler } from "./batch.ts";
import { keyListHandler } from "./key-list.ts";
import { KEY_PREFIX, keyHandler } from "./kv.ts";
import { LOOKUP_PREFIX, lookupHandler } from "./lookup.ts";
import { metricsHandler } from "./metrics.ts";
import { partitionsHandler } from "./partitions.ts";
import { ringHandler, ringNodesHandler } from "./ring.ts";
import { userInterface } from "./ui.ts";

export interface ApiParts {
  readonly chord: Pick<Chord, "self" | "find">;
  readonly keys: KeyService;
  readonly replication: Pick<Replication, "partitions" | "clientAddresses" | "view">;
  readonly crawler: Crawler;
  readonly view: () => NodeView;
  readonly hash: Hash;
  readonly metrics: NodeMetrics;
  readonly health: () => Health;
  readonly budget: BodyBudget;
  readonly log: Log;
}

export interface ApiOptions {
  readonly valueBytesMax: number;
  /** The folder of the page; undefined leaves /ui out. */
  readonly uiDirectory: string;
}

const ROUTES =
  "GET, HEAD, PUT, DELETE /v1/kv/{key}; GET /v1/kv; POST /v1/batch; " +
  "GET /v1/lookup/{key}; GET /v1/ring; GET /v1/ring/nodes; GET /v1/partitions; " +
  "GET /ui; GET /metrics; GET /healthz; GET /readyz";

export function apiApp(parts: ApiParts, options: ApiOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  const { log } = parts;
  const keys = safely(keyHandler(parts, options), log);
  const lookups = safely(readOnly(lookupHandler(parts)), log);
  app.use((request, response, next) => {
    const { url } = request;
    if (url.startsWith(KEY_PREFIX)) keys(request, response);
    else if (url.startsWith(LOOKUP_PREFIX)) lookups(request, response);
    else next();
  });
  const route = (path: string, handler: Handler): void => {
    app.all(path, safely(readOnly(handler), log));
  };
  app.all(BATCH_PATH, safely(batchHandler(parts, options), log));
  route("/v1/kv", keyListHandler(parts));
  route("/v1/ring", ringHandler(parts));
  route("/v1/ring/nodes", ringNodesHandler(parts));
  route("/v1/partitions", partitionsHandler(parts));
  route("/metrics", metricsHandler(parts));
  route("/healthz", liveness());
  route("/readyz", readiness(parts));
  app.use(userInterface(options.uiDirectory, log));
  app.use(safely(noSuchRoute, log));
  app.use(expressFailure(log));
  return app;
}

function readOnly(handler: Handler): Handler {
  return (request, response) => {
    if (request.method === "GET" || request.method === "HEAD") return handler(request, response);
    throw methodNotAllowed("GET, HEAD");
  };
}

const noSuchRoute: Handler = (request) => {
  const path = (request.url ?? "").slice(0, 200);
  throw new HttpError(404, "no_such_route", `${path} is no route of this service: ${ROUTES}`);
};
