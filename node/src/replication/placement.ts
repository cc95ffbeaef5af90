/**
 * Which pods should hold which partition: a table computed from the pods' names alone, so that all
 * nodes that know the same pods compute the same one, whatever happened before.
 *
 * It is made the way a StatefulSet grows. The first pods share everything; each further one takes
 * its even share from those that have most, and nothing else moves. So the load differs by a few
 * partitions at most, and scaling moves what it must. What is desired here becomes real by a change
 * of the partition's view. Decision record 0014 has what else was tried.
 */
import { spread } from "./spread.ts";

export interface Pod {
  readonly name: string;
  /** Failure domain, from the label of the Kubernetes node; null where there is none. */
  readonly zone: string | null;
}

export interface PlacementOptions {
  readonly partitions: number;
  /** Replicas of each partition; fewer pods hold one each. */
  readonly copies: number;
}

/** For each partition the names of its pods: the first one is the preferred proposer. */
export type Placement = readonly (readonly string[])[];

/** Throws nothing: for no pods every partition is empty. Names must be distinct. */
export function place(pods: readonly Pod[], options: PlacementOptions): Placement {
  const ordered = inOrder(pods);
  const copies = Math.min(options.copies, ordered.length);
  const table = new Table(options.partitions, ordered.slice(0, copies));
  for (const pod of ordered.slice(copies)) table.admit(pod);
  return table.rows.map((row) => row.map(({ name }) => name));
}

/** The first pod of each zone, then the second of each, and so on: the first ones share no zone. */
function inOrder(pods: readonly Pod[]): readonly Pod[] {
  const ordered = pods.toSorted(byOrdinal);
  const inZone = Map.groupBy(ordered, ({ zone }) => zone);
  const rank = (pod: Pod): number =>
    pod.zone === null ? 0 : (inZone.get(pod.zone)?.indexOf(pod) ?? 0);
  return ordered.toSorted((a, b) => rank(a) - rank(b));
}

/** demo-2 before demo-10: the order in which a StatefulSet creates its pods. */
function byOrdinal(a: Pod, b: Pod): number {
  if (a.name.length !== b.name.length) return a.name.length - b.name.length;
  return a.name < b.name ? -1 : 1;
}

/** What a pod holds so far. */
interface Load {
  all: number;
  /** At each place of the rows. */
  readonly at: number[];
}

class Table {
  /** Partition → pods, in the order of preference. */
  readonly rows: Pod[][];
  readonly #copies: number;
  readonly #loads = new Map<Pod, Load>();

  constructor(partitions: number, founders: readonly Pod[]) {
    this.#copies = founders.length;
    this.rows = Array.from({ length: partitions }, () => []);
    for (const pod of founders) this.#enter(pod);
    for (const [partition, row] of this.rows.entries()) {
      for (let place = 0; place < this.#copies; place += 1) {
        const pod = founders[(partition + place) % this.#copies] as Pod;
        row.push(pod);
        this.#count(pod, place, 1);
      }
    }
  }

  /** The newcomer takes its even share, place by place. */
  admit(newcomer: Pod): void {
    this.#enter(newcomer);
    const share = Math.floor((this.rows.length * this.#copies) / this.#loads.size);
    for (let taken = 0; taken < share; taken += 1) this.#takeOne(newcomer, taken % this.#copies);
  }

  #enter(pod: Pod): void {
    this.#loads.set(pod, { all: 0, at: Array<number>(this.#copies).fill(0) });
  }

  /** Takes a partition from the pod that has most, if no partition loses a zone by that. */
  #takeOne(newcomer: Pod, place: number): void {
    const row = this.#choose(newcomer, place);
    if (row === null) return;
    this.#count(row[place] as Pod, place, -1);
    row[place] = newcomer;
    this.#count(newcomer, place, 1);
  }

  /**
   * The search begins anywhere on the circle, so that all others take part when the newcomer's data
   * has to be copied once more.
   */
  #choose(newcomer: Pod, place: number): Pod[] | null {
    const count = this.rows.length;
    const { all } = this.#loadOf(newcomer);
    const start = spread(this.#loads.size * count + all) % count;
    let best: Pod[] | null = null;
    let most = (all + 2) * count - 1;
    for (let step = 0; step < count; step += 1) {
      const row = this.rows[(start + step) % count] as Pod[];
      const donor = row[place] as Pod;
      const weight = this.#weight(donor, place);
      if (weight <= most || row.includes(newcomer)) continue;
      if (sharesZone(newcomer, row, place) && !sharesZone(donor, row, place)) continue;
      best = row;
      most = weight;
    }
    return best;
  }

  /** First all it holds, then what it holds at this place: whoever has most of both gives. */
  #weight(pod: Pod, place: number): number {
    const { all, at } = this.#loadOf(pod);
    return all * this.rows.length + (at[place] as number);
  }

  #loadOf(pod: Pod): Load {
    return this.#loads.get(pod) as Load;
  }

  #count(pod: Pod, place: number, by: number): void {
    const { at } = this.#loadOf(pod);
    at[place] = (at[place] as number) + by;
    this.#loadOf(pod).all += by;
  }
}

/** Whether another pod of the row is in the same failure domain as this one at its place. */
function sharesZone({ zone }: Pod, row: readonly Pod[], place: number): boolean {
  return zone !== null && row.some((other, index) => index !== place && other.zone === zone);
}
