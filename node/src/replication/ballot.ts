/**
 * The order of proposers within a view, and of what they wrote. Both orders are total: two
 * proposers never share a ballot, and one never uses a count twice.
 */
import { type Member, sameMember, type View } from "./view.ts";

/**
 * Of a proposer, and separately of a proposal of a next view. A view of n members gives each of
 * them every n-th number, so that a ballot tells whose it is. 0 is lower than all.
 */
export type Ballot = number;

export const noBallot: Ballot = 0;

/** The age of a record: of the view, of the proposer's ballot in it, of its writes under that. */
export interface Stamp {
  readonly epoch: number;
  readonly ballot: Ballot;
  readonly count: number;
}

/** The member's lowest ballot above another one. It must be in the view. */
export function nextBallot(view: View, member: Member, above: Ballot): Ballot {
  const size = view.members.length;
  const place = view.members.findIndex((one) => sameMember(one, member));
  const lowest = above + 1;
  return lowest + ((place - (lowest % size) + size) % size);
}

/** Whose ballot it is; null for none. */
export function proposerOf(view: View, ballot: Ballot): Member | null {
  if (ballot === noBallot) return null;
  return view.members[ballot % view.members.length] ?? null;
}

/** Negative where a is older, 0 where both are the same; null is older than every stamp. */
export function compareStamps(a: Stamp | null, b: Stamp | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.epoch - b.epoch || a.ballot - b.ballot || a.count - b.count;
}

/** The place of the newest stamp; -1 if there is none. */
export function newestOf(stamps: readonly (Stamp | null)[]): number {
  let newest = -1;
  for (const [index, stamp] of stamps.entries()) {
    const best = newest < 0 ? null : (stamps[newest] ?? null);
    if (compareStamps(stamp, best) > 0) newest = index;
  }
  return newest;
}
