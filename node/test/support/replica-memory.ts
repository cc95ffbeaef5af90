/** A replica's disk in memory, which a restart reads again and a loss empties. */
import { digestOf } from "../../src/replication/digest.ts";
import { isOver } from "../../src/replication/key-operation.ts";
import { compareKeys, type Entry, type Held, lengthOfValue } from "../../src/replication/record.ts";
import type { Counts, ReplicaState, ReplicaStore } from "../../src/replication/store.ts";

export class ReplicaMemory implements ReplicaStore {
  state: ReplicaState | null = null;
  readonly #records = new Map<string, Held>();

  save(state: ReplicaState): void {
    this.state = state;
  }

  held(key: string): Held | null {
    return this.#records.get(key) ?? null;
  }

  lengthOf(key: string): number | null {
    const content = this.held(key)?.state.content ?? null;
    return content === null ? null : lengthOfValue(content);
  }

  keep(key: string, held: Held): void {
    this.#records.set(key, held);
  }

  forget(key: string): void {
    this.#records.delete(key);
  }

  entries(after: string | null, limit: number): readonly Entry[] {
    return [...this.#records]
      .map(([key, { stamp }]) => ({ key, stamp }))
      .filter(({ key }) => after === null || compareKeys(key, after) > 0)
      .sort((a, b) => compareKeys(a.key, b.key))
      .slice(0, limit);
  }

  expired(nowMs: number, limit: number): readonly string[] {
    const over = [...this.#records].filter(([, { state }]) => isOver(state.content, nowMs));
    return over.slice(0, limit).map(([key]) => key);
  }

  counts(): Counts {
    const contents = [...this.#records.values()].flatMap(({ state }) => state.content ?? []);
    const bytes = contents.reduce((sum, content) => sum + content.bytes.length, 0);
    return { keys: contents.length, bytes };
  }

  digest(): string | null {
    return digestOf(this.#records);
  }

  clear(): void {
    this.#records.clear();
  }
}
