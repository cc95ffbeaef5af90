/** Pages of a partition's keys, as its leader gives them out. */
import { isReserved, passOver } from "./reserved-keys.ts";
import type { ReplicaStore } from "./store.ts";

/** Keys of a partition that begin with `prefix`, behind `after` (null: all of them). */
export interface KeyQuery {
  readonly prefix: string;
  readonly after: string | null;
  /** Keys looked at, with those that were deleted. */
  readonly limit: number;
}

export interface ListedKey {
  readonly key: string;
  /** Of its value. */
  readonly bytes: number;
}

/** The next page begins behind `after`; null: there is none. A page may be empty before the end. */
export interface KeyPage {
  readonly keys: readonly ListedKey[];
  readonly after: string | null;
}

/** Keys of a page, also those that were deleted and whose records are still kept. */
export interface LookedAt {
  readonly keys: readonly string[];
  readonly after: string | null;
}

/**
 * What the store has of the keys asked for; of reserved ones only if all asked for are. One
 * synchronous step.
 */
export function lookAt(
  store: Pick<ReplicaStore, "entries" | "held">,
  { prefix, after, limit }: KeyQuery,
): LookedAt {
  const first = after === null && prefix !== "" && store.held(prefix) !== null ? [prefix] : [];
  const from = after ?? (prefix === "" ? null : prefix);
  const read = store.entries.bind(store);
  const entries = isReserved(prefix) ? read(from, limit) : passOver(read, from, limit);
  const keys = [...first, ...entries.map(({ key }) => key)];
  const matching = keys.filter((key) => key.startsWith(prefix));
  // Keys with one prefix stand together in every order by bytes.
  const isLast = entries.length < limit || matching.length < keys.length;
  return { keys: matching, after: isLast ? null : (keys.at(-1) ?? null) };
}
