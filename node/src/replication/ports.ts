/** Everything the data layer knows of the world, beside its disk (store.ts). */
import type { Clock, Hash, Log, Random } from "../chord/ports.ts";
import type { Reply, Request, RequestType } from "./messages.ts";
import type { Counts, Disk } from "./store.ts";

/**
 * Sends one request to the node with this name, wherever it is now. At most one delivery is
 * attempted; the network may lose, delay or repeat. Rejects only with `ReplicationError`:
 * `unreachable` if nothing was sent, `timeout` if the peer may have acted, or with what the peer
 * refused. Must not call back synchronously.
 */
export interface Network {
  call<T extends RequestType>(
    to: string,
    request: Extract<Request, { readonly type: T }>,
    timeoutMs: number,
  ): Promise<Reply<T>>;
}

/** The time of day, which people set and other hosts have too: it may jump, in both directions. */
export interface WallClock {
  /** Whole milliseconds since the epoch. */
  now(): number;
}

/** What happened, for counters; never a reason to behave differently. */
export interface ReplicationMetrics {
  /** A value's time was over: this node deleted it. */
  expired(): void;
  /** This node took records from others, to hold them from then on. */
  moved(taken: Counts): void;
}

export interface ReplicationPorts {
  readonly network: Network;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly hash: Hash;
  readonly log: Log;
  readonly metrics: ReplicationMetrics;
  /** The names that found a new ring, as configured for its first start. */
  readonly founders: () => Promise<readonly string[]>;
  /** Whether this node is a member of its ring just now. */
  readonly inRing: () => boolean;
  /** Other nodes of the ring that the node knows just now, by name. */
  readonly neighbours: () => readonly string[];
}
