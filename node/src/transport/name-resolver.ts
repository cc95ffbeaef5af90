/**
 * Where the node with a name is: Chord's own answer. A name's identifier is its hash, and the owner
 * of that identifier is the node itself if it is in the ring.
 */
import { type Chord, ChordError, type Hash } from "../chord/index.ts";

const LOOKUP_TIMEOUT_MS = 1_000;

type Ring = Pick<Chord, "self" | "find" | "predecessor" | "successors">;

/** Gives the node's peer address, null if it is not in the ring or cannot be looked up now. */
export function nameResolver(chord: Ring, hash: Hash): (name: string) => Promise<string | null> {
  return async (name) => {
    if (name === chord.self.name) return chord.self.address;
    const neighbours = [chord.predecessor, ...chord.successors];
    const near = neighbours.find((node) => node?.name === name);
    if (near != null) return near.address;
    try {
      const { owner } = await chord.find(hash.idOf(name), { deadlineMs: LOOKUP_TIMEOUT_MS });
      return owner.name === name ? owner.address : null;
    } catch (error) {
      if (error instanceof ChordError) return null;
      throw error;
    }
  };
}
