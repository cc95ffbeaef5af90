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
  sendOutcome,
  targetOf,
} from "../kv/http-form.ts";
import type { KeyService } from "../kv/key-service.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";

export const KEY_PREFIX = "/v1/kv/";

interface Parts {
  readonly keys: Pick<KeyService, "execute" | "readOne">;
  readonly hash: Hash;
  readonly metrics: Pick<NodeMetrics, "request">;
  readonly budget: BodyBudget;
}

export function keyHandler(parts: Parts, options: { readonly valueBytesMax: number }): Handler {
  const { keys, hash, metrics, budget } = parts;
  const limits = { bytesMax: options.valueBytesMax, budget };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { key, consistency } = targetOf(request, KEY_PREFIX, hash);
    const operation =
      bodilessOperation(request, key) ?? (await putOperation(request, response, key, limits));
    const stale = operation.type === "get" && consistency === "one";
    const { outcome, leader, hops } = await (stale
      ? keys.readOne(operation)
      : keys.execute(operation));
    const route = ["X-Chord-Owner", leader, "X-Chord-Hops", String(hops)];
    if (stale) route.push("X-Chord-Consistency", "one");
    sendOutcome(response, clientOutcomeOf(outcome), route);
    metrics.request(request.method ?? "", response.statusCode);
  };
  return counted(handle, metrics);
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
