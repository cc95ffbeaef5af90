/** What the load process is asked to do, and what it tells; both travel between processes. */

/** How a key is read and written: as a ring's node, as etcd's gateway, or as a lookup. */
export type RequestForm = "chord" | "etcd" | "lookup";

export type Operation = "get" | "put";

/** One server, and the clients that stay with it. */
export interface Target {
  readonly port: number;
  /** A node's name: answers that name another one as the key's owner were forwarded. */
  readonly node?: string;
  readonly connections: number;
  /** Numbers of the keys that these clients ask for, in random order. */
  readonly keys: readonly number[];
}

export interface LoadJob {
  readonly form: RequestForm;
  readonly operation: Operation;
  readonly targets: readonly Target[];
  /** Measured, after a short time that is not. */
  readonly seconds: number;
  /** Requests a second on a fixed schedule; null: each client asks as soon as it is answered. */
  readonly perSecond: number | null;
  /** The processes of the servers, whose CPU counts. */
  readonly processIds: readonly number[];
  readonly seed: number;
}

export interface LoadResult {
  readonly operations: number;
  readonly failures: number;
  /** The beginning of the first answer that was none. */
  readonly firstFailure: string | null;
  /** Answers that another node of the ring was asked for. */
  readonly forwarded: number;
  readonly operationsPerSecond: number;
  /** Of all servers together. */
  readonly cpuMicrosecondsPerOperation: number;
  /** Calls of all servers that write, to disks and sockets; one of them is the client's answer. */
  readonly writeCallsPerOperation: number;
  /** Of each server alone, in cores. */
  readonly coresUsed: readonly number[];
  /** Of the load process itself, in cores: near 1 it is the bottleneck. */
  readonly generatorCoresUsed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Open loop: how late the generator sent what could have been sent at its time. */
  readonly latenessP99Ms: number;
  /** Open loop: due at the end, and not sent for want of a free connection. */
  readonly waiting: number;
}
