/**
 * Chord, after the papers and with Zave's corrections: who owns a key, and how to get there.
 *
 * Nodes and keys are points on a circle; a key belongs to its successor, the first node at or
 * behind it. Each node knows its predecessor, its next r successors and fingers across the circle.
 *
 *   id.ts              the circle: between, ownership
 *   ring-state.ts      all that one node knows, and every change to it (synchronous)
 *   successor-list.ts  finger-table.ts  routing-table.ts   the parts of that knowledge
 *   stabilize.ts       stabilize in two steps, rectify: pointers follow joins and failures
 *   join.ts            becoming a member with the predecessor's whole list
 *   founding.ts        the first members, or all of them after a blackout, start together
 *   hello.ts           who is there, at all known addresses
 *   bootstrap.ts       a node in no ring: join if there is a member, found if there is none
 *   census.ts          two rings notice each other and become one
 *   lookup.ts          the iterative lookup as a stream of events
 *   fix-fingers.ts     keeps lookups short
 *   peers.ts           timeouts from measured round trips, suspicion
 *   server.ts          the answering side
 *   chord.ts           the node: timers around all of these
 *
 * Invariants (Zave 2017): every member has a living successor in its list, and the ring has at
 * least r+1 principal members; then there is always exactly one ordered ring that every member
 * reaches. `invariants.ts` checks what a whole ring shows.
 *
 * A driver gives the ports (ports.ts), calls `start`, passes each peer's request to `handle`, and
 * calls `stop` at the end. Nothing here knows of time, chance, network or disk but through ports.
 */
export { Chord, type RingView } from "./chord.ts";
export { ChordError, codeOf, type ErrorCode, isErrorCode } from "./errors.ts";
export { between, betweenRightClosed, Circle, type Id, isId } from "./id.ts";
export {
  checkIdeal,
  checkList,
  checkRing,
  type Ideal,
  invariants,
  type NodeView,
  orderedList,
  principals,
  type RingInvariant,
  type Violation,
} from "./invariants.ts";
export type { LookupEvent, LookupOptions, LookupResult, LookupStep } from "./lookup.ts";
export type * from "./messages.ts";
export { type ChordOptions, chordOptions } from "./options.ts";
export type * from "./ports.ts";
export type { RingState } from "./ring-state.ts";
