/**
 * Removes what deletes leave, so that keys which are gone take no room for ever.
 *
 * A delete is kept as a record because it is newer than what it deleted: whoever missed it could
 * else bring that back. Nobody can any more once every member of the view holds it, and it is of an
 * earlier leader than this one. Members refuse what earlier leaders still have on its way to them;
 * and all that this leader ever sent of the key is that very record, or newer, as that is what it
 * has held since it was promised the lead. A member to come takes exactly what the members show.
 *
 * So a leader forgets the deletes that it found, once it has led for as long as they shall be kept,
 * and its own are left to the next leader: it makes room for one when there are any (`spent`).
 */
import { compareStamps } from "./ballot.ts";
import type { Clock } from "../chord/ports.ts";
import { ReplicationError } from "./errors.ts";
import type { Lead } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import { type Entry, isTombstone } from "./record.ts";
import type { Replica } from "./replica.ts";

export interface ForgettingParts {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly options: ReplicationOptions;
  readonly lead: Lead;
  readonly others: readonly string[];
  /** It leads, and every member has all that it has. */
  readonly mayGoOn: () => boolean;
  /** The own replica has a record that cannot be read. */
  readonly unreadable: () => void;
}

/** Records looked at in one turn of the event loop. */
const PAGE_ENTRIES = 256;
/** A pass that failed is tried again after this part of the time. */
const RETRY_SHARE = 0.1;

export class Forgetting {
  readonly #parts: ForgettingParts;
  #dueMs: number;
  #running = false;
  #spent = false;

  constructor(parts: ForgettingParts) {
    this.#parts = parts;
    this.#dueMs = parts.clock.now() + parts.options.forgetAfterMs;
  }

  /** This leader has made deletes, and forgotten all others. */
  get spent(): boolean {
    return this.#spent;
  }

  /** Forgets what it may when it is time. Called again and again. */
  async run(): Promise<void> {
    const { clock, options, mayGoOn } = this.#parts;
    if (this.#running || clock.now() < this.#dueMs || !mayGoOn()) return;
    this.#running = true;
    try {
      const share = (await this.#pass()) ? 1 : RETRY_SHARE;
      this.#dueMs = clock.now() + share * options.forgetAfterMs;
    } finally {
      this.#running = false;
    }
  }

  /** False if it did not come to its end. */
  async #pass(): Promise<boolean> {
    const { replica, lead, mayGoOn } = this.#parts;
    let own = false;
    let after: string | null = null;
    try {
      do {
        const page = replica.list(lead.epoch, lead.ballot, { after, limit: PAGE_ENTRIES });
        const deletes = page.entries.filter((entry) => this.#isDelete(entry));
        const found = deletes.filter((entry) => this.#isOfEarlierLeader(entry));
        own ||= found.length < deletes.length;
        if (found.length > 0) await this.#forget(found);
        if (!mayGoOn()) return false;
        ({ after } = page);
      } while (after !== null);
    } catch (error) {
      if (!(error instanceof ReplicationError)) this.#parts.unreadable();
      return false;
    }
    this.#spent = own;
    return true;
  }

  #isDelete({ key }: Entry): boolean {
    const { replica } = this.#parts;
    if (replica.lengthOf(key) !== null) return false;
    const held = replica.held(key);
    return held !== null && isTombstone(held);
  }

  #isOfEarlierLeader({ stamp }: Entry): boolean {
    const { epoch, ballot } = this.#parts.lead;
    return compareStamps(stamp, { epoch, ballot, count: 0 }) < 0;
  }

  /** Itself last: what it does not hold it does not find again. */
  async #forget(entries: readonly Entry[]): Promise<void> {
    const { replica, peers, lead, others, mayGoOn } = this.#parts;
    await Promise.all(
      others.map((name) => peers.call<"forget">(name, { type: "forget", ...lead, entries })),
    );
    if (mayGoOn()) replica.forget(lead, entries);
  }
}
