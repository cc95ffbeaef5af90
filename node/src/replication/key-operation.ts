/** What an operation makes of a key's state: pure, and the same on every leader. */
import {
  type Delete,
  matches,
  mayWrite,
  type Operation,
  type Outcome,
  type Put,
} from "./operation.ts";
import type { AnsweredRequest, KeyState } from "./record.ts";

/** The outcome, and the state to write first if there is one. */
export interface Decision {
  readonly outcome: Outcome;
  readonly next: KeyState | null;
}

const notFound: Outcome = { type: "not-found" };
const deleted: Outcome = { type: "deleted" };

/** `version` names the write if there will be one. */
export function decide(
  operation: Operation,
  state: KeyState | null,
  version: string,
  answeredMax: number,
): Decision {
  if (operation.type === "get") return { outcome: read(operation, state), next: null };
  const { requestId, preconditions } = operation;
  const earlier = state?.answered.find(({ id }) => id === requestId);
  if (earlier !== undefined) return { outcome: repeated(earlier), next: null };
  const present = presentVersion(state);
  if (!mayWrite(preconditions, present)) {
    return { outcome: { type: "precondition-failed", version: present }, next: null };
  }
  if (operation.type === "delete" && present === null) return { outcome: notFound, next: null };
  const entry = entryOf(operation, present, version);
  const content = operation.type === "put" ? operation.content : null;
  const answered = remember(requestId === null ? [] : [entry], state, answeredMax);
  return { outcome: repeated(entry), next: { version, content, answered } };
}

function remember(
  latest: readonly AnsweredRequest[],
  state: KeyState | null,
  answeredMax: number,
): readonly AnsweredRequest[] {
  return [...latest, ...(state?.answered ?? [])].slice(0, answeredMax);
}

/** What a reader sees of a state. */
export function read(
  { preconditions, head }: Extract<Operation, { type: "get" }>,
  state: KeyState | null,
): Outcome {
  const present = presentVersion(state);
  const { ifMatch, ifNoneMatch } = preconditions;
  if (ifMatch !== undefined && !matches(ifMatch, present)) {
    return { type: "precondition-failed", version: present };
  }
  const content = state?.content ?? null;
  if (present === null || content === null) return notFound;
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, present)) {
    return { type: "not-modified", version: present };
  }
  const { contentType, bytes } = content;
  const shown = head ? bytes.subarray(0, 0) : bytes;
  return { type: "value", version: present, contentType, bytes: shown, length: bytes.length };
}

function presentVersion(state: KeyState | null): string | null {
  return state === null || state.content === null ? null : state.version;
}

function entryOf(
  operation: Put | Delete,
  present: string | null,
  version: string,
): AnsweredRequest {
  const id = operation.requestId ?? "";
  if (operation.type === "delete") return { id, outcome: "deleted", version };
  return { id, outcome: present === null ? "created" : "replaced", version };
}

function repeated({ outcome, version }: AnsweredRequest): Outcome {
  if (outcome === "deleted") return deleted;
  return { type: "stored", version, created: outcome === "created" };
}
