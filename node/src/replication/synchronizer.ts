/**
 * Compares all records of a leader's view and mends what differs: first to know the whole
 * partition, later to bring members back that missed writes. Between members of one view the newer
 * record wins, which is a state that was current or a write whose outcome nobody knew.
 */
import { compareStamps, newestOf, type Stamp } from "./ballot.ts";
import type { ReplicationError } from "./errors.ts";
import { type ComparedKey, mergeWalk, type Source } from "./merge-walk.ts";
import type { Lead } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import { isAhead } from "./quorum.ts";
import { type Entry, type KeyedRecord, sizeOf } from "./record.ts";
import type { Replica } from "./replica.ts";
import { holdsSame } from "./same.ts";
import { fetchRecords } from "./transfer.ts";
import type { Writes } from "./writes.ts";

export interface SynchronizerParts {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly options: ReplicationOptions;
  readonly lead: Lead;
  readonly others: readonly string[];
  readonly needed: number;
  /** Members that promised to follow; more are added. */
  readonly followers: Set<string>;
  readonly writes: Writes;
  /** Whether a majority is known to hold what the own replica holds of this key. */
  readonly known: (key: string) => boolean;
  readonly over: () => boolean;
  readonly deposed: (error: ReplicationError) => void;
}

/** The members whose records a leader has compared and brought into step. */
export type Compared = "none" | "majority" | "all";

/** What is to be done about one batch of keys that differ. */
interface Plan {
  /** For each following member what it lacks. */
  readonly repairs: KeyedRecord[][];
  /** For each following member the records of which it has the newest. */
  readonly wanted: Entry[][];
  readonly rewrites: string[];
}

export class Synchronizer {
  readonly #parts: SynchronizerParts;
  /** Members that failed to list what they have: the next run does without them. */
  readonly #failing = new Set<string>();
  #running = false;

  constructor(parts: SynchronizerParts) {
    this.#parts = parts;
  }

  /** Whose records it went through to the end. Never two runs at once. */
  async run(): Promise<Compared> {
    if (this.#running) return "none";
    this.#running = true;
    try {
      return await this.#run();
    } finally {
      this.#running = false;
    }
  }

  async #run(): Promise<Compared> {
    const { writes, needed, others } = this.#parts;
    const following = await this.#following();
    if (following.length < needed) return "none";
    // What fails from here on is noted anew.
    for (const name of following) writes.behind.delete(name);
    try {
      const whole = following.length === others.length ? "all" : "majority";
      if (await this.#holdSame(following)) return whole;
      for await (const batch of mergeWalk(this.#sources(following))) {
        // Who leads no more may hold what came to nothing.
        if (this.#parts.over()) return "none";
        await this.#mend(batch, following);
      }
      return whole;
    } catch (error) {
      for (const name of following) writes.behind.add(name);
      throw error;
    }
  }

  /**
   * Whether they hold exactly what this replica holds now. What is written from now on is for the
   * writes to bring to them.
   */
  async #holdSame(following: readonly string[]): Promise<boolean> {
    const { peers, replica, lead } = this.#parts;
    const { digest } = replica;
    if (digest === null) return false;
    const answers = await Promise.all(
      following.map((name) => holdsSame(peers, name, { type: "holds", ...lead, digest })),
    );
    return answers.every(Boolean) && !this.#parts.over();
  }

  /** The members that answer and follow this leader, made to where they do not yet. */
  async #following(): Promise<readonly string[]> {
    const { peers, others, lead, followers } = this.#parts;
    const asked = others.filter((name) => peers.reachable(name) && !this.#failing.has(name));
    this.#failing.clear();
    const answers = await Promise.all(
      asked.map(async (name) => {
        if (followers.has(name)) return true;
        try {
          await peers.call<"promise">(name, { type: "promise", ...lead });
          followers.add(name);
          return true;
        } catch (error) {
          if (isAhead(error)) this.#parts.deposed(error);
          return false;
        }
      }),
    );
    return asked.filter((_, index) => answers[index] === true);
  }

  #sources(following: readonly string[]): readonly Source[] {
    const { replica, peers, lead, options, followers } = this.#parts;
    const limit = options.pageEntries;
    const own: Source = (after) => replica.list(lead.epoch, lead.ballot, { after, limit });
    const others = following.map(
      (name): Source =>
        async (after) => {
          try {
            return await peers.call<"list">(name, { type: "list", ...lead, after, limit });
          } catch (error) {
            this.#failing.add(name);
            followers.delete(name);
            throw error;
          }
        },
    );
    return [own, ...others];
  }

  async #mend(batch: readonly ComparedKey[], following: readonly string[]): Promise<void> {
    const plan = this.#plan(batch, following);
    const { lead, peers, options } = this.#parts;
    const { partition } = lead;
    const fetched = await Promise.all(
      plan.wanted.map((entries, index) =>
        fetchRecords(peers, following[index] as string, { partition, entries }),
      ),
    );
    // Each fails as a promise: one that threw would leave those begun before it to fail unheard.
    const rewritten = plan.rewrites.map((key) => this.#rewrite(key));
    const adopted = fetched.flat().map((record) => this.#adopt(record));
    const repairs = plan.repairs.flatMap((records, index) =>
      inMessages(records, options.pageBytes).map((part) =>
        peers.call<"repair">(following[index] as string, {
          type: "repair",
          ...lead,
          records: part,
        }),
      ),
    );
    await Promise.all<unknown>([...rewritten, ...adopted, ...repairs]);
  }

  #plan(batch: readonly ComparedKey[], following: readonly string[]): Plan {
    const lists = <T>(): T[][] => following.map(() => []);
    const plan: Plan = { repairs: lists(), wanted: lists(), rewrites: [] };
    for (const { key, stamps } of batch) {
      if (isSame(stamps)) continue;
      if (this.#parts.writes.of(key) === undefined) this.#planKey(plan, key, stamps.slice(1));
      else this.#noteMissed(key, following);
    }
    return plan;
  }

  /** What is under way is left to the writes, and they do not ask again who failed to answer. */
  #noteMissed(key: string, following: readonly string[]): void {
    const { writes } = this.#parts;
    for (const name of following) if (writes.missed(key, name)) writes.behind.add(name);
  }

  #planKey(plan: Plan, key: string, others: readonly (Stamp | null)[]): void {
    const own = this.#parts.replica.held(key);
    const newest = newestOf(others);
    const stamp = others[newest] ?? null;
    if (stamp !== null && compareStamps(stamp, own?.stamp ?? null) > 0) {
      plan.wanted[newest]?.push({ key, stamp });
    } else if (own !== null && this.#isHeldByMajority(key, own.stamp, others)) {
      planRepairs(plan, { key, held: own }, others);
    } else if (own !== null) plan.rewrites.push(key);
  }

