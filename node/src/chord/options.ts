/**
 * Every tunable of the protocol: meaning, default, and what it trades.
 * Periods derive from `stabilizeIntervalMs`, so that one number makes a ring faster or calmer.
 */
import { invariant } from "./errors.ts";

export interface ChordOptions {
  /** Identity of the ring, checked on every message. */
  readonly ring: string;
  /** This node's stable name; its identifier is the hash of it. */
  readonly name: string;
  /** Where peers reach this node: `host:port`. May change over restarts; the name may not. */
  readonly address: string;
  /** Bits of the identifier circle. Default 160; the papers' worked examples use 3 and 6. */
  readonly bits: number;
  /**
   * Successor-list length r. A ring of at least r+1 nodes survives the loss of any r-1 neighbours
   * at once; each costs one reference per state reply. Default 4, bounds 1 to 64.
   */
  readonly successors: number;
  /** Mean time between two stabilizations; each run is drawn from 50 % to 150 % of it. */
  readonly stabilizeIntervalMs: number;
  /** Failed probes in a row before a peer may be suspected. */
  readonly suspicionProbes: number;
  /** And the least time since the first of them was sent. Default two stabilize intervals. */
  readonly suspicionMs: number;
  /** Bounds of a request's timeout, srtt + 4 rttvar, and its value before any measurement. */
  readonly timeoutMinMs: number;
  readonly timeoutMaxMs: number;
  readonly timeoutInitialMs: number;
  /** How often and how far apart a busy peer is asked again before the operation is given up. */
  readonly busyRetryCount: number;
  readonly busyRetryMs: number;
  /**
   * A lookup gives up after this time. Longer than two suspicions with the timeouts around them:
   * while an owner is silent, its lookups wait until it answers or is certainly gone.
   */
  readonly lookupDeadlineMs: number;
  /** Time between two looks for a ring while the node is in none. */
  readonly bootstrapIntervalMs: number;
  /** How long founders that have a majority wait for the rest before they start without them. */
  readonly foundingPatienceMs: number;
  /** Time between two looks for members outside this node's own ring. */
  readonly censusIntervalMs: number;
}

type Required = Pick<ChordOptions, "ring" | "name" | "address">;

/** Fills in defaults and refuses values that cannot work. */
export function chordOptions(given: Required & Partial<ChordOptions>): ChordOptions {
  const stabilizeIntervalMs = given.stabilizeIntervalMs ?? 1000;
  const options: ChordOptions = {
    bits: 160,
    successors: 4,
    suspicionProbes: 3,
    suspicionMs: 2 * stabilizeIntervalMs,
    timeoutMinMs: 200,
    timeoutMaxMs: 1000,
    timeoutInitialMs: 500,
    busyRetryCount: 5,
    busyRetryMs: 20,
    lookupDeadlineMs: 8000,
    bootstrapIntervalMs: Math.min(500, stabilizeIntervalMs),
    foundingPatienceMs: 10 * stabilizeIntervalMs,
    censusIntervalMs: 5 * stabilizeIntervalMs,
    ...given,
    stabilizeIntervalMs,
  };
  invariant(options.successors >= 1 && options.successors <= 64, "1 <= successors <= 64");
  invariant(options.stabilizeIntervalMs >= 10, "stabilizeIntervalMs >= 10");
  invariant(
    options.name.length > 0 && options.name.length <= 253,
    "a name has 1 to 253 characters",
  );
  invariant(options.timeoutMinMs <= options.timeoutMaxMs, "timeoutMinMs <= timeoutMaxMs");
  return options;
}
