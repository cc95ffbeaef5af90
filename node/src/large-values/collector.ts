/**
 * Removes chunks that no key holds: of values that were replaced, deleted or expired, and of
 * uploads that came to nothing. Each node does so for the partitions that it leads.
 *
 * An upload is asked for at the key that it is for. One that is not in use has a lease, counted
 * from when this node first found it so: the time in which it may still be committed, or read by
 * who knew it before. Then the fence is raised past it, which it cannot survive, and its chunks are
 * deleted. The lease is a courtesy: one that is far too short costs uploads and reads, no value.
 *
 * Whoever does not answer says nothing: what could not be asked or done is left to the next sweep.
 */
import type { Clock, Hash, Log, Random } from "../chord/index.ts";
import { Periodic } from "../chord/periodic.ts";
import { sleep } from "../chord/sleep.ts";
import {
  type KeyOperation,
  type KeyPage,
  type KeyQuery,
  noPreconditions,
  type Outcome,
  ReplicationError,
  RESERVED_PREFIX,
} from "../replication/index.ts";
import { type ChunkName, parseChunkKey } from "./chunk-key.ts";

/** The ring as the collector sees it. All reject with `ReplicationError`. */
export interface CollectorRing {
  /** Partitions that this node leads. */
  readonly led: () => readonly number[];
  readonly listKeys: (partition: number, query: KeyQuery) => Promise<KeyPage>;
  readonly execute: (operation: KeyOperation) => Promise<Outcome>;
}

export interface CollectorParts {
  readonly ring: CollectorRing;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly log: Log;
  readonly metrics: CollectorMetrics;
}

/** What happened, for counters; never a reason to behave differently. */
export interface CollectorMetrics {
  /** A chunk that no key held was deleted. */
  collected(): void;
}

export interface CollectorOptions {
  /** How long an upload may take, and a read of a value that was replaced meanwhile. */
  readonly leaseMs: number;
}

/** Sweeps in a lease. */
const SWEEPS = 3;
const PAGE_KEYS = 256;
/** Between two uploads, so that a sweep leaves the ring to clients. */
const PAUSE_MS = 5;

/** Chunks of one upload on one page. */
interface Group extends Omit<ChunkName, "index"> {
  readonly keys: readonly string[];
}

export class Collector {
  readonly #parts: CollectorParts;
  readonly #leaseMs: number;
  readonly #task: Periodic;
  /** When each unused upload was first found so, by partition. */
  readonly #unused = new Map<number, Map<string, number>>();

  constructor(parts: CollectorParts, { leaseMs }: CollectorOptions) {
    this.#parts = parts;
    this.#leaseMs = leaseMs;
    this.#task = new Periodic(parts, leaseMs / SWEEPS, () => this.sweep());
  }

  start(): void {
    this.#task.start();
  }

  stop(): void {
    this.#task.stop();
  }

  /** Looks at everything once. */
  async sweep(): Promise<void> {
    const led = this.#parts.ring.led();
    for (const partition of this.#unused.keys()) {
      if (!led.includes(partition)) this.#unused.delete(partition);
    }
    for (const partition of led) await this.#sweepPartition(partition);
  }

  async #sweepPartition(partition: number): Promise<void> {
    const { ring } = this.#parts;
    const before = this.#unused.get(partition) ?? new Map<string, number>();
    const now = new Map<string, number>();
    try {
      let after: string | null = null;
      do {
        const query: KeyQuery = { prefix: RESERVED_PREFIX, after, limit: PAGE_KEYS };
        const page: KeyPage = await ring.listKeys(partition, query);
        for (const group of groupsOf(page)) await this.#look(group, before, now);
        ({ after } = page);
      } while (after !== null);
      this.#unused.set(partition, now);
    } catch (error) {
      if (!(error instanceof ReplicationError)) throw error;
      // What was found unused before is not forgotten: its lease goes on.
      this.#unused.set(partition, new Map([...before, ...now]));
    }
  }

  async #look(
    group: Group,
    before: ReadonlyMap<string, number>,
    now: Map<string, number>,
  ): Promise<void> {
    const { clock } = this.#parts;
    const { upload } = group;
    await sleep(clock, PAUSE_MS);
    if (await this.#isUsed(group, -1)) return;
    const sinceMs = now.get(upload) ?? before.get(upload) ?? clock.now();
    now.set(upload, sinceMs);
    if (clock.now() - sinceMs < this.#leaseMs) return;
    if (await this.#isUsed(group, group.fence)) now.delete(upload);
    else await this.#remove(group);
  }

  /** Whether the key holds the upload. If not, and `past` is its fence, it never will. */
  async #isUsed({ owner, upload }: Group, past: number): Promise<boolean> {
    const { ring, hash } = this.#parts;
    const key = { text: owner, id: hash.idOf(owner) };
    const outcome = await ring.execute({ type: "fence", key, upload, past });
    if (outcome.type === "in-use") return true;
    if (outcome.type === "fenced" && outcome.fence > past) return false;
    throw new TypeError(`${outcome.type} says nothing of an upload`);
  }

  async #remove({ keys }: Group): Promise<void> {
    const { ring, hash, log, metrics } = this.#parts;
    for (const text of keys) {
      const key = { text, id: hash.idOf(text) };
      const remove = { type: "delete", key, preconditions: noPreconditions } as const;
      await ring.execute({ ...remove, requestId: null });
      metrics.collected();
    }
    log.info("Removed chunks that no value has", { chunks: keys.length });
  }
}

function groupsOf({ keys }: KeyPage): readonly Group[] {
  const groups = new Map<string, Group & { readonly keys: string[] }>();
  for (const { key } of keys) {
    const name = parseChunkKey(key);
    if (name === null) continue;
    const { upload, fence, owner } = name;
    const group = groups.get(upload) ?? { upload, fence, owner, keys: [] };
    group.keys.push(key);
    groups.set(upload, group);
  }
  return [...groups.values()];
}
