/**
 * `/v1/kv/{key}`: the hot path. A read of a key that this node owns runs from here to the answer
 * without a promise.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hash } from "../chord/index.ts";
import type { BodyBudget } from "../http/body.ts";
import { HttpError } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import { bodilessOperation, keyOf, putOperation, sendOutcome } from "../kv/http-form.ts";
import type { KeyRouter, Routed } from "../kv/router.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";

export const KEY_PREFIX = "/v1/kv/";

interface Parts {
  readonly router: KeyRouter;
  readonly hash: Hash;
  readonly metrics: Pick<NodeMetrics, "request">;
  readonly budget: BodyBudget;
}

export function keyHandler(parts: Parts, options: { readonly valueBytesMax: number }): Handler {
  const { router, hash, metrics, budget } = parts;
  const limits = { bytesMax: options.valueBytesMax, budget };
  const send = (request: IncomingMessage, response: ServerResponse, routed: Routed): void => {
    const { outcome, owner, hops } = routed;
    sendOutcome(response, outcome, ["X-Chord-Owner", owner, "X-Chord-Hops", String(hops)]);
    metrics.request(request.method ?? "", response.statusCode);
  };
  const finish = async (
    request: IncomingMessage,
    response: ServerResponse,
    routed: Promise<Routed>,
  ): Promise<void> => send(request, response, await routed);

  const handle: Handler = (request, response) => {
    const key = keyOf(request.url ?? "", KEY_PREFIX, hash);
    const operation = bodilessOperation(request, key);
    if (operation === undefined) {
      const put = putOperation(request, response, key, limits);
      return finish(
        request,
        response,
        put.then((ready) => router.route(ready)),
      );
    }
    const routed = router.route(operation);
    if (routed instanceof Promise) return finish(request, response, routed);
    send(request, response, routed);
    return undefined;
  };
  return counted(handle, metrics);
}

/** Failures are answered elsewhere; here they are only counted. */
function counted(handler: Handler, metrics: Parts["metrics"]): Handler {
  const fail = (request: IncomingMessage, error: unknown): never => {
    metrics.request(request.method ?? "", error instanceof HttpError ? error.status : 500);
    throw error;
  };
  return (request, response) => {
    try {
      return handler(request, response)?.catch((error: unknown) => fail(request, error));
    } catch (error) {
      return fail(request, error);
    }
  };
}