  #isHeldByMajority(key: string, stamp: Stamp, others: readonly (Stamp | null)[]): boolean {
    if (this.#parts.known(key)) return true;
    const same = others.filter((other) => compareStamps(other, stamp) === 0).length;
    return same >= this.#parts.needed;
  }

  async #rewrite(key: string): Promise<void> {
    const { writes, replica, known } = this.#parts;
    const own = replica.held(key);
    if (own === null || known(key) || writes.of(key) !== undefined) return;
    await writes.write(key, own.state).done;
  }

  async #adopt({ key, held }: KeyedRecord): Promise<void> {
    // Meanwhile a client may have written it, or another member had a newer one still.
    if (this.#newerThanOwn(key, held.stamp)) await this.#parts.writes.write(key, held.state).done;
  }

  #newerThanOwn(key: string, stamp: Stamp): boolean {
    const { writes, replica } = this.#parts;
    if (writes.of(key) !== undefined) return false;
    return compareStamps(stamp, replica.held(key)?.stamp ?? null) > 0;
  }
}

function planRepairs(plan: Plan, record: KeyedRecord, others: readonly (Stamp | null)[]): void {
  for (const [index, stamp] of others.entries()) {
    if (compareStamps(stamp, record.held.stamp) < 0) plan.repairs[index]?.push(record);
  }
}

function isSame(stamps: readonly (Stamp | null)[]): boolean {
  const first = stamps[0] ?? null;
  return stamps.every((stamp) => compareStamps(stamp, first) === 0);
}

/** Cut so that no message has more bytes than that, unless a single record has. */
function inMessages(records: readonly KeyedRecord[], bytesMax: number): KeyedRecord[][] {
  const messages: KeyedRecord[][] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    const last = messages.at(-1);
    if (last === undefined || bytes + size > bytesMax) {
      messages.push([record]);
      bytes = size;
    } else {
      last.push(record);
      bytes += size;
    }
  }
  return messages;
}
