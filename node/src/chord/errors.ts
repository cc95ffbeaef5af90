/**
 * The one error type of the core. `code` is stable and travels on the wire; what it tells about
 * the outcome matters more than the text: only some codes prove that the peer is no member.
 */

export type ErrorCode =
  /** No answer in time: the peer may have acted or not, may be dead or slow. */
  | "timeout"
  /** The connection failed: refused, reset or no route. */
  | "unreachable"
  /** The peer answered, but is not in the ring (waiting, joining or left). */
  | "not-member"
  /** The peer is in the middle of an operation and cannot show its state just now. */
  | "busy"
  /** The peer belongs to another ring. */
  | "wrong-ring"
  /** The peer's ring has another epoch: one of the two rings is out of date. */
  | "wrong-epoch"
  /** Another node answers at this address now. */
  | "wrong-node"
  /** A node claims an identifier that its name does not give. */
  | "forged"
  /** The message does not have the documented form. */
  | "bad-message"
  /** The peer token is missing or wrong. */
  | "unauthorized"
  /** The node that was asked does not own the key. */
  | "not-owner"
  /** A lookup found no living node nearer to the key. */
  | "no-route"
  /** The deadline of the whole operation passed. */
  | "deadline"
  /** The peer failed while handling the message. */
  | "internal";

const codes: ReadonlySet<string> = new Set<ErrorCode>([
  "timeout",
  "unreachable",
  "not-member",
  "busy",
  "wrong-ring",
  "wrong-epoch",
  "wrong-node",
  "forged",
  "bad-message",
  "unauthorized",
  "not-owner",
  "no-route",
  "deadline",
  "internal",
]);

/** Whether a string from the wire is one of the codes above. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === "string" && codes.has(text);
}

export class ChordError extends Error {
  override readonly name = "ChordError";
  readonly code: ErrorCode;
  /** The epoch of the answering node's ring, with `wrong-epoch`. */
  readonly epoch: number | undefined;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; epoch?: number }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.epoch = options?.epoch;
  }
}

/** The code of any thrown value; what is no ChordError counts as `internal`. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof ChordError ? error.code : "internal";
}

/** A broken invariant is a bug: throw, so that the process stops before it does harm. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant broken: ${message}`);
}
