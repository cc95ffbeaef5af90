/**
 * The entry node's part in an operation: carry it out here if this node owns the key, else look
 * the owner up and send it there; look again while the ring changes, until the deadline.
 *
 * What it never does: report a key as missing because its owner was not reached, or repeat a write
 * that may already have happened.
 */
import type { Chord } from "../chord/index.ts";
import { ChordError } from "../chord/errors.ts";
import type { NodeRef } from "../chord/messages.ts";
import type { Clock, Log, Random } from "../chord/ports.ts";
import { HttpError, unavailable } from "../http/errors.ts";
import { type Store, StoreError } from "../storage/store.ts";
import { read, write } from "./local.ts";
import type { Operation, Outcome } from "./operation.ts";

/** Sends an operation to the node that is believed to own its key. */
export interface Owners {
  /**
   * Rejects with `ChordError`: `timeout` when the owner may have acted, `not-owner` or another
   * code when it has not; or with `HttpError` when it gave a final answer that is an error.
   */
  send(owner: NodeRef, operation: Operation, timeoutMs: number): Promise<Outcome>;
}

export interface RouterParts {
  readonly chord: Pick<Chord, "self" | "owns" | "find" | "findHere">;
  readonly store: Store;
  readonly owners: Owners;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface RouterOptions {
  readonly operationTimeoutMs: number;
}

/** An outcome, who gave it, and how many nodes were asked on the way. */
export interface Routed {
  readonly outcome: Outcome;
  readonly owner: string;
  readonly hops: number;
}

/** Pauses between lookups in a changing ring: 20, 40, 80, 160, 200 ms, each up to half shorter. */
const BACKOFF_FIRST_MS = 20;
const BACKOFF_MAX_MS = 200;
/** A read that gets no answer in this time is tried again, as its owner may have been replaced. */
const READ_ATTEMPT_MS = 1_000;
const STORE_LOG_INTERVAL_MS = 10_000;

export class KeyRouter {
  readonly #parts: RouterParts;
  readonly #options: RouterOptions;
  #storeLoggedMs = -STORE_LOG_INTERVAL_MS;

  constructor(parts: RouterParts, options: RouterOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** A read of a key that this node owns is answered at once; everything else takes its time. */
  route(operation: Operation): Routed | Promise<Routed> {
    const found = this.#parts.chord.findHere(operation.key.id);
    return found === null ? this.#elsewhere(operation) : this.here(operation);
  }

  /** Carries the operation out on this node's store. The caller has checked the ownership. */
  here(operation: Operation): Routed | Promise<Routed> {
    if (operation.type === "get") return this.#local(read(this.#parts.store, operation));
    return this.#writeHere(operation);
  }

  #local(outcome: Outcome): Routed {
    return { outcome, owner: this.#parts.chord.self.name, hops: 0 };
  }

  async #writeHere(operation: Exclude<Operation, { type: "get" }>): Promise<Routed> {
    const { clock, store } = this.#parts;
    let cancel = (): void => undefined;
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(this.#options.operationTimeoutMs, () => {
        reject(unknownOutcome("this node's disk did not confirm the write in time"));
      });
    });
    try {
      return this.#local(await Promise.race([write(store, operation), late]));
    } catch (error) {
      throw error instanceof StoreError ? this.#storeFailed(error) : error;
    } finally {
      cancel();
    }
  }

  #storeFailed(error: StoreError): HttpError {
    const nowMs = this.#parts.clock.now();
    if (nowMs - this.#storeLoggedMs >= STORE_LOG_INTERVAL_MS) {
      this.#storeLoggedMs = nowMs;
      this.#parts.log.warn("the store refused a write", { reason: error.message });
    }
    if (error.uncertain) return unknownOutcome("the disk failed while the value was written");
    return unavailable(
      "storage_unavailable",
      "the owner of this key cannot write to its disk; nothing was changed",
      error,
    );
  }

  async #elsewhere(operation: Operation): Promise<Routed> {
    const { clock } = this.#parts;
    const deadlineMs = clock.now() + this.#options.operationTimeoutMs;
    let reason: unknown;
    for (let attempt = 0; clock.now() < deadlineMs; attempt += 1) {
      if (attempt > 0) await this.#pause(attempt, deadlineMs);
      try {
        return await this.#attempt(operation, deadlineMs - clock.now());
      } catch (error) {
        reason = retryable(error, operation);
      }
    }
    throw unavailable(
      "owner_unreachable",
      "the owner of this key could not be reached in time; nothing was changed, try again",
      reason,
    );
  }

  async #attempt(operation: Operation, remainingMs: number): Promise<Routed> {
    const { chord, owners } = this.#parts;
    const { id } = operation.key;
    if (chord.owns(id)) return this.here(operation);
    const { owner, hops } = await chord.find(id, { verify: false, deadlineMs: remainingMs });
    if (owner.name === chord.self.name) {
      // Next in line, but the predecessor that bounds this node's part is not known yet.
      throw new ChordError("not-owner", "this node does not know its predecessor yet");
    }
    const timeoutMs =
      operation.type === "get" ? Math.min(remainingMs, READ_ATTEMPT_MS) : remainingMs;
    const outcome = await owners.send(owner, operation, timeoutMs);
    return { outcome, owner: owner.name, hops };
  }

  #pause(attempt: number, deadlineMs: number): Promise<void> {
    const { clock, random } = this.#parts;
    const longestMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
    const pauseMs = longestMs * (0.5 + random.next() / 2);
    return new Promise((resolve) => {
      clock.after(Math.min(pauseMs, Math.max(0, deadlineMs - clock.now())), resolve);
    });
  }
}

/** Gives the error back if another attempt may help, else throws what the client shall see. */
function retryable(error: unknown, operation: Operation): unknown {
  if (!(error instanceof ChordError)) throw error;
  if (error.code === "not-member") throw notInRing();
  if (error.code === "timeout" && operation.type !== "get") {
    throw unknownOutcome("the owner of the key did not answer in time");
  }
  return error;
}

function notInRing(): HttpError {
  return unavailable("not_in_ring", "this node is not in the ring yet; try again or ask another");
}

function unknownOutcome(reason: string): HttpError {
  return new HttpError(
    504,
    "outcome_unknown",
    `${reason}: the write may or may not have happened; read the key before you repeat it`,
  );
}
