/**
 * Everything the core knows of the world. The node process gives real ports, the simulator
 * virtual ones; the core behaves the same on both because it uses nothing else.
 */
import type { Id } from "./id.ts";
import type { Answer, Envelope, LookupMode, Request, RequestType } from "./messages.ts";

/** Where a request goes: a known node, or an address behind which any member may answer. */
export interface Target {
  readonly address: string;
  /** The node that must answer, null for any. */
  readonly name: string | null;
}

/**
 * Sends one request and gives the peer's answer. At most one delivery is attempted by this
 * call; the network may still lose, delay or repeat. Rejects only with `ChordError`:
 * `timeout` after timeoutMs (the peer may have acted), `unreachable` when the connection failed,
 * or the code with which the peer refused. Must not call back synchronously.
 */
export interface Transport {
  call(target: Target, envelope: Envelope, request: Request, timeoutMs: number): Promise<Answer>;
}

/** Monotonic time in milliseconds, and timers. */
export interface Clock {
  now(): number;
  /** Calls back once, not before ms have passed. The result cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** Uniform random numbers in [0, 1). */
export interface Random {
  next(): number;
}

/** SHA-1 on the 160-bit circle: a node's identifier from its name, a key's from its text. */
export interface Hash {
  idOf(text: string): Id;
}

/** Where other nodes of the ring may be. Neither answer says that a node is in the ring. */
export interface Discovery {
  /** The seed Service: an address behind which only members answer; null if there is none. */
  readonly seed: string | null;
  /** Addresses of all nodes that exist, in the ring or not; may be incomplete or stale. */
  addresses(): Promise<readonly string[]>;
  /** The names that found a new ring, as configured for its first start. */
  founders(): Promise<readonly string[]>;
}

/** What a node must remember of its ring over a restart. */
export interface RingRecord {
  readonly ring: string;
  readonly epoch: number;
  /** This node and all neighbours it knew, by name. */
  readonly names: readonly string[];
}

/** A small durable record. `save` resolves when the record survives a crash. */
export interface RecordStore {
  load(): RingRecord | null;
  save(record: RingRecord): Promise<void>;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message and data in fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
}

export type StabilizeResult =
  | "unchanged"
  | "changed"
  | "successor-failed"
  | "inconclusive"
  | "busy"
  | "error";

export interface LookupSummary {
  readonly mode: LookupMode;
  readonly hops: number;
  readonly timeouts: number;
  readonly durationMs: number;
  readonly found: boolean;
}

/** What happened, for counters and histograms; never a reason to behave differently. */
export interface Metrics {
  lookup(summary: LookupSummary): void;
  stabilized(result: StabilizeResult, durationMs: number): void;
  successorChanged(): void;
  predecessorChanged(): void;
  fingerFixed(result: "unchanged" | "changed" | "failed"): void;
  rpc(type: RequestType, durationMs: number): void;
  rpcFailed(type: RequestType, cause: string): void;
}

export interface Ports {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly discovery: Discovery;
  readonly record: RecordStore;
  readonly log: Log;
  readonly metrics: Metrics;
}
