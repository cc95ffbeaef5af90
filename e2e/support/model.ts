/**
 * Chord on paper, written apart from the product: who owns a key, what an ideal ring looks like,
 * and how many hops a lookup in it takes. The tests compare the running ring with this.
 */
import { createHash } from "node:crypto";

const CIRCLE_BITS = 160;
const CIRCLE = 1n << BigInt(CIRCLE_BITS);

export interface NodeRef {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

/** What a node shows of itself. */
export interface View {
  readonly ring: string;
  readonly self: NodeRef;
  readonly state: string;
  readonly predecessor: NodeRef | null;
  readonly successors: readonly NodeRef[];
  readonly fingers: readonly { readonly start: string; readonly node: NodeRef }[];
  readonly keys: number;
  readonly data: DataView;
}

/** What a node shows of its part of the data. */
export interface DataView {
  readonly roster: { readonly copies: number; readonly pods: readonly unknown[] } | null;
  /** Partitions of which it has a copy. */
  readonly held: number;
  readonly led: number;
  /** Of those led: not all copies are up and complete. */
  readonly degraded: number;
  /** Of those led: not yet where they should be. */
  readonly misplaced: number;
}

/** A node of the model; `position` is its identifier as a number. */
interface Point {
  readonly name: string;
  readonly position: bigint;
}

/** The identifier of a node's name or of a key: SHA-1 as 40 hexadecimal digits. */
export function idOf(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

function clockwise(from: bigint, to: bigint): bigint {
  return (to - from + CIRCLE) % CIRCLE;
}

/** Whether x lies in (a, b], the whole circle when a = b. */
function within(a: bigint, x: bigint, b: bigint): boolean {
  const length = clockwise(a, b);
  const distance = clockwise(a, x);
  return length === 0n || (distance > 0n && distance <= length);
}

/** The ideal ring of nodes with these names. */
export class IdealRing {
  /** Clockwise by identifier. */
  readonly #points: readonly Point[];
  readonly #successors: number;
  readonly #knownByName = new Map<string, { successors: Point[]; contacts: Point[] }>();

  constructor(names: readonly string[], successors: number) {
    const points = names.map((name) => ({ name, position: BigInt(`0x${idOf(name)}`) }));
    this.#points = points.toSorted((a, b) => (a.position < b.position ? -1 : 1));
    this.#successors = successors;
  }

  /** The names from the key's successor on, once around. */
  from(key: string): string[] {
    const start = this.#indexBehind(BigInt(`0x${idOf(key)}`));
    return this.#points.map((_, offset) => this.#at(start + offset).name);
  }

  owner(key: string): string {
    return this.#at(this.#indexBehind(BigInt(`0x${idOf(key)}`))).name;
  }

  /** Everything in the views that an ideal ring would not show; empty when it is ideal. */
  problems(views: readonly View[]): string[] {
    const problems = this.#points
      .filter(({ name }) => !views.some((view) => view.self.name === name))
      .map(({ name }) => `${name} does not answer`);
    return [...problems, ...views.flatMap((view) => this.#problemsOf(view))];
  }

  #problemsOf(view: View): string[] {
    const { name, id } = view.self;
    const index = this.#points.findIndex((point) => point.name === name);
    if (index < 0) return [`${name} does not belong to the ring`];
    const problems: string[] = [];
    const expect = (what: string, seen: string, expected: string): void => {
      if (seen !== expected) problems.push(`${name}: ${what} is ${seen}, not ${expected}`);
    };
    const count = Math.max(1, Math.min(this.#successors, this.#points.length - 1));
    const successors = Array.from({ length: count }, (_, i) => this.#at(index + 1 + i).name);
    const seen = view.successors.map((node) => node.name);
    expect("id", id, idOf(name));
    expect("state", view.state, "member");
    expect("predecessor", view.predecessor?.name ?? "none", this.#at(index - 1).name);
    expect("successor list", seen.join(" "), successors.join(" "));
    return problems;
  }

  /** Fingers that are not yet what they will be; empty once lookups are as short as they get. */
  unsettledFingers(views: readonly View[]): string[] {
    return views.flatMap((view) => {
      const expected = this.#fingers(view.self.name);
      const seen = new Set(view.fingers.map((finger) => finger.node.name));
      seen.delete(view.self.name);
      const missing = expected.filter((name) => !seen.has(name));
      const extra = [...seen].filter((name) => !expected.includes(name));
      if (missing.length + extra.length === 0) return [];
      return [
        `${view.self.name}: fingers lack ${missing.join(" ")}, still have ${extra.join(" ")}`,
      ];
    });
  }

  /** The distinct nodes that succeed `name` + 2^i, without the node itself. */
  #fingers(name: string): string[] {
    const self = this.#point(name);
    const starts = Array.from({ length: CIRCLE_BITS }, (_, i) => self.position + (1n << BigInt(i)));
    const names = starts.map((start) => this.#at(this.#indexBehind(start % CIRCLE)).name);
    return [...new Set(names)].filter((other) => other !== name);
  }

  /**
   * Hops of a lookup from a node: it may own the key itself or see the owner in its successor list
   * (0); else it asks the closest node before the key that it knows, and so on.
   */
  hops(key: string, entry: string): number {
    const target = BigInt(`0x${idOf(key)}`);
    let node = this.#point(entry);
    const before = this.#at(this.#points.indexOf(node) - 1);
    if (within(before.position, target, node.position)) return 0;
    for (let hops = 0; hops < this.#points.length; hops += 1) {
      const known = this.#known(node.name);
      if (known.successors.some((one) => within(node.position, target, one.position))) return hops;
      const distance = clockwise(node.position, target);
      const nearer = known.contacts.filter(
        (one) => clockwise(node.position, one.position) < distance,
      );
      const next = nearer.at(-1);
      if (next === undefined) throw new Error(`the model knows no way from ${node.name} to ${key}`);
      node = next;
    }
    throw new Error(`the model's lookup of ${key} from ${entry} does not end`);
  }

  /** Hops along first successors only: each node but the last before the owner, and the entry. */
  walkHops(key: string, entry: string): number {
    const owner = this.#points.indexOf(this.#point(this.owner(key)));
    const start = this.#points.indexOf(this.#point(entry));
    const steps = (owner - start + this.#points.length) % this.#points.length;
    return Math.max(0, steps - 1);
  }

  /** A node's successor list, and all nodes it knows, clockwise from itself. */
  #known(name: string): { successors: Point[]; contacts: Point[] } {
    const remembered = this.#knownByName.get(name);
    if (remembered !== undefined) return remembered;
    const index = this.#points.indexOf(this.#point(name));
    const count = Math.min(this.#successors, this.#points.length - 1);
    const successors = Array.from({ length: count }, (_, i) => this.#at(index + 1 + i));
    const others = this.#fingers(name).map((finger) => this.#point(finger));
    const self = this.#at(index).position;
    const contacts = [...new Set([...successors, ...others])].toSorted((a, b) =>
      clockwise(self, a.position) < clockwise(self, b.position) ? -1 : 1,
    );
    const known = { successors, contacts };
    this.#knownByName.set(name, known);
    return known;
  }

  #point(name: string): Point {
    const point = this.#points.find((one) => one.name === name);
    if (point === undefined) throw new Error(`${name} is not in the model`);
    return point;
  }

  #at(index: number): Point {
    const count = this.#points.length;
    return this.#points[((index % count) + count) % count] as Point;
  }

  /** The first node at or behind a position. */
  #indexBehind(position: bigint): number {
    const index = this.#points.findIndex((point) => point.position >= position);
    return index < 0 ? 0 : index;
  }
}
