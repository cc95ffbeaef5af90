/** What an operation makes of a key's state: pure, and the same on every leader. */
import {
  type Delete,
  type Expire,
  matches,
  mayWrite,
  type Operation,
  type Outcome,
  type Put,
} from "./operation.ts";
import type { AnsweredRequest, KeptContent, KeyState } from "./record.ts";

/** The outcome, and the state to write first if there is one. */
export interface Decision {
  readonly outcome: Outcome;
  readonly next: KeyState | null;
}

/** What the leader adds to an operation. */
export interface Circumstances {
  /** Names the write if there will be one. */
  readonly version: string;
  /** Ids of past writes that the key remembers. */
  readonly answeredMax: number;
  /** The wall clock's time, in milliseconds since the epoch. */
  readonly nowMs: number;
}

const notFound: Outcome = { type: "not-found" };
const deleted: Outcome = { type: "deleted" };

export function decide(
  operation: Operation | Expire,
  state: KeyState | null,
  circumstances: Circumstances,
): Decision {
  if (operation.type === "get") return { outcome: read(operation, state), next: null };
  if (operation.type === "expire") return expire(operation, state, circumstances);
  const { version, answeredMax } = circumstances;
  const { requestId, preconditions } = operation;
  const earlier = state?.answered.find((one) => isRepetition(operation, one));
  if (earlier !== undefined) return { outcome: repeated(earlier), next: null };
  const present = presentVersion(state);
  if (!mayWrite(preconditions, present)) {
    return { outcome: { type: "precondition-failed", version: present }, next: null };
  }
  if (operation.type === "delete" && present === null) return { outcome: notFound, next: null };
  const entry = entryOf(operation, present, version);
  const content = operation.type === "put" ? kept(operation, circumstances) : null;
  const answered = remember(requestId === null ? [] : [entry], state, answeredMax);
  return { outcome: repeated(entry), next: { version, content, answered } };
}

/** A client that uses one id for a PUT and for a DELETE means two writes. */
function isRepetition(
  { type, requestId }: Put | Delete,
  { id, outcome }: AnsweredRequest,
): boolean {
  return id === requestId && (type === "delete") === (outcome === "deleted");
}

/**
 * The leader that decides on the write says when it expires: one clock less than if the node that
 * the client asked did, and a repetition through another node cannot change it.
 */
function kept({ content, ttlSeconds }: Put, { nowMs }: Circumstances): KeptContent {
  return ttlSeconds === undefined ? content : { ...content, expiresMs: nowMs + 1_000 * ttlSeconds };
}

function expire(
  { version }: Expire,
  state: KeyState | null,
  circumstances: Circumstances,
): Decision {
  const present = presentVersion(state);
  if (present !== version || !isOver(state?.content, circumstances.nowMs)) {
    return { outcome: { type: "precondition-failed", version: present }, next: null };
  }
  const answered = remember([], state, circumstances.answeredMax);
  return { outcome: deleted, next: { version: circumstances.version, content: null, answered } };
}

/** Whether the time of a value is over. */
export function isOver(content: KeptContent | null | undefined, nowMs: number): boolean {
  return content?.expiresMs !== undefined && content.expiresMs <= nowMs;
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
  return shown(content, present, head);
}

function shown(content: KeptContent, version: string, head: boolean): Outcome {
  const { bytes } = content;
  // Everything else of it is part of the outcome, its time if it has one.
  return {
    ...content,
    type: "value",
    version,
    bytes: head ? bytes.subarray(0, 0) : bytes,
    length: bytes.length,
  };
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
