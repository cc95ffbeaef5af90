/** Moves records between replicas, in messages of bounded size. */
import { compareStamps } from "./ballot.ts";
import { ReplicationError } from "./errors.ts";
import type { Peers } from "./peers.ts";
import type { Entry, KeyedRecord } from "./record.ts";

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

/** Of keys and values, as they travel. */
export function bytesOf(records: readonly KeyedRecord[]): number {
  let bytes = 0;
  for (const { key, held } of records)
    bytes += key.length + (held.state.content?.bytes.length ?? 0);
  return bytes;
}

function isAsListed({ key, held }: KeyedRecord, entry: Entry | undefined): boolean {
  return entry?.key === key && compareStamps(held.stamp, entry.stamp) >= 0;
}
