/**
 * `/v1/batch`: many operations in one request. They are no transaction: each happens or fails on
 * its own. Those of one key happen in the order in which they stand.
 */
import type { Hash } from "../chord/index.ts";
import { type BodyBudget, readBody } from "../http/body.ts";
import { HttpError, sendJson } from "../http/errors.ts";
import type { Handler } from "../http/handler.ts";
import { failureOf, parseBatch, type Result, resultOf } from "../kv/batch-form.ts";
import { clientOutcomeOf, methodNotAllowed } from "../kv/http-form.ts";
import type { KeyService } from "../kv/key-service.ts";
import { REGISTER_BYTES_MAX } from "../large-values/index.ts";
import type { NodeMetrics } from "../metrics/node-metrics.ts";
import type { Operation } from "../replication/index.ts";

export const BATCH_PATH = "/v1/batch";
/** Parsing takes the event loop for about 10 ms a MiB, in which nobody else is answered. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Of the values in one answer. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** Operations of one batch that are under way at once. */
const LANES = 64;

interface Parts {
  readonly keys: Pick<KeyService, "execute">;
  readonly hash: Hash;
  readonly metrics: Pick<NodeMetrics, "request">;
  readonly budget: BodyBudget;
}

export function batchHandler(
  parts: Parts,
  { valueBytesMax }: { readonly valueBytesMax: number },
): Handler {
  const { hash, budget, metrics } = parts;
  const limits = { bytesMax: BODY_BYTES_MAX, budget };
  const registerBytesMax = Math.min(valueBytesMax, REGISTER_BYTES_MAX);
  return async (request, response) => {
    if (request.method !== "POST") throw methodNotAllowed("POST");
    if (!/^application\/json\s*(;|$)/i.test(request.headers["content-type"] ?? "")) {
      throw new HttpError(
        415,
        "unsupported_type",
        "a batch is application/json: send it with that Content-Type",
      );
    }
    const body = await readBody(request, response, limits);
    const operations = parseBatch(body, { hash, valueBytesMax: registerBytesMax });
    const results = await new Batch(parts.keys, operations).run();
    for (const [index, { status }] of results.entries()) {
      metrics.request(methods[operations[index]?.type ?? "get"], status);
    }
    sendJson(response, 200, JSON.stringify({ results }));
  };
}

const methods = { get: "GET", put: "PUT", delete: "DELETE" } as const;

class Batch {
  readonly #keys: Parts["keys"];
  readonly #operations: readonly Operation[];
  readonly #results: Result[] = [];
  #answerBytes = 0;

  constructor(keys: Parts["keys"], operations: readonly Operation[]) {
    this.#keys = keys;
    this.#operations = operations;
  }

  async run(): Promise<readonly Result[]> {
    const byKey = Map.groupBy(this.#operations.keys(), (index) => {
      return this.#operations[index]?.key.text;
    });
    const waiting = [...byKey.values()].values();
    const lane = async (): Promise<void> => {
      for (const indexes of waiting) {
        for (const index of indexes) this.#results[index] = await this.#result(index);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return this.#results;
  }

  async #result(index: number): Promise<Result> {
    const operation = this.#operations[index] as Operation;
    try {
      const { outcome } = await this.#keys.execute(operation);
      if (outcome.type === "value") this.#count(outcome.bytes.length);
      return resultOf(clientOutcomeOf(outcome));
    } catch (error) {
      if (error instanceof HttpError) return failureOf(error);
      throw error;
    }
  }

  /** Throws if the answer would become too long. A value alone always fits. */
  #count(bytes: number): void {
    if (this.#answerBytes > 0 && this.#answerBytes + bytes > ANSWER_BYTES_MAX) {
      const message = "the answer is full of values: read this key in another batch";
      throw new HttpError(503, "batch_full", message);
    }
    this.#answerBytes += bytes;
  }
}
