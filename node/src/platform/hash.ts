/**
 * SHA-1 behind the Hash port, with the identifiers of recently seen texts kept.
 *
 * Two generations instead of a list of uses: when the young one is full it becomes the old one and
 * the old one is dropped. A text in use survives, memory is bounded, and a hit costs one look-up.
 */
import { hash } from "node:crypto";
import type { Id } from "../chord/id.ts";
import type { Hash } from "../chord/ports.ts";

/** Texts per generation; with 1 KiB keys two generations stay below about 20 MiB. */
const GENERATION_SIZE = 8_192;

export function sha1Hash(generationSize = GENERATION_SIZE): Hash {
  let young = new Map<string, Id>();
  let old = new Map<string, Id>();
  return {
    idOf(text) {
      const known = young.get(text);
      if (known !== undefined) return known;
      const id = old.get(text) ?? (hash("sha1", text, "hex") as Id);
      if (young.size >= generationSize) {
        old = young;
        young = new Map();
      }
      young.set(text, id);
      return id;
    },
  };
}
