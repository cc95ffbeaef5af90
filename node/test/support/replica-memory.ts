/** A replica's disk in memory, which a restart reads again and a loss empties. */
import type { Held, ReplicaState, ReplicaStore } from "../../src/replication/replica.ts";

export class ReplicaMemory implements ReplicaStore {
  state: ReplicaState | null = null;
  readonly #records = new Map<string, Held>();

  save(state: ReplicaState): void {
    this.state = state;
  }

  held(key: string): Held | null {
    return this.#records.get(key) ?? null;
  }

  keep(key: string, held: Held): void {
    this.#records.set(key, held);
  }

  keys(after: string | null, limit: number): readonly string[] {
    const sorted = [...this.#records.keys()].sort();
    return sorted.filter((key) => after === null || key > after).slice(0, limit);
  }

  clear(): void {
    this.#records.clear();
  }

  async durable(): Promise<void> {}
}
