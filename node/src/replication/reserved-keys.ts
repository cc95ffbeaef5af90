/**
 * Keys that are the ring's own: clients can neither name nor list them. They stand together on
 * every disk, so that who looks at clients' keys passes over all of them in one step.
 */

/** Of all reserved keys, and of no client's. What follows in one is lower than `AFTER`. */
export const RESERVED_PREFIX = "\u0000chordring-chunk\u0000";
/** Behind every reserved key, and before every key of clients that is behind those. */
const AFTER = `${RESERVED_PREFIX}g`;

export function isReserved(key: string): boolean {
  return key.startsWith(RESERVED_PREFIX);
}

/** Up to `limit` keys, as `read` gives those behind a key, without the reserved ones. */
export function passOver<Entry extends { readonly key: string }>(
  read: (after: string | null, limit: number) => readonly Entry[],
  after: string | null,
  limit: number,
): readonly Entry[] {
  const entries = read(after, limit);
  const first = entries.findIndex(({ key }) => isReserved(key));
  if (first < 0) return entries;
  return [...entries.slice(0, first), ...read(AFTER, limit - first)];
}
