/**
 * An independent model of Chord on plain numbers, to compare the production code with: an ideal
 * ring, its routing and its placement, written from the papers and sharing no code with node/src.
 *
 * Positions are whole numbers below 2^52, sorted, so that all arithmetic on them is exact. A node
 * is its index in that order. Sources: SIGCOMM 2001 section 4.3 (fingers only, which is r = 1),
 * ToN 2003 (fingers and successor list together, the next best when one does not answer).
 */

const circle = 2 ** 52;
const fingerCount = 52;

export interface ModelOptions {
  /** Length r of the successor list. */
  readonly successors: number;
  /** Whether a node first tests its own arc (predecessor, self]; the papers' code does not. */
  readonly ownArc: boolean;
  /** Which nodes live; all of them where this is left out. Lists and fingers stay as they were. */
  readonly alive?: Uint8Array;
  /** Nodes of the ring before it grew: they alone have fingers, and only to each other. */
  readonly settled?: Uint8Array;
}

export interface ModelLookup {
  /** Nodes that answered on the way, the asking one not counted. */
  readonly forwards: number;
  /** Contacts with dead nodes. */
  readonly timeouts: number;
  /** The node that the lookup ended at; -1 when it found no way on. */
  readonly owner: number;
}

export class IndependentModel {
  readonly positions: Float64Array;
  readonly #options: ModelOptions;
  readonly #reach: number;
  readonly #fingered: Float64Array;
  readonly #fingeredNodes: Int32Array;
  readonly #contacts: (Int32Array | undefined)[];

  constructor(positions: Float64Array, options: ModelOptions) {
    this.positions = positions;
    this.#options = options;
    this.#reach = Math.min(options.successors, positions.length - 1);
    const { settled } = options;
    const nodes = Int32Array.from(positions, (_, node) => node);
    this.#fingeredNodes =
      settled === undefined ? nodes : nodes.filter((node) => settled[node] === 1);
    this.#fingered = Float64Array.from(this.#fingeredNodes, (node) => positions[node] ?? 0);
    this.#contacts = [];
  }

  /** The node that owns a key: the first living one at or behind it. */
  ownerOf(key: number): number {
    const size = this.positions.length;
    const first = firstAtOrBehind(this.positions, key);
    for (let step = 0; step < size; step++) {
      const node = (first + step) % size;
      if (this.#alive(node)) return node;
    }
    return -1;
  }

  lookup(start: number, key: number): ModelLookup {
    let node = start;
    let forwards = 0;
    let timeouts = 0;
    for (let turn = 0; turn <= this.positions.length; turn++) {
      if (this.#options.ownArc && this.#inOwnArc(node, key)) {
        return { forwards, timeouts, owner: node };
      }
      const heir = this.#successorFor(node, key);
      timeouts += heir.timeouts;
      if (heir.node >= 0) return { forwards, timeouts, owner: heir.node };
      const next = this.#closestBefore(node, key);
      timeouts += next.timeouts;
      if (next.node < 0) break;
      node = next.node;
      forwards += 1;
    }
    return { forwards, timeouts, owner: -1 };
  }

  #alive(node: number): boolean {
    return this.#options.alive === undefined || this.#options.alive[node] === 1;
  }

  #distance(from: number, to: number): number {
    return (to - from + circle) % circle;
  }

  #position(node: number): number {
    return this.positions[node] ?? 0;
  }

  #inOwnArc(node: number, key: number): boolean {
    const size = this.positions.length;
    const before = this.#position((node + size - 1) % size);
    const own = this.#position(node);
    return (
      size === 1 || (key !== before && this.#distance(before, key) <= this.#distance(before, own))
    );
  }

  /** The first living entry of the list with the key at or before it. */
  #successorFor(node: number, key: number): { node: number; timeouts: number } {
    const size = this.positions.length;
    const own = this.#position(node);
    const keyDistance = this.#distance(own, key) || circle;
    let timeouts = 0;
    for (let step = 1; step <= this.#reach; step++) {
      const heir = (node + step) % size;
      if (this.#distance(own, this.#position(heir)) < keyDistance) continue;
      if (this.#alive(heir)) return { node: heir, timeouts };
      timeouts += 1;
    }
    return { node: size === 1 ? node : -1, timeouts };
  }

  /** The living contact farthest on, yet before the key. */
  #closestBefore(node: number, key: number): { node: number; timeouts: number } {
    const contacts = this.#contactsOf(node);
    const own = this.#position(node);
    const keyDistance = this.#distance(own, key) || circle;
    let timeouts = 0;
    for (let i = contacts.length - 1; i >= 0; i--) {
      const contact = contacts[i] ?? 0;
      if (this.#distance(own, this.#position(contact)) >= keyDistance) continue;
      if (this.#alive(contact)) return { node: contact, timeouts };
      timeouts += 1;
    }
    return { node: -1, timeouts };
  }

  /** Successors and fingers of a node, each once, by growing distance. */
  #contactsOf(node: number): Int32Array {
    const known = this.#contacts[node];
    if (known !== undefined) return known;
    const size = this.positions.length;
    const own = this.#position(node);
    const contacts = new Set<number>();
    for (let step = 1; step <= this.#reach; step++) contacts.add((node + step) % size);
    if (this.#options.settled === undefined || this.#options.settled[node] === 1) {
      for (let exponent = 0; exponent < fingerCount; exponent++) {
        const start = (own + 2 ** exponent) % circle;
        const place = firstAtOrBehind(this.#fingered, start);
        contacts.add(this.#fingeredNodes[place] ?? 0);
      }
    }
    contacts.delete(node);
    const sorted = Int32Array.from(contacts).sort(
      (a, b) => this.#distance(own, this.#position(a)) - this.#distance(own, this.#position(b)),
    );
    if (size <= 2 ** 17) this.#contacts[node] = sorted;
    return sorted;
  }
}

/** Index of the first position at or behind a point, round the circle. */
function firstAtOrBehind(positions: Float64Array, point: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] ?? 0) < point) low = middle + 1;
    else high = middle;
  }
  return low === positions.length ? 0 : low;
}

/** Sorted positions drawn by a source of uniform numbers in [0, 1) with 32 bits each. */
export function drawPositions(count: number, next: () => number): Float64Array {
  return Float64Array.from({ length: count }, () => drawPosition(next)).sort();
}

/** One position: 32 bits and 20 more. */
export function drawPosition(next: () => number): number {
  return Math.floor(next() * 2 ** 32) * 2 ** 20 + Math.floor(next() * 2 ** 20);
}

/**
 * Keys per node where each node holds `virtualNodes` places on the circle. The places and keys are
 * drawn, not hashed.
 */
export function modelLoads(
  shape: { readonly nodes: number; readonly virtualNodes: number; readonly keys: number },
  next: () => number,
): Int32Array {
  const { nodes, virtualNodes, keys } = shape;
  const places = Array.from({ length: nodes * virtualNodes }, (_, place) => ({
    position: drawPosition(next),
    node: place % nodes,
  })).sort((a, b) => a.position - b.position);
  const positions = Float64Array.from(places, (place) => place.position);
  const loads = new Int32Array(nodes);
  for (let key = 0; key < keys; key++) {
    const node = places[firstAtOrBehind(positions, drawPosition(next))]?.node ?? 0;
    loads[node] = (loads[node] ?? 0) + 1;
  }
  return loads;
}
