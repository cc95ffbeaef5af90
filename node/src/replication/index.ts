/**
 * The data layer: which nodes hold a value, and how they agree on it, so that no acknowledged write
 * is lost and every read is the latest, while nodes come, go and fail.
 *
 * The circle is cut into partitions. Each has a view: a numbered list of members, pods with their
 * disks, of which a majority must agree to anything. One member leads; the others follow it.
 *
 *   view.ts ballot.ts record.ts   members and majorities; who came later; what a key holds
 *   placement.ts roster.ts        where a partition should be, from what the operator wants
 *   charter.ts founding.ts        how it all begins
 *   store.ts ports.ts messages.ts the disk, the world, what nodes say to each other
 *
 *   replica.ts        one copy: when it may answer (the acceptor)
 *   leader.ts         the proposer of a partition: wins it with one ballot, then one round a write
 *   writes.ts         its writes under way     confirmer.ts   its reads, confirmed in batches
 *   synchronizer.ts   compares and mends copies of one view (with merge-walk.ts, transfer.ts)
 *   change.ts         decides on the next view, which seals the present one
 *   gather.ts         a member begins in the next view     copier.ts   copies ahead for it
 *   partition.ts      all of these for one partition on one node, again and again
 *
 *   expiry.ts         deletes what a leader has whose time is over
 *   forgetting.ts     removes what deletes leave, where nothing older can come back
 *   key-operation.ts  what an operation makes of a key     router.ts   its way to the leader
 *   key-listing.ts    pages of a partition's keys          reserved-keys.ts   the ring's own keys
 *   handlers.ts       what is answered to messages about replicas
 *   peers.ts          who answers     partition-map.ts     which views are known
 *   replication.ts    the node
 *
 * Invariants (node/model/replication.pml checks them in every reachable state of small rings): one
 * decided view for each epoch; nothing is acknowledged in a view once the next one is decided; an
 * active member has all that was acknowledged in the views before; clients see one history of each
 * key. A driver must make durable what `Disk` says before an answer leaves, and nothing else.
 */
export { compareStamps, type Stamp } from "./ballot.ts";
export type { Charter, CharterMember } from "./charter.ts";
export {
  isReplicationErrorCode,
  ReplicationError,
  type ReplicationErrorCode,
} from "./errors.ts";
export type { KeyPage, KeyQuery, ListedKey } from "./key-listing.ts";
export type * from "./messages.ts";
export {
  type ClientOutcome,
  type Delete,
  type Fence,
  type Get,
  isOfFence,
  type KeyOperation,
  matches,
  mayWrite,
  noPreconditions,
  type Operation,
  type Outcome,
  type Preconditions,
  type Put,
  TTL_SECONDS_MAX,
  type Versions,
} from "./operation.ts";
export { type ReplicationOptions, replicationOptions } from "./options.ts";
export { type Pod, place, type Placement } from "./placement.ts";
export type { Network, ReplicationMetrics, ReplicationPorts, WallClock } from "./ports.ts";
export { compareKeys, type Content, type Held, type Manifest, type StoreKey } from "./record.ts";
export { type DataView, type PartitionView, Replication } from "./replication.ts";
export { isReserved, RESERVED_PREFIX } from "./reserved-keys.ts";
export type { Roster } from "./roster.ts";
export type { Routed } from "./router.ts";
export type { Counts, Disk, NodeRecord, ReplicaState, ReplicaStore } from "./store.ts";
export type { Member, View } from "./view.ts";
