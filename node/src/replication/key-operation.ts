/** What an operation makes of a key's state: pure, and the same on every leader. */
import {
  type Delete,
  type Expire,
  type Fence,
  type Get,
  type KeyOperation,
  matches,
  mayWrite,
  type Outcome,
  type Put,
} from "./operation.ts";
import { type AnsweredRequest, type KeptContent, type KeyState, lengthOfValue } from "./record.ts";

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
  operation: KeyOperation | Expire,
  state: KeyState | null,
  circumstances: Circumstances,
): Decision {
  switch (operation.type) {
    case "get":
      return { outcome: read(operation, state), next: null };
    case "expire":
      return expire(operation, state, circumstances);
    case "fence":
      return raiseFence(operation, state, circumstances);
    default:
      return write(operation, state, circumstances);
  }
}

function write(
  operation: Put | Delete,
  state: KeyState | null,
  circumstances: Circumstances,
): Decision {
  const { version, answeredMax } = circumstances;
  const { requestId, preconditions } = operation;
  const earlier = state?.answered.find((one) => isRepetition(operation, one));
  if (earlier !== undefined) return { outcome: repeated(earlier), next: null };
  const fence = fenceOf(state);
  if (operation.type === "put" && isPast(operation, fence)) {
    return { outcome: { type: "fenced", fence }, next: null };
  }
  const present = presentVersion(state);
  if (!mayWrite(preconditions, present)) {
    return { outcome: { type: "precondition-failed", version: present }, next: null };
  }
  if (operation.type === "delete" && present === null) return { outcome: notFound, next: null };
  const entry = entryOf(operation, present, version);
  const content = operation.type === "put" ? kept(operation, circumstances) : null;
  const answered = remember(requestId === null ? [] : [entry], state, answeredMax);
  return { outcome: repeated(entry), next: following(state, { version, content, answered }) };
}

/** Whoever raised the fence may have removed chunks of the upload since. */
function isPast({ content: { manifest } }: Put, fence: number): boolean {
  return manifest !== undefined && manifest.fence !== fence;
}

/**
 * One step for the question and for what rests on its answer: an upload that is told to be unused
 * and is behind the fence can never be used again. The state keeps its version, as what it holds is
 * the same; where there was none, the one written is that of a deleted key.
 */
function raiseFence(
  { upload, past }: Fence,
  state: KeyState | null,
  { version }: Circumstances,
): Decision {
  if (upload !== null && state?.content?.manifest?.upload === upload) {
    return { outcome: { type: "in-use" }, next: null };
  }
  const present = fenceOf(state);
  if (present > past) return { outcome: { type: "fenced", fence: present }, next: null };
  const fence = past + 1;
  const raised = state ?? { version, content: null, answered: [] };
  return { outcome: { type: "fenced", fence }, next: { ...raised, fence } };
}

function fenceOf(state: KeyState | null): number {
  return state?.fence ?? 0;
}

/** The fence outlives everything else that a key holds. */
function following(before: KeyState | null, state: KeyState): KeyState {
  const fence = fenceOf(before);
  return fence === 0 ? state : { ...state, fence };
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
  const { version: next } = circumstances;
  return { outcome: deleted, next: following(state, { version: next, content: null, answered }) };
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
export function read({ preconditions, head }: Get, state: KeyState | null): Outcome {
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
    length: lengthOfValue(content),
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
