/** `/v1/kv/{key}`: the hot path. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hash } from "../chord/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { HttpError } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import {
  bodilessOperation,
  clientOutcomeOf,
  putOperation,
  routeHeaders,
  sendOutcome,
  targetOf,
} from "../kv/http-form.ts";
import { REGISTER_BYTES_MAX } from "../large-values/index.ts";
import { isLarge, mayBeLarge, putLarge, sendLarge } from "./large-value.ts";
import type { KeyService } from "../kv/key-service.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import type { Operation, Routed } from "../replication/index.ts";

export const KEY_PREFIX = "/v1/kv/";

interface Parts {
  readonly keys: Pick<KeyService, "execute" | "readOne" | "upload" | "download">;
  readonly hash: Hash;
  readonly metrics: Pick<NodeMetrics, "request">;
  readonly budget: BodyBudget;
}

export function keyHandler(
  parts: Parts,
  { valueBytesMax }: { readonly valueBytesMax: number },
): Handler {
  const { keys, hash, metrics, budget } = parts;
  const limits = { bytesMax: Math.min(valueBytesMax, REGISTER_BYTES_MAX), budget };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { key, consistency } = targetOf(request, KEY_PREFIX, hash);
    if (request.method === "PUT" && mayBeLarge(request, valueBytesMax)) {
      await putLarge(parts, { request, response, key, valueBytesMax });
    } else {
      const operation =
        bodilessOperation(request, key) ?? (await putOperation(request, response, key, limits));
      const stale = operation.type === "get" && consistency === "one";
      const routed = await execute(keys, operation, stale);
      const outcome = clientOutcomeOf(routed.outcome);
      const route = routeHeaders(routed);
      if (stale) route.push("X-Chord-Consistency", "one");
      if (isLarge(outcome) && request.method === "GET") {
        const read = (): Promise<Routed> => execute(keys, operation, stale);
        await sendLarge(parts, { request, response, key, route, read }, outcome);
      } else sendOutcome(response, outcome, route);
    }
    metrics.request(request.method ?? "", response.statusCode);
  };
  return counted(handle, metrics);
}

function execute(
  keys: Pick<KeyService, "execute" | "readOne">,
  operation: Operation,
  stale: boolean,
): Promise<Routed> {
  return stale && operation.type === "get" ? keys.readOne(operation) : keys.execute(operation);
}

/** Failures are answered elsewhere; here they are only counted. */
function counted(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  metrics: Parts["metrics"],
): Handler {
  return async (request, response) => {
    try {
      await handle(request, response);
    } catch (error) {
      metrics.request(request.method ?? "", error instanceof HttpError ? error.status : 500);
      throw error;
    }
  };
}
