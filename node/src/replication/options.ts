/** Every tunable of the data layer: meaning, default, and what it trades. */
export interface ReplicationOptions {
  /** This node's stable name. */
  readonly name: string;
  /** Its failure domain; null if unknown. */
  readonly zone: string | null;
  /** Where clients reach it, host:port; passed on to clients. Empty if unknown. */
  readonly api: string;
  /**
   * Parts of the circle, fixed when a ring begins. More parts spread load more evenly and cost
   * memory and messages; 16 or more for each pod keep pods within 11 % of the mean. Default 256.
   */
  readonly partitions: number;
  /** Replicas of each partition when the ring begins; afterwards the roster counts. Default 3. */
  readonly copies: number;
  /** Between two looks at every partition. Also the time in which a silent leader is noticed. */
  readonly tickMs: number;
  /** Between two signs of life from each peer. */
  readonly greetMs: number;
  /**
   * A peer that was not heard of for so long is passed over when somebody must lead. Too short
   * makes leaders change on a busy machine, which is slow and never wrong. Default 1,500.
   */
  readonly silenceMs: number;
  /**
   * A node whose copy is catching up for longer is not ready. Shorter than that is a move, which no
   * client need be kept away for.
   */
  readonly lateMs: number;
  /** A message to a peer fails after this. */
  readonly callTimeoutMs: number;
  /** Another replica is asked to confirm reads when the first takes longer. */
  readonly confirmTimeoutMs: number;
  /** Entries in one page of a listing. */
  readonly pageEntries: number;
  /** Bytes of values in one message of records. */
  readonly pageBytes: number;
  /** Partitions that this node moves at a time. */
  readonly movesMax: number;
  /** Copied ahead by this node in a second, so that moving leaves the network to clients. */
  readonly copyBytesPerSecond: number;
  /** How long a founder waits for the rest of them before it begins with more than half. */
  readonly foundingPatienceMs: number;
  /** Writes of one key that may be under way at once; beyond it clients are told to come back. */
  readonly pendingWritesMax: number;
  /**
   * Values that a partition's leader deletes at once because their time is over; the next ones
   * follow when these are done. More clear a crowd of them faster, at the price of clients' writes.
   */
  readonly expiringMax: number;
  /** Ids of past writes that a key remembers. */
  readonly answeredMax: number;
  /**
   * How long a deleted key leaves a trace, at least: until then it also remembers ids. Shorter
   * saves room where very many keys are deleted or expire. Default ten minutes.
   */
  readonly forgetAfterMs: number;
}

const defaults: Omit<ReplicationOptions, "name"> = {
  zone: null,
  api: "",
  partitions: 256,
  copies: 3,
  tickMs: 250,
  greetMs: 400,
  silenceMs: 1_500,
  lateMs: 5_000,
  callTimeoutMs: 1_000,
  confirmTimeoutMs: 250,
  pageEntries: 1_000,
  pageBytes: 1024 * 1024,
  movesMax: 8,
  copyBytesPerSecond: 64 * 1024 * 1024,
  foundingPatienceMs: 10_000,
  pendingWritesMax: 1_024,
  expiringMax: 16,
  answeredMax: 8,
  forgetAfterMs: 600_000,
};

export function replicationOptions(
  given: Partial<ReplicationOptions> & Pick<ReplicationOptions, "name">,
): ReplicationOptions {
  return { ...defaults, ...given };
}
