/**
 * The one error type of the data layer. `code` is stable and travels on the wire. Only some codes
 * prove that nothing happened; the others leave it open.
 */
import { type Ballot, noBallot } from "./ballot.ts";
import { noView, type View } from "./view.ts";

const codes = [
  /** The asker's view is not this replica's; `view` tells which is. Nothing happened. */
  "other-view",
  /** The next view is being decided, or is: nothing happens in this one any more. */
  "sealed",
  /** A higher ballot was promised; `promised` tells which. Nothing happened. */
  "outranked",
  /** Another member leads the partition; `leader` tells who, null if unknown. Nothing happened. */
  "not-leader",
  /** The disk does not take writes. What was asked may become durable later, or not. */
  "storage",
  /** No majority can be had just now. Nothing happened. */
  "unavailable",
  /** The write may have happened or may still happen. */
  "unknown-outcome",
  /** No answer in time: the peer may have acted. */
  "timeout",
  /** The connection failed before anything was sent. Nothing happened. */
  "unreachable",
  /** Too much waits for this node already. Nothing happened. */
  "busy",
  /** The peer belongs to another ring. */
  "wrong-ring",
  /** The message has not the documented form. */
  "bad-message",
  /** The peer failed while handling the message: it may have acted. */
  "internal",
] as const;

export type ReplicationErrorCode = (typeof codes)[number];

export function isReplicationErrorCode(text: unknown): text is ReplicationErrorCode {
  return codes.some((code) => code === text);
}

export interface ReplicationErrorDetails {
  /** The view that the refusing node knows; epoch 0 for none. */
  readonly view?: View;
  readonly promised?: Ballot;
  readonly leader?: string | null;
  readonly cause?: unknown;
}

export class ReplicationError extends Error {
  override readonly name = "ReplicationError";
  readonly code: ReplicationErrorCode;
  readonly view: View;
  readonly promised: Ballot;
  readonly leader: string | null;

  constructor(code: ReplicationErrorCode, message: string, details: ReplicationErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.view = details.view ?? noView;
    this.promised = details.promised ?? noBallot;
    this.leader = details.leader ?? null;
  }
}
