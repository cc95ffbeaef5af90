/**
 * How a pass ended, and what each kind of failure means for the ring's owner.
 *
 * A failure is never silent: it becomes a problem in the status, and an event. It is either one
 * that trying again can cure (the API server is away), or one that only a person can (a name is
 * taken).
 */
import { ApiError } from "../kube/api-client.ts";
import { NameTakenError } from "../kube/applier.ts";
import type { Problem } from "./pass.ts";

export interface Failure extends Problem {
  /** Whether trying again soon makes sense. */
  retry: boolean;
}

const REFUSED = [400, 403, 422];

export function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof NameTakenError) return { reason: "NameTaken", message, retry: false };
  if (error instanceof ApiError && REFUSED.includes(error.status)) {
    return { reason: "Refused", message, retry: false };
  }
  return { reason: "ReconcileFailed", message, retry: true };
}
