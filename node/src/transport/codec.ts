/**
 * The form of what nodes send each other, checked by hand where it enters the process: bounded
 * sizes, right types, nothing assumed. What it means (ring, epoch, identity) the core checks.
 *
 * On the wire a request is an array of `{envelope, request}` and the response an array, in the
 * same order, of `{answer}` or `{error}`.
 */
import {
  type Answer,
  ChordError,
  type Envelope,
  type ErrorCode,
  isErrorCode,
  isId,
  type NodeRef,
  type NodeState,
  type Request,
  type RequestType,
} from "../chord/index.ts";

/** Messages in one request. The client stays far below. */
export const MESSAGES_MAX = 256;
export const BATCH_BYTES_MAX = 1024 * 1024;
/** Successor lists have at most 64 entries, founders are one more. */
const REFS_MAX = 80;
/** Names that a lookup excludes or a node remembers. */
const NAMES_MAX = 256;
const NAME_LENGTH_MAX = 253;
const ADDRESS_LENGTH_MAX = 300;
const RING_LENGTH_MAX = 512;

const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/;

export interface Message {
  readonly envelope: Envelope;
  readonly request: Request;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly epoch?: number;
}

type Fields = Readonly<Record<string, unknown>>;
type Guard = (value: unknown) => boolean;

/** The messages of a batch; undefined when anything in it has not the documented form. */
export function parseMessages(value: unknown): readonly Message[] | undefined {
  const valid = Array.isArray(value) && value.length <= MESSAGES_MAX && value.every(isMessage);
  return valid ? (value as readonly Message[]) : undefined;
}

/** The results of a batch of `count` messages; undefined when they have not the form. */
export function parseResults(value: unknown, count: number): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length === count ? value : undefined;
}

/** One result as the answer to a request of this type. Throws the error that it carries. */
export function parseResult(result: unknown, type: RequestType): Answer {
  const fields = isFields(result) ? result : {};
  if (isFields(fields["error"])) throw parseError(fields["error"]);
  const answer = fields["answer"];
  if (isAnswer(answer, type)) return answer;
  throw new ChordError("bad-message", `The answer to ${type} has not the documented form`);
}

export function encodeError(error: ChordError): WireError {
  const { code, message, epoch } = error;
  return epoch === undefined ? { code, message } : { code, message, epoch };
}

function parseError(error: Fields): ChordError {
  const { code, message, epoch } = error as { code?: unknown; message?: unknown; epoch?: unknown };
  const text = typeof message === "string" ? message.slice(0, 500) : "no message";
  if (!isErrorCode(code)) return new ChordError("internal", text);
  return new ChordError(code, text, isCount(epoch) ? { epoch } : {});
}

function isMessage(value: unknown): boolean {
  return isFields(value) && isEnvelope(value["envelope"]) && isRequest(value["request"]);
}

function isEnvelope(value: unknown): boolean {
  if (!isFields(value)) return false;
  const { ring, epoch, from, to } = value as Partial<Record<keyof Envelope, unknown>>;
  return isText(ring, RING_LENGTH_MAX) && isCount(epoch) && isNodeRef(from) && isOr(to, isName);
}

const requestForms: Readonly<Record<RequestType, (fields: Fields) => boolean>> = {
  ping: () => true,
  state: () => true,
  notify: () => true,
  hello: () => true,
  next: (fields) =>
    isId(fields["id"]) &&
    (fields["mode"] === "finger" || fields["mode"] === "walk") &&
    isList(fields["exclude"], NAMES_MAX, isName),
  hint: (fields) =>
    typeof fields["leaving"] === "boolean" && isList(fields["successors"], REFS_MAX, isNodeRef),
  prepare: (fields) => isCount(fields["epoch"]),
  start: (fields) => isCount(fields["epoch"]) && isList(fields["members"], REFS_MAX, isNodeRef),
};

function isRequest(value: unknown): boolean {
  if (!isFields(value)) return false;
  const type = value["type"];
  if (typeof type !== "string" || !Object.hasOwn(requestForms, type)) return false;
  return requestForms[type as RequestType](value);
}

const replyForms: Readonly<Record<RequestType, (fields: Fields) => boolean>> = {
  ping: (fields) => isState(fields["state"]) && isOr(fields["predecessor"], isNodeRef),
  state: (fields) =>
    isOr(fields["predecessor"], isNodeRef) && isList(fields["successors"], REFS_MAX, isNodeRef),
  notify: () => true,
  hint: () => true,
  next: (fields) =>
    (fields["step"] === "owner" || fields["step"] === "forward") &&
    isList(fields["nodes"], REFS_MAX, isNodeRef),
  hello: (fields) =>
    isState(fields["state"]) &&
    isList(fields["remembered"], NAMES_MAX, isName) &&
    isCount(fields["rememberedEpoch"]),
  prepare: (fields) => typeof fields["promised"] === "boolean" && isCount(fields["epoch"]),
  start: (fields) => typeof fields["started"] === "boolean",
};

function isAnswer(value: unknown, type: RequestType): value is Answer {
  if (!isFields(value)) return false;
  const { self, epoch, reply } = value as Partial<Record<keyof Answer, unknown>>;
  return isNodeRef(self) && isCount(epoch) && isFields(reply) && replyForms[type](reply);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isNodeRef(value: unknown): value is NodeRef {
  if (!isFields(value)) return false;
  const { name, id, address } = value as Partial<Record<keyof NodeRef, unknown>>;
  return isName(name) && isId(id) && isText(address, ADDRESS_LENGTH_MAX) && ADDRESS.test(address);
}

export function isOr(value: unknown, guard: Guard): boolean {
  return value === null || guard(value);
}

export function isList(value: unknown, countMax: number, guard: Guard): boolean {
  return Array.isArray(value) && value.length <= countMax && value.every(guard);
}

/** A whole number from 0 on: an epoch, a count. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

const states: ReadonlySet<unknown> = new Set<NodeState>([
  "waiting",
  "joining",
  "member",
  "leaving",
  "left",
]);

export function isState(value: unknown): value is NodeState {
  return states.has(value);
}

export function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === "string" && value.length <= lengthMax;
}

function isName(value: unknown): value is string {
  return isText(value, NAME_LENGTH_MAX) && value.length > 0;
}
