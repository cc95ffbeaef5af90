/**
 * A client of a Chord ring. It sends each operation to the node that leads the key's partition if
 * that can be reached, repeats safely what may be repeated, and says of every failure whether
 * something may have happened.
 *
 *   chord-ring.ts   the operations      attempts.ts   one operation: again until its deadline
 *   exchange.ts     one request         leaders.ts    who leads what, and who can be reached
 *   errors.ts       what went wrong, and what is known of it
 */
export {
  ChordRing,
  type ChordRingOptions,
  type CompareAndSet,
  type Content,
  type GetOptions,
  type ListedKey,
  type ListOptions,
  type Stored,
  type Value,
  type WriteOptions,
} from "./chord-ring.ts";
export { ChordRingError, type ChordRingOutcome } from "./errors.ts";
