/**
 * Every series of a node in one table: name, help, labels, buckets. docs/metrics.md explains them.
 * No identifiers, addresses or keys as labels: a node has about 300 series, whatever the ring does.
 */

/** Lookups cross at most a few nodes; each whole number of hops is a bucket. */
const hopBuckets = Array.from({ length: 17 }, (_, hops) => hops);

/** From a call on the same machine to one that waits for its deadline. */
const durationBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

export const histograms = {
  lookupHops: {
    name: "chord_lookup_hops",
    help: "Routing requests answered by other nodes on the way of a lookup.",
    buckets: hopBuckets,
    label: "mode",
  },
  lookupDuration: {
    name: "chord_lookup_duration_seconds",
    help: "Time from the start of a lookup to its result.",
    buckets: durationBuckets,
    label: "mode",
  },
  stabilizeDuration: {
    name: "chord_stabilize_duration_seconds",
    help: "Time of one stabilization.",
    buckets: durationBuckets,
  },
  rpcDuration: {
    name: "chord_rpc_duration_seconds",
    help: "Round trip of an answered message to another node.",
    buckets: durationBuckets,
    label: "rpc",
  },
} as const;

export const counters = {
  lookupTimeouts: {
    name: "chord_lookup_timeouts_total",
    help: "Nodes that lookups found dead, silent or gone.",
    labels: [],
  },
  lookupFailures: {
    name: "chord_lookup_failures_total",
    help: "Lookups that ended without an owner.",
    labels: [],
  },
  stabilize: {
    name: "chord_stabilize_total",
    help: "Stabilizations by result.",
    labels: ["result"],
  },
  successorChanges: {
    name: "chord_successor_changes_total",
    help: "Changes of the first successor.",
    labels: [],
  },
  predecessorChanges: {
    name: "chord_predecessor_changes_total",
    help: "Changes of the predecessor.",
    labels: [],
  },
  fixFingers: {
    name: "chord_fix_fingers_total",
    help: "Refreshed fingers by result.",
    labels: ["result"],
  },
  rpcErrors: {
    name: "chord_rpc_errors_total",
    help: "Messages to other nodes that got no answer, or an error for one.",
    labels: ["rpc", "cause"],
  },
  requests: {
    name: "chord_requests_total",
    help: "Clients' requests on keys by method and status.",
    labels: ["method", "status"],
  },
  expiredKeys: {
    name: "chord_expired_keys_total",
    help: "Values that this node deleted as a leader because their time to live was over.",
    labels: [],
  },
  collectedChunks: {
    name: "chord_collected_chunks_total",
    help: "Chunks of large values that this node deleted as a leader because no key held them.",
    labels: [],
  },
  movedKeys: {
    name: "chord_moved_keys_total",
    help: "Keys taken from other nodes to hold them from then on.",
    labels: [],
  },
  movedBytes: {
    name: "chord_moved_bytes_total",
    help: "Bytes of those keys and their values.",
    labels: [],
  },
} as const;

export const gauges = {
  stabilizeAge: {
    name: "chord_stabilize_age_seconds",
    help: "Time since the last completed stabilization, or since the start before the first.",
    labels: [],
  },
  successorListLength: {
    name: "chord_successor_list_length",
    help: "Other nodes in the successor list.",
    labels: [],
  },
  partitions: {
    name: "chord_partitions",
    help: "Partitions by what this node has to do with them, or knows of them.",
    labels: ["state"],
  },
  rosterGeneration: {
    name: "chord_roster_generation",
    help: "Generation of the roster that says where copies should be.",
    labels: [],
  },
  moveKeysLeft: {
    name: "chord_move_keys_left",
    help: "Keys that moves led by this node have still to copy.",
    labels: [],
  },
  moveBytesLeft: {
    name: "chord_move_bytes_left",
    help: "Bytes of values that moves led by this node have still to copy.",
    labels: [],
  },
  keys: { name: "chord_keys", help: "Keys stored on this node, in all its copies.", labels: [] },
  bytes: { name: "chord_bytes", help: "Bytes of the values stored on this node.", labels: [] },
  storageWritable: {
    name: "chord_storage_writable",
    help: "1, or 0 from a failed write until one succeeds again.",
    labels: [],
  },
  ringSplit: {
    name: "chord_ring_split",
    help: "1 while members outside this node's ring are known.",
    labels: [],
  },
  ringEpoch: { name: "chord_ring_epoch", help: "Epoch of the ring; 0 in none.", labels: [] },
  nodeState: {
    name: "chord_node_state",
    help: "1 for the state the node is in, 0 for the others.",
    labels: ["state"],
  },
  eventLoopLag: {
    name: "chord_event_loop_lag_seconds",
    help: "Delay of the event loop since the last scrape, by quantile; 1 is the longest.",
    labels: ["quantile"],
  },
  buildInfo: {
    name: "chord_build_info",
    help: "1, with the versions of the program and of Node.js.",
    labels: ["version", "node_version"],
  },
} as const;

/** Label values known from the start: their series begin at zero. */
export const lookupModes = ["finger", "walk"] as const;
export const rpcTypes = [
  "ping",
  "state",
  "notify",
  "next",
  "hint",
  "hello",
  "prepare",
  "start",
] as const;
export const stabilizeResults = [
  "unchanged",
  "changed",
  "successor-failed",
  "inconclusive",
  "busy",
  "error",
] as const;
export const fingerResults = ["unchanged", "changed", "failed"] as const;
export const nodeStates = ["waiting", "joining", "member", "leaving", "left"] as const;
/** Each state of `chord_partitions` and the count that shows it. */
export const partitionCounts = {
  held: "held",
  "catching-up": "catchingUp",
  led: "led",
  degraded: "degraded",
  misplaced: "misplaced",
  unled: "unled",
} as const;
export const partitionStates = Object.keys(partitionCounts) as (keyof typeof partitionCounts)[];
