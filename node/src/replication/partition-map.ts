/**
 * What a node knows of every partition's view, its own or not: where to send an operation. It may
 * be out of date, and nothing but time is lost by that: replicas answer in their own view only.
 */
import type { PlacedView } from "./messages.ts";
import { spread } from "./spread.ts";

export class PartitionMap {
  readonly #placed = new Map<number, PlacedView>();
  #epochs = 0;
  #size = 0;

  /** How many partitions there are; 0 until the charter tells. */
  get size(): number {
    return this.#size;
  }

  /** A number that differs where two maps do, but for one pair in 2^32. 0 for an empty map. */
  get epochs(): number {
    return this.#epochs;
  }

  begin(size: number): void {
    this.#size = size;
  }

  get(partition: number): PlacedView | null {
    return this.#placed.get(partition) ?? null;
  }

  epochOf(partition: number): number {
    return this.#placed.get(partition)?.view.epoch ?? 0;
  }

  /** Takes a decided view if it is newer than what is known. True when it was news. */
  learn(partition: number, placed: PlacedView): boolean {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.#size) return false;
    const known = this.get(partition);
    const knownEpoch = this.epochOf(partition);
    const { view, previous } = placed;
    if (view.epoch === knownEpoch && known?.previous.length === 0) {
      this.#placed.set(partition, { view: known.view, previous });
    }
    if (view.epoch <= knownEpoch) return false;
    this.#placed.set(partition, placed);
    const change = markOf(partition, view.epoch) - markOf(partition, knownEpoch);
    this.#epochs = (this.#epochs + change) >>> 0;
    return true;
  }
}

/** What a view adds to the number of a map, without a pattern: so changes do not cancel out. */
function markOf(partition: number, epoch: number): number {
  return epoch === 0 ? 0 : spread(spread(partition + 1) + epoch);
}
