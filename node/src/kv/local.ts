/** Carries out an operation on this node's own store. */
import type { Store } from "../storage/store.ts";
import type { Operation, Outcome } from "./operation.ts";
import { matches, noPreconditions, type Preconditions, writeCondition } from "./preconditions.ts";

const notFound: Outcome = { type: "not-found" };
const deleted: Outcome = { type: "deleted" };

/** A value is there at once, so that the most frequent operation costs no promise. */
export function read(store: Store, operation: Extract<Operation, { type: "get" }>): Outcome {
  const value = store.get(operation.key);
  if (operation.preconditions !== noPreconditions) {
    const early = conditional(operation.preconditions, value?.version ?? null);
    if (early !== undefined) return early;
  }
  if (value === null) return notFound;
  const { version, contentType, bytes } = value;
  return { type: "value", version, contentType, bytes, length: bytes.length };
}

function conditional(preconditions: Preconditions, present: string | null): Outcome | undefined {
  const { ifMatch, ifNoneMatch } = preconditions;
  if (ifMatch !== undefined && !matches(ifMatch, present)) {
    return { type: "precondition-failed", version: present };
  }
  if (present !== null && ifNoneMatch !== undefined && matches(ifNoneMatch, present)) {
    return { type: "not-modified", version: present };
  }
  return undefined;
}

/** Resolves once the write is durable. Rejects with `StoreError`. */
export async function write(
  store: Store,
  operation: Exclude<Operation, { type: "get" }>,
): Promise<Outcome> {
  const condition = writeCondition(operation.preconditions);
  if (operation.type === "put") {
    const result = await store.put(operation.key, operation.content, condition);
    if (result.outcome === "refused") return refused(result.present);
    return { type: "stored", version: result.version, created: result.created };
  }
  const result = await store.delete(operation.key, condition);
  if (result.outcome === "refused") return refused(result.present);
  return result.outcome === "deleted" ? deleted : notFound;
}

function refused(version: string | null): Outcome {
  return { type: "precondition-failed", version };
}
