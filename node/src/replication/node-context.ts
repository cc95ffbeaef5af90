/** What all partitions of a node share. */
import type { Clock, Log, Random } from "../chord/ports.ts";
import type { Confirmer } from "./confirmer.ts";
import type { ReplicationOptions } from "./options.ts";
import type { MoveReason, Pace } from "./pace.ts";
import type { PartitionMap } from "./partition-map.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationMetrics, WallClock } from "./ports.ts";
import type { Disk } from "./store.ts";
import type { Member } from "./view.ts";

export interface NodeContext {
  readonly self: Member;
  readonly disk: Disk;
  readonly peers: Peers;
  readonly confirmer: Confirmer;
  readonly map: PartitionMap;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly options: ReplicationOptions;
  readonly log: Log;
  readonly metrics: ReplicationMetrics;
  /** The pods that the roster wants for a partition, the preferred leader first; null: unknown. */
  readonly wanted: (partition: number) => readonly string[] | null;
  /** The node ends: it leads nothing any more. */
  readonly leaving: () => boolean;
  /** Asks a node for a sign of life; who it is, null if it does not answer. */
  readonly greet: (name: string) => Promise<Member | null>;
  /** Runs the move now if this node moves few enough others; false if it did not. */
  readonly move: (reason: MoveReason, run: () => Promise<void>) => boolean;
  /** How fast it has records moved. */
  readonly pace: Pace;
  /** Resolves when so many bytes may be copied ahead. */
  readonly admitCopy: (bytes: number) => Promise<void>;
}
