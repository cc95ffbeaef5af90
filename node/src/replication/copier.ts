/**
 * Copies ahead what a coming member of a view will need, so that the change itself has little left
 * to move. What it copies is only a cache: the member begins with what a majority shows then.
 */
import { compareStamps } from "./ballot.ts";
import type { Clock } from "../chord/ports.ts";
import { sleep } from "../chord/sleep.ts";
import { ReplicationError } from "./errors.ts";
import { mergeWalk, type Source } from "./merge-walk.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationMetrics } from "./ports.ts";
import type { Entry, KeyedRecord } from "./record.ts";
import type { Replica } from "./replica.ts";
import { holdsSame } from "./same.ts";
import { countsOf, fetchRecords } from "./transfer.ts";

export interface CopyProgress {
  /** Little is left to copy. */
  readonly ready: boolean;
  /** Copied so far. */
  readonly keys: number;
  readonly bytes: number;
}

/** Go on copying what `from`, active in that view, holds: so many records at most. */
export interface CopyRequest {
  readonly epoch: number;
  readonly from: string;
  readonly limit: number;
}

export interface CopierParts {
  readonly partition: number;
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly options: ReplicationOptions;
  /** Resolves when so many bytes may be copied. */
  readonly admit: (bytes: number) => Promise<void>;
  readonly metrics: ReplicationMetrics;
}

/** Records found missing in one pass that the change itself may copy. */
const LITTLE = 64;
const FETCH_KEYS_MAX = 256;
/** Whoever asks wants to see progress. */
const ANSWER_MS = 50;

export class Copier {
  readonly #parts: CopierParts;
  #passing: Promise<void> | null = null;
  /** A pass came to its end: what later ones find was written meanwhile. */
  #passed = false;
  /** Records that may be copied yet, and what resolves when there are none or some again. */
  #allowed = 0;
  #spent: PromiseWithResolvers<void> = Promise.withResolvers();
  #granted: PromiseWithResolvers<void> = Promise.withResolvers();
  #ready = false;
  #keys = 0;
  #bytes = 0;
  #stopped = false;

  constructor(parts: CopierParts) {
    this.#parts = parts;
  }

  /**
   * Goes on copying; tells how far it is once a pass is through, all that was allowed is copied, or
   * after a moment.
   */
  async continue({ epoch, from, limit }: CopyRequest): Promise<CopyProgress> {
    if (!this.#ready) {
      this.#grant(limit);
      this.#passing ??= this.#pass(epoch, from);
      const moment = sleep(this.#parts.clock, ANSWER_MS);
      await Promise.race([this.#passing, this.#spent.promise, moment]);
    }
    const progress = { ready: this.#ready, keys: this.#keys, bytes: this.#bytes };
    this.#ready = false;
    return progress;
  }

  /** Keeps nothing more: the member begins, and nobody could tell what of it is a cache. */
  stop(): void {
    this.#stopped = true;
    this.#granted.resolve();
  }

  #grant(limit: number): void {
    this.#allowed = limit;
    this.#spent = Promise.withResolvers();
    this.#granted.resolve();
    this.#granted = Promise.withResolvers();
  }

  /** Resolves with how many of so many records may be copied now. */
  async #allowance(wanted: number): Promise<number> {
    // Whoever falls behind what is written would never come to an end.
    if (this.#passed) return wanted;
    while (this.#allowed <= 0 && !this.#stopped) {
      this.#spent.resolve();
      await this.#granted.promise;
    }
    if (this.#stopped) throw new ReplicationError("unavailable", "copying ahead is over");
    const count = Math.min(wanted, this.#allowed);
    this.#allowed -= count;
    return count;
  }

  async #pass(epoch: number, from: string): Promise<void> {
    try {
      const missing = await this.#copyMissing(epoch, from);
      this.#passed = true;
      this.#ready = missing <= LITTLE;
    } catch {
      // Whoever asked will ask again.
    } finally {
      this.#passing = null;
    }
  }

  async #copyMissing(epoch: number, from: string): Promise<number> {
    const { partition, replica, peers, options } = this.#parts;
    if (await this.#holdsSame(epoch, from)) return 0;
    const limit = options.pageEntries;
    const own: Source = (after) => replica.cached(after, limit);
    const other: Source = (after) =>
      peers.call<"list">(from, { type: "list", partition, epoch, ballot: 0, after, limit });
    let missing = 0;
    for await (const batch of mergeWalk([own, other])) {
      const lacked = batch.flatMap(({ key, stamps: [held = null, stamp = null] }): Entry[] =>
        stamp !== null && compareStamps(stamp, held) > 0 ? [{ key, stamp }] : [],
      );
      missing += lacked.length;
      for (let start = 0; start < lacked.length; ) {
        const count = await this.#allowance(Math.min(FETCH_KEYS_MAX, lacked.length - start));
        const entries = lacked.slice(start, start + count);
        await this.#take(await fetchRecords(peers, from, { partition, entries }));
        start += count;
      }
    }
    return missing;
  }

  async #holdsSame(epoch: number, from: string): Promise<boolean> {
    const { partition, replica, peers } = this.#parts;
    const { digest } = replica;
    if (digest === null) return false;
    const request = { type: "holds", partition, epoch, ballot: 0, digest } as const;
    return (await holdsSame(peers, from, request)) === true;
  }

  async #take(records: readonly KeyedRecord[]): Promise<void> {
    const { replica, admit, metrics } = this.#parts;
    // A member, be it of a view long over, has its own rules.
    if (this.#stopped || replica.member) return;
    for (const { key, held } of records) replica.merge(key, held);
    const taken = countsOf(records);
    this.#keys += taken.keys;
    this.#bytes += taken.bytes;
    metrics.moved(taken);
    await admit(taken.bytes);
  }
}
