/**
 * The order of proposers within a view, and of what they wrote. Both orders are total: two
 * proposers never share a ballot, and one never uses a count twice.
 */

/** Of a proposer, and separately of a proposal of a next view: compared by round, then by name. */
export interface Ballot {
  readonly round: number;
  /** Who proposes: its name and incarnation, so that a new disk does not repeat an old ballot. */
  readonly proposer: string;
}

/** The age of a record: of the view, of the proposer's ballot in it, of its writes under that. */
export interface Stamp {
  readonly epoch: number;
  readonly ballot: Ballot;
  readonly count: number;
}

/** Negative where a is lower, 0 where both are the same; null is lower than every ballot. */
export function compareBallots(a: Ballot | null, b: Ballot | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  if (a.round !== b.round) return a.round - b.round;
  if (a.proposer === b.proposer) return 0;
  return a.proposer < b.proposer ? -1 : 1;
}

/** Negative where a is older, 0 where both are the same; null is older than every stamp. */
export function compareStamps(a: Stamp | null, b: Stamp | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.epoch - b.epoch || compareBallots(a.ballot, b.ballot) || a.count - b.count;
}
