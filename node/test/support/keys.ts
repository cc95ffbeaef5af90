/** Keys with their identifiers. */
import { sha1Hash } from "../../src/platform/hash.ts";
import type { StoreKey } from "../../src/replication/index.ts";

const hash = sha1Hash();

export function keyOf(text: string): StoreKey {
  return { text, id: hash.idOf(text) };
}
