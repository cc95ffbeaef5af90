/**
 * An engine without a disk, for tests: it commits on the next turn of the event loop, as a real
 * one would, so that code that reads its own unfinished write fails here too.
 */
import type { Engine } from "./store.ts";
import { StoreError } from "./store.ts";

/** Held apart from the engine, so that a second engine over it is a restart. */
export interface MemoryDisk {
  readonly records: Map<string, Uint8Array>;
  state: Uint8Array | null;
  /** While true every commit fails, as on a full disk. */
  full: boolean;
}

export function memoryDisk(): MemoryDisk {
  return { records: new Map(), state: null, full: false };
}

export class MemoryEngine implements Engine {
  readonly state: Uint8Array | null;
  readonly #disk: MemoryDisk;
  #commitState: () => Uint8Array | null = () => null;

  constructor(disk: MemoryDisk = memoryDisk()) {
    this.#disk = disk;
    this.state = disk.state;
  }

  read(key: Uint8Array): Uint8Array | undefined {
    return this.#disk.records.get(textOf(key));
  }

  write(key: Uint8Array, record: Uint8Array | null): Promise<void> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (this.#disk.full) {
          reject(new StoreError("the memory disk is full"));
          return;
        }
        if (record === null) this.#disk.records.delete(textOf(key));
        else this.#disk.records.set(textOf(key), record);
        this.#disk.state = this.#commitState();
        resolve();
      });
    });
  }

  onCommit(state: () => Uint8Array): void {
    this.#commitState = state;
  }

  async close(): Promise<void> {
    // Nothing is held.
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString("latin1");
}
