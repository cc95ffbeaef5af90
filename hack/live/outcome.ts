/**
 * What an exchange with a node proves, by the contract in docs/openapi.yaml: an answer, certainly
 * nothing, or nothing at all. A write is taken for undone only where the contract says so.
 */
import type { Completion, OperationKind } from "./history.ts";
import { valueOf } from "./values.ts";

/** How an HTTP exchange ended. */
export type Exchange =
  | {
      readonly status: number;
      readonly etag: string | undefined;
      /** The node that answered the one that was asked. */
      readonly owner: string | undefined;
      readonly body: Buffer;
    }
  /** `not sent`: no connection could be made, so no node has seen the request. */
  | { readonly failure: "not sent" | "lost" | "timeout"; readonly detail: string };

/** Statuses that say what the operation did. */
const answers: Readonly<Record<OperationKind, readonly number[]>> = {
  get: [200, 404],
  put: [200, 201, 412],
  delete: [204, 404, 412],
};

/** Statuses that the contract allows for any operation beside its answers. */
const refusedStatus = 503;
const unknownStatus = 504;

export function completionOf(kind: OperationKind, exchange: Exchange): Completion {
  if ("failure" in exchange) {
    const { failure, detail } = exchange;
    return { outcome: failure === "not sent" ? "refused" : "unknown", status: 0, detail };
  }
  const { status, etag, owner, body } = exchange;
  if (!answers[kind].includes(status)) {
    const outcome = status === refusedStatus ? "refused" : "unknown";
    return { outcome, status, detail: errorCodeOf(body) };
  }
  return {
    outcome: "ok",
    status,
    ...(etag === undefined ? {} : { etag }),
    ...(owner === undefined ? {} : { owner }),
    ...(kind === "get" && status === 200 ? { value: valueOf(body) } : {}),
  };
}

/** Whether a completion shows something that the contract does not know. */
export function outsideContract(completion: Completion): boolean {
  const { outcome, status, etag } = completion;
  if (outcome === "ok") return (status === 200 || status === 201) && etag === undefined;
  return status !== 0 && status !== refusedStatus && status !== unknownStatus;
}

function errorCodeOf(body: Buffer): string {
  try {
    const { error } = JSON.parse(body.toString()) as { error?: { code?: unknown } };
    return typeof error?.code === "string" ? error.code : "no code";
  } catch {
    return "no JSON";
  }
}
