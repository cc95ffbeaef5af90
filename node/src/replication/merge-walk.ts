/**
 * Goes through what several replicas hold, key by key in one order, with the age of each one's
 * record: the one way in which records are compared, whether to begin a view or to repair a copy.
 */
import type { Stamp } from "./ballot.ts";
import type { Listing } from "./messages.ts";
import { compareKeys, type Entry } from "./record.ts";

/** Gives the page behind `after`. */
export type Source = (after: string | null) => Promise<Listing> | Listing;

/** A key that at least one source holds; `stamps` has one place for each source. */
export interface ComparedKey {
  readonly key: string;
  readonly stamps: readonly (Stamp | null)[];
}

interface Cursor {
  readonly source: Source;
  entries: readonly Entry[];
  index: number;
  after: string | null;
  ended: boolean;
}

/** In batches, as long as every source gives its pages; rejects with the first that does not. */
export async function* mergeWalk(
  sources: readonly Source[],
): AsyncGenerator<readonly ComparedKey[]> {
  const cursors = sources.map(
    (source): Cursor => ({ source, entries: [], index: 0, after: null, ended: false }),
  );
  for (;;) {
    await Promise.all(cursors.filter(isEmpty).map((cursor) => fill(cursor)));
    const batch = takeWhileKnown(cursors);
    if (batch.length === 0) return;
    yield batch;
  }
}

function isEmpty(cursor: Cursor): boolean {
  return !cursor.ended && cursor.index >= cursor.entries.length;
}

async function fill(cursor: Cursor): Promise<void> {
  const { entries, after } = await cursor.source(cursor.after);
  cursor.entries = entries;
  cursor.index = 0;
  cursor.after = after;
  // A page may be the last one and still hold entries: it ends once they are taken.
  if (entries.length === 0) cursor.ended = true;
}

/** Keys up to the point at which some source would have to be asked again. */
function takeWhileKnown(cursors: readonly Cursor[]): readonly ComparedKey[] {
  const batch: ComparedKey[] = [];
  for (;;) {
    let lowest: string | null = null;
    for (const cursor of cursors) {
      if (isEmpty(cursor)) return batch;
      const key = cursor.entries[cursor.index]?.key;
      if (key !== undefined && (lowest === null || compareKeys(key, lowest) < 0)) lowest = key;
    }
    if (lowest === null) return batch;
    const key = lowest;
    batch.push({ key, stamps: cursors.map((cursor) => take(cursor, key)) });
  }
}

function take(cursor: Cursor, key: string): Stamp | null {
  const entry = cursor.entries[cursor.index];
  if (entry?.key !== key) return null;
  cursor.index += 1;
  if (cursor.index >= cursor.entries.length && cursor.after === null) cursor.ended = true;
  return entry.stamp;
}
