/** Moves records between replicas, in messages of bounded size. */
import { compareStamps } from "./ballot.ts";
import { ReplicationError } from "./errors.ts";
import type { Peers } from "./peers.ts";
import { type Entry, type KeyedRecord, sizeOf } from "./record.ts";
import type { Counts } from "./store.ts";

/**
 * The records that the node listed, each as it was then or newer; it sends as many at a time as fit
 * a message. Rejects unless all come: the node may have another disk by now, or none of them.
 */
export async function fetchRecords(
  peers: Peers,
  from: string,
  listed: { readonly partition: number; readonly entries: readonly Entry[] },
): Promise<readonly KeyedRecord[]> {
  const { partition, entries } = listed;
  const found: KeyedRecord[] = [];
  while (found.length < entries.length) {
    const keys = entries.slice(found.length).map(({ key }) => key);
    const { records } = await peers.call<"fetch">(from, { type: "fetch", partition, keys });
    const complete = records.every((record, index) =>
      isAsListed(record, entries[found.length + index]),
    );
    if (records.length === 0 || !complete) {
      throw new ReplicationError("unavailable", `${from} has not all records that it listed`);
    }
    found.push(...records);
  }
  return found;
}

/** What these records come to. */
export function countsOf(records: readonly KeyedRecord[]): Counts {
  return { keys: records.length, bytes: records.reduce((sum, one) => sum + sizeOf(one), 0) };
}

function isAsListed({ key, held }: KeyedRecord, entry: Entry | undefined): boolean {
  return entry?.key === key && compareStamps(held.stamp, entry.stamp) >= 0;
}
