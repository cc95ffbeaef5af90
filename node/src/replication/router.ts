/**
 * The way of an operation: to the leader of its partition, which may be this node, and again while
 * leaders and views change, until the deadline. A guess that is out of date costs a redirect.
 *
 * What it never does: report a key as missing because nobody was reached, or repeat a write that
 * may already have happened, unless it has an id by which the leader knows it again.
 */
import type { Clock, Random } from "../chord/ports.ts";
import { sleep } from "../chord/sleep.ts";
import { ReplicationError } from "./errors.ts";
import type { KeyPage, KeyQuery } from "./key-listing.ts";
import type { Attempt } from "./leader.ts";
import { read } from "./key-operation.ts";
import { type Get, isWrite, type KeyOperation, type Outcome } from "./operation.ts";
import type { PartitionMap } from "./partition-map.ts";
import type { Peers } from "./peers.ts";
import type { Held } from "./record.ts";
import type { Member } from "./view.ts";

export interface RouterParts {
  readonly self: Member;
  readonly map: PartitionMap;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly random: Random;
  readonly partitionOf: (operation: KeyOperation) => number;
  readonly here: (partition: number, attempt: Attempt) => Promise<Outcome>;
  readonly peek: (partition: number, key: string) => Held | null;
  readonly listHere: (partition: number, query: KeyQuery) => Promise<KeyPage>;
  readonly leaderOf: (partition: number) => string | null;
}

/** An outcome, the node that gave it, and how many others were asked before. */
export interface Routed {
  readonly outcome: Outcome;
  readonly leader: string;
  readonly hops: number;
}

/** What is known of an operation on its way. */
interface Journey {
  readonly operation: KeyOperation;
  /** Nodes that sent it on. */
  hops: number;
  /** Why the last attempt failed. */
  reason: unknown;
  /** An attempt failed that may have happened, or may still. */
  unknown: boolean;
}

const telling: ReadonlySet<string> = new Set(["storage", "busy"]);

/** Pauses between attempts: 5, 10, 20, 40, 80, 100 ms, each up to half shorter. */
const BACKOFF_FIRST_MS = 5;
const BACKOFF_MAX_MS = 100;
/** A read that gets no answer in this time is tried again, as its leader may be gone. */
const READ_ATTEMPT_MS = 1_000;

export class Router {
  readonly #parts: RouterParts;
  /** Leaders as they were told in redirects, until they prove wrong. */
  readonly #hints = new Map<number, string>();

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  async route(operation: KeyOperation, timeoutMs: number): Promise<Routed> {
    const { clock } = this.#parts;
    const deadlineMs = clock.now() + timeoutMs;
    const journey: Journey = { operation, hops: 0, reason: undefined, unknown: false };
    let routed = await this.#attempt(journey, timeoutMs);
    for (let attempt = 1; routed === null; attempt += 1) {
      await this.#pause(attempt, deadlineMs);
      const remainingMs = deadlineMs - clock.now();
      if (remainingMs <= 0) break;
      routed = await this.#attempt(journey, remainingMs);
    }
    return conclude(journey, routed);
  }

  /** What one copy holds: the own one, else that of any member that answers. */
  async readOne(operation: Get): Promise<Routed> {
    const { map, self, partitionOf } = this.#parts;
    if (map.size === 0) throw notBegun();
    const members = map.get(partitionOf(operation))?.view.members ?? [];
    const isOwn = ({ name }: Member): number => Number(name === self.name);
    for (const { name } of members.toSorted((a, b) => isOwn(b) - isOwn(a))) {
      try {
        const held = await this.#peek(name, operation);
        return { outcome: read(operation, held?.state ?? null), leader: name, hops: 0 };
      } catch {
        // It cannot be reached, or its copy cannot be read.
      }
    }
    throw new ReplicationError("unavailable", "no copy of this key could be reached");
  }

