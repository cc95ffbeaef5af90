/** Made-up pictures of whole rings on a small circle, for tests of what checks them. */
import { Circle, type NodeView } from "../../src/chord/index.ts";

export const smallCircle = new Circle(6);

interface Reference {
  readonly id: ReturnType<Circle["fromNumber"]>;
  readonly address?: string;
}

/** A node by its number; `8` at an address by `[8, "a"]`. */
export type Numbered = number | readonly [number, string];

export function reference(node: Numbered): Reference {
  if (typeof node === "number") return { id: smallCircle.fromNumber(node) };
  return { id: smallCircle.fromNumber(node[0]), address: node[1] };
}

export function view(
  self: Numbered,
  predecessor: Numbered | null,
  successors: readonly Numbered[],
): NodeView {
  const name = `n${typeof self === "number" ? self : self[0]}`;
  return {
    self: { ...reference(self), name },
    predecessor: predecessor === null ? null : reference(predecessor),
    successors: successors.map((node) => reference(node)),
  };
}

/** The ideal ring of these nodes: each with the one before it and the next r. */
export function idealRing(numbers: readonly number[], successors: number): NodeView[] {
  const ring = [...new Set(numbers)].sort((a, b) => a - b);
  return ring.map((self, index) => {
    const behind = [...ring.slice(index + 1), ...ring.slice(0, index)];
    return view(self, behind.at(-1) ?? self, behind.slice(0, successors));
  });
}
