/**
 * What went wrong, and what is known of it: a caller can repeat whatever did not happen, and has to
 * look before it repeats what may have happened.
 */

/** `unknown`: the write may have happened, or may still happen. */
export type ChordRingOutcome = "nothing-happened" | "unknown";

interface Details {
  /** Stable, for programs; the service's own code where it gave one. */
  readonly code: string;
  /** Of the last answer; 0 when there was none. */
  readonly status: number;
  readonly outcome: ChordRingOutcome;
  readonly cause?: unknown;
}

export class ChordRingError extends Error {
  readonly code: string;
  readonly status: number;
  readonly outcome: ChordRingOutcome;

  constructor(message: string, { code, status, outcome, cause }: Details) {
    super(message, { cause });
    this.name = "ChordRingError";
    this.code = code;
    this.status = status;
    this.outcome = outcome;
  }
}
