/**
 * Identifiers in order round the circle, with a quick search: which one is at or behind a point?
 *
 * The first 13 hexadecimal digits of an identifier are its prefix, a whole number below 2^52 that
 * arithmetic keeps exact. Buckets of equal width make a search a few steps at any size, and full
 * identifiers decide between equal prefixes, so that the answer is exact for all 160 bits.
 */
import type { Id } from "../../src/chord/index.ts";
import { sha1 } from "../world.ts";

const prefixDigits = 13;
export const prefixBits = 4 * prefixDigits;
const prefixCount = 2 ** prefixBits;

export class SortedCircle {
  readonly ids: readonly Id[];
  readonly prefixes: Float64Array;
  readonly #firstInBucket: Int32Array;

  /** `ids` in ascending order, each once. */
  constructor(ids: readonly Id[]) {
    this.ids = ids;
    this.prefixes = Float64Array.from(ids, prefixOf);
    this.#firstInBucket = new Int32Array(ids.length + 1);
    let node = 0;
    for (let bucket = 0; bucket <= ids.length; bucket++) {
      const from = (bucket * prefixCount) / ids.length;
      while (node < ids.length && (this.prefixes[node] ?? 0) < from) node += 1;
      this.#firstInBucket[bucket] = node;
    }
  }

  get size(): number {
    return this.ids.length;
  }

  /** The index of the first identifier at or behind this one. */
  successorOf(id: Id): number {
    return this.#search(prefixOf(id), id);
  }

  /** The same for the identifier at an index plus 2^exponent; at least 2^(bits - 52). */
  successorOfFinger(node: number, exponent: number, bits: number): number {
    const step = 2 ** (exponent - (bits - prefixBits));
    const prefix = ((this.prefixes[node] ?? 0) + step) % prefixCount;
    return this.#search(prefix, this.ids[node] ?? ("" as Id));
  }

  /** Compares by the given prefix, then by the digits of `id` behind its own prefix. */
  #search(prefix: number, id: Id): number {
    let node = this.#firstInBucket[Math.floor((prefix / prefixCount) * this.size)] ?? 0;
    while (node < this.size && this.#before(node, prefix, id)) node += 1;
    return node === this.size ? 0 : node;
  }

  #before(node: number, prefix: number, id: Id): boolean {
    const own = this.prefixes[node] ?? 0;
    if (own !== prefix) return own < prefix;
    return (this.ids[node] ?? "").slice(prefixDigits) < id.slice(prefixDigits);
  }
}

/** The first 52 bits of an identifier, as a number. */
export function prefixOf(id: Id): number {
  return Number.parseInt(id.slice(0, prefixDigits), 16);
}

/** A circle of `count` nodes, by SHA-1 of their names; another `ring` has others. */
export function circleOf(ring: string, count: number): SortedCircle {
  return new SortedCircle(
    Array.from({ length: count }, (_, node) => sha1(`${ring} node ${node}`)).sort(),
  );
}