  async #peek(name: string, operation: Get): Promise<Held | null> {
    const { self, peers, partitionOf, peek } = this.#parts;
    const partition = partitionOf(operation);
    const { text } = operation.key;
    if (name === self.name) return peek(partition, text);
    return (await peers.call<"peek">(name, { type: "peek", partition, key: text })).held;
  }

  /** A page of a partition's keys, from its leader. Rejects `unavailable` after the time. */
  async listKeys(partition: number, query: KeyQuery, timeoutMs: number): Promise<KeyPage> {
    const { clock } = this.#parts;
    const deadlineMs = clock.now() + timeoutMs;
    let reason: unknown;
    for (let attempt = 1; clock.now() < deadlineMs; attempt += 1) {
      try {
        return await this.#askForKeys(partition, query, deadlineMs - clock.now());
      } catch (error) {
        if (!(error instanceof ReplicationError)) throw error;
        reason = error;
        this.#redirected(partition, error);
        await this.#pause(attempt, deadlineMs);
      }
    }
    throw new ReplicationError("unavailable", "a part of the keys could not be reached in time", {
      cause: reason,
    });
  }

  async #askForKeys(partition: number, query: KeyQuery, remainingMs: number): Promise<KeyPage> {
    const { self, map, peers, listHere } = this.#parts;
    if (map.size === 0) throw notBegun();
    const leader = this.#leader(partition);
    if (leader === null) throw new ReplicationError("unavailable", "nobody leads the partition");
    if (leader === self.name) return await listHere(partition, query);
    const timeoutMs = Math.min(remainingMs, READ_ATTEMPT_MS);
    try {
      return await peers.call<"keys">(leader, { type: "keys", partition, ...query }, timeoutMs);
    } catch (error) {
      this.#hints.delete(partition);
      throw error;
    }
  }

  /** Another node's client asks: here or not at all. */
  operate(operation: KeyOperation, timeoutMs: number): Promise<Outcome> {
    if (this.#parts.map.size === 0) return Promise.reject(notBegun());
    return this.#here(this.#parts.partitionOf(operation), operation, timeoutMs);
  }

  /** Null if another attempt may help. */
  async #attempt(journey: Journey, remainingMs: number): Promise<Routed | null> {
    const { operation } = journey;
    try {
      return await this.#send(operation, remainingMs, journey.hops);
    } catch (error) {
      journey.reason = retryable(error, operation);
      journey.unknown ||= isWrite(operation) && isUnknown(error);
      if (this.#redirected(this.#parts.partitionOf(operation), error)) journey.hops += 1;
      return null;
    }
  }

  async #send(operation: KeyOperation, remainingMs: number, hops: number): Promise<Routed> {
    const { self, map, peers, partitionOf } = this.#parts;
    if (map.size === 0) throw notBegun();
    const partition = partitionOf(operation);
    const leader = this.#leader(partition);
    if (leader === null) throw new ReplicationError("unavailable", "nobody leads the partition");
    if (leader === self.name) {
      const outcome = await this.#here(partition, operation, remainingMs);
      return { outcome, leader, hops };
    }
    const timeoutMs =
      operation.type === "get" ? Math.min(remainingMs, READ_ATTEMPT_MS) : remainingMs;
    try {
      // The leader gives up first: it knows whether anything has begun.
      const request = { type: "operate", operation, timeoutMs: 0.9 * timeoutMs } as const;
      const outcome = await peers.call<"operate">(leader, request, timeoutMs);
      this.#hints.set(partition, leader);
      return { outcome, leader, hops };
    } catch (error) {
      this.#hints.delete(partition);
      throw error;
    }
  }

  #leader(partition: number): string | null {
    const { peers, self, leaderOf } = this.#parts;
    const hint = this.#hints.get(partition);
    if (hint !== undefined && (hint === self.name || peers.reachable(hint))) return hint;
    return leaderOf(partition);
  }

  /** Notes where a refusal sends what was asked of a partition. */
  #redirected(partition: number, error: unknown): boolean {
    if (!(error instanceof ReplicationError) || error.code !== "not-leader") return false;
    const { map } = this.#parts;
    if (error.view.epoch > 0) map.learn(partition, { view: error.view, previous: [] });
    if (error.leader === null) this.#hints.delete(partition);
    else this.#hints.set(partition, error.leader);
    return true;
  }

  /** Carries it out on this node within the time. What has not begun by then never will. */
  #here(partition: number, operation: KeyOperation, timeoutMs: number): Promise<Outcome> {
    const { clock, here } = this.#parts;
    const attempt: Attempt = { operation, begun: false, abandoned: false };
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        attempt.abandoned = true;
        reject(tooLate(attempt));
      });
      here(partition, attempt).then(
        (outcome) => {
          cancel();
          resolve(outcome);
        },
        (error: unknown) => {
          cancel();
          reject(error instanceof ReplicationError ? error : failed(attempt, error));
        },
      );
    });
  }

  #pause(attempt: number, deadlineMs: number): Promise<void> {
    const { clock, random } = this.#parts;
    const longestMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
    const pauseMs = longestMs * (0.5 + random.next() / 2);
    return sleep(clock, Math.min(pauseMs, Math.max(0, deadlineMs - clock.now())));
  }
}

/** What the client learns: from the answer, or from there being none in time. */
function conclude({ reason, unknown }: Journey, routed: Routed | null): Routed {
  // An earlier attempt may still happen: that a later one was refused says nothing of it.
  if (unknown && (routed === null || !isDone(routed.outcome))) throw unknownOutcome(reason);
  if (routed !== null) return routed;
  // Why the leader refused tells more than that it did.
  if (reason instanceof ReplicationError && telling.has(reason.code)) throw reason;
  throw new ReplicationError(
    "unavailable",
    "the copies of this key could not be reached in time; nothing was changed, try again",
    { cause: reason },
  );
}

/** Gives the error back if another attempt may help, else throws what the client shall see. */
function retryable(error: unknown, operation: KeyOperation): unknown {
  if (!(error instanceof ReplicationError)) throw error;
  const repeatable = !isWrite(operation) || operation.requestId !== null;
  if (error.code === "wrong-ring" || error.code === "bad-message") throw error;
  if (isUnknown(error) && !repeatable) throw unknownOutcome(error);
  return error;
}

/** Whether what was asked may have been done, or may still be. */
function isUnknown(error: unknown): boolean {
  if (!(error instanceof ReplicationError)) return false;
  return error.code === "timeout" || error.code === "internal" || error.code === "unknown-outcome";
}

function isDone({ type }: Outcome): boolean {
  return type === "stored" || type === "deleted";
}

function unknownOutcome(cause: unknown): ReplicationError {
  return new ReplicationError(
    "unknown-outcome",
    "no majority confirmed the write in time: it may or may not have happened, or still happen; " +
      "read the key before you repeat it",
    { cause },
  );
}

function tooLate({ begun, operation }: Attempt): ReplicationError {
  if (begun && operation.type !== "get") return unknownOutcome(undefined);
  return new ReplicationError("unavailable", "no majority of the copies answered in time");
}

/** The disk failed in the middle: for a write that had begun that may be any time. */
function failed({ begun }: Attempt, cause: unknown): ReplicationError {
  return begun
    ? unknownOutcome(cause)
    : new ReplicationError("storage", "the disk cannot be read", { cause });
}

function notBegun(): ReplicationError {
  return new ReplicationError("unavailable", "the ring's data layer has not begun yet");
}
