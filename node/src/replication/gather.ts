/**
 * Beginning in a decided view: its members gather what the members of the view before it hold, and
 * are active only once a majority of those, all sealed by being asked, has shown everything. One
 * member that is active in the new view already will do as well: it has all of that.
 */
import { compareStamps, newestOf } from "./ballot.ts";
import { ReplicationError } from "./errors.ts";
import { type ComparedKey, mergeWalk, type Source } from "./merge-walk.ts";
import type { Listing, PlacedView } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Peers } from "./peers.ts";
import type { ReplicationMetrics } from "./ports.ts";
import type { Entry } from "./record.ts";
import type { Replica } from "./replica.ts";
import { holdsSame } from "./same.ts";
import type { Disk } from "./store.ts";
import { countsOf, fetchRecords } from "./transfer.ts";
import type { View } from "./view.ts";

export interface GatherParts {
  readonly partition: number;
  readonly replica: Replica;
  readonly disk: Disk;
  readonly peers: Peers;
  readonly options: ReplicationOptions;
  readonly metrics: ReplicationMetrics;
}

/** Who shows what it holds, with its first page at hand. */
interface Shower {
  readonly name: string;
  readonly first: Listing & { readonly active: boolean };
}

interface Gathering {
  readonly next: View;
  readonly showers: readonly Shower[];
  /** This replica is one of those that voted on the view. */
  readonly voted: boolean;
}

/** Resolves when the replica is active in the view, durably. Rejects if it cannot be now. */
export async function gather(parts: GatherParts, placed: PlacedView): Promise<void> {
  const { replica, disk } = parts;
  const next = placed.view;
  const voted = isVoter(replica, next);
  // Whoever heard of the view in passing may not have heard of the one before it.
  const previous = placed.previous.length === 0 && voted ? replica.view.members : placed.previous;
  const change = { view: next, previous };
  if (!(await holdsAll(parts, change, voted))) await takeShown(parts, change, voted);
  if (replica.view.epoch >= next.epoch) return;
  replica.activate(next);
  await disk.durable();
}

/** Goes through all that the others show, and takes what is newer. */
async function takeShown(parts: GatherParts, placed: PlacedView, voted: boolean): Promise<void> {
  const { replica } = parts;
  const next = placed.view;
  const showers = await findShowers(parts, placed, voted);
  const limit = parts.options.pageEntries;
  // The own records count if this replica was in the view before, and are only a cache if not.
  const own: Source = voted
    ? (after) => replica.show(next, after, limit)
    : (after) => replica.cached(after, limit);
  const sources = showers.map((shower) => sourceOf(parts, shower, next));
  for await (const batch of mergeWalk([own, ...sources])) {
    await takeBatch(parts, batch, { next, showers, voted });
  }
}

/** Whether it was active in the view before, so that its own records are one of a majority's. */
function isVoter(replica: Replica, next: View): boolean {
  return replica.member && replica.view.epoch === next.epoch - 1;
}

/**
 * Whether this replica holds exactly what a majority of the view before holds, all sealed by being
 * asked: what came after its copy of the partition was little, or nothing.
 */
async function holdsAll(
  { peers, partition, replica }: GatherParts,
  { view, previous }: PlacedView,
  voted: boolean,
): Promise<boolean> {
  if (voted) replica.sealFor(view);
  const { digest } = replica;
  const others = previous.filter(({ name }) => name !== replica.self.name);
  if (digest === null || others.length === 0) return false;
  const needed = Math.floor(previous.length / 2) + 1 - Number(voted);
  const answers = await Promise.all(
    others.map(({ name }) =>
      holdsSame(peers, name, { type: "shows-same", partition, next: view, digest }),
    ),
  );
  // One that differs may have what no other has, and that may be acknowledged.
  const shown = answers.filter((same) => same !== null);
  return shown.length >= needed && shown.every(Boolean) && replica.digest === digest;
}

/** One member that is active in the view, or as many as a majority of the view before it needs. */
async function findShowers(
  parts: GatherParts,
  { view, previous }: PlacedView,
  voted: boolean,
): Promise<readonly Shower[]> {
  const { peers, partition, replica, options } = parts;
  // By name: a pod with another disk is a member of one view only.
  const names = new Set([...view.members, ...previous].map(({ name }) => name));
  names.delete(replica.self.name);
  const limit = options.pageEntries;
  const answers = await Promise.all(
    [...names].map(async (name): Promise<Shower | null> => {
      try {
        const request = { type: "show", partition, next: view, after: null, limit } as const;
        return { name, first: await peers.call<"show">(name, request) };
      } catch (error) {
        if (error instanceof ReplicationError) return null;
        throw error;
      }
    }),
  );
  const showers = answers.filter((shower) => shower !== null);
  const active = showers.find(({ first }) => first.active);
  if (active !== undefined) return [active];
  const voters = showers.filter(({ name }) => previous.some((member) => member.name === name));
  const votes = voters.length + Number(voted);
  if (previous.length > 0 && 2 * votes > previous.length) return voters;
  throw new ReplicationError("unavailable", "too few members of the view before show records");
}

function sourceOf({ peers, partition, options }: GatherParts, shower: Shower, next: View): Source {
  const limit = options.pageEntries;
  return (after) =>
    after === null
      ? shower.first
      : peers.call<"show">(shower.name, { type: "show", partition, next, after, limit });
}

async function takeBatch(
  { peers, partition, replica, metrics }: GatherParts,
  batch: readonly ComparedKey[],
  { next, showers, voted }: Gathering,
): Promise<void> {
  const wanted: Entry[][] = showers.map(() => []);
  for (const { key, stamps } of batch) {
    const [own = null, ...others] = stamps;
    const newest = newestOf(others);
    const stamp = others[newest] ?? null;
    const difference = compareStamps(own, stamp);
    if (difference === 0 || (difference > 0 && voted)) continue;
    // What a replica has that did not vote was copied ahead, or is of a view long over: no one may
    // count on it, as it can be a write that came to nothing.
    if (difference > 0) replica.drop(key, next);
    if (stamp !== null) wanted[newest]?.push({ key, stamp });
  }
  await Promise.all(
    wanted.map(async (entries, index) => {
      const name = showers[index]?.name as string;
      const records = await fetchRecords(peers, name, { partition, entries });
      for (const { key, held } of records) replica.merge(key, held);
      metrics.moved(countsOf(records));
    }),
  );
}
