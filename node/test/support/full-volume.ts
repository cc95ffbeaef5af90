/** A volume that is full on command, under a real file. */
import { diskError } from "../../src/storage/disk-errors.ts";
import { LmdbFile, type Write } from "../../src/storage/lmdb-file.ts";

export interface Volume {
  full: boolean;
}

export class FileOnVolume extends LmdbFile {
  readonly #volume: Volume;

  constructor(directory: string, volume: Volume) {
    super(directory);
    this.#volume = volume;
  }

  override async commit(writes: readonly Write[]): Promise<void> {
    if (!this.#volume.full) {
      await super.commit(writes);
      return;
    }
    // As a real one fails: after the writers had time to go on.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    throw diskError("write to", this.path, new Error("no space left on device"));
  }
}
