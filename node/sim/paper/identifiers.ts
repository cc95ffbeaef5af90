/** Identifiers of the experiments' nodes and keys: SHA-1 of their names, as in production. */
import { hash } from "node:crypto";
import type { Id } from "../../src/chord/index.ts";
import { SortedCircle } from "./sorted-circle.ts";

export function sha1(text: string): Id {
  return hash("sha1", text, "hex") as Id;
}

/** A circle of `count` nodes; another `ring` has other nodes. */
export function circleOf(ring: string, count: number): SortedCircle {
  return new SortedCircle(
    Array.from({ length: count }, (_, node) => sha1(`${ring} node ${node}`)).sort(),
  );
}
