/**
 * The file of a disk: one lmdb database of binary keys and values, opened with care, read at once,
 * written in transactions that are durable when they are done.
 *
 * `overlappingSync` is off: with it lmdb tells of a commit before the file is synchronized. A read
 * never sees less than the last commit that has resolved.
 */
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import { DiskError, diskError } from "./disk-errors.ts";
import { FORMAT_KEY, type KeyRange } from "./disk-key.ts";
import { type Database, incarnationIn, settleFormat } from "./lmdb-format.ts";
import { checkPages, PAGE_BYTES } from "./lmdb-pages.ts";

const FILE_NAME = "data.lmdb";

/** null removes. */
export interface Write {
  readonly at: Buffer;
  readonly value: Uint8Array | null;
}

export class LmdbFile {
  readonly path: string;
  /** Made with the file. */
  readonly incarnation: string;
  #database: Database;

  constructor(directory: string) {
    this.path = join(directory, FILE_NAME);
    try {
      mkdirSync(directory, { recursive: true });
      this.#database = this.#open();
      this.incarnation = this.#settleFormat();
      // A new file is durable only with its entry in the directory.
      syncDirectory(directory);
    } catch (cause) {
      throw cause instanceof DiskError ? cause : diskError("open", this.path, cause);
    }
  }

  get(key: Buffer): Buffer | undefined {
    return this.#read(() => this.#database.getBinary(key));
  }

  /** As `get`, but what it gives is overwritten by the next read of anything. */
  peek(key: Buffer): Buffer | undefined {
    // lmdb's buffer is longer than it says, which native code would see.
    return this.#read(() => {
      const shared = this.#database.getBinaryFast(key);
      return shared?.subarray(0, shared.length);
    });
  }

  /** Goes through a range until the visitor has seen enough, which it says with false. */
  visit(range: KeyRange, visitor: (key: Buffer, value: Buffer) => boolean): void {
    this.#read(() => {
      for (const { key, value } of this.#database.getRange({ ...range })) {
        if (!visitor(key, value)) return;
      }
    });
  }

  keys(range: KeyRange, limit: number): readonly Buffer[] {
    return this.#read(() => [...this.#database.getKeys({ ...range, limit })]);
  }

  /** One transaction, durable when it resolves. The bytes must not change meanwhile. */
  async commit(writes: readonly Write[]): Promise<void> {
    const database = this.#database;
    try {
      await database.batch(() => {
        // The batch's promise speaks for those of its parts.
        for (const { at, value } of writes) {
          if (value === null) void database.remove(at);
          else void database.put(at, value as Buffer);
        }
      });
      // lmdb does it too, but does not say when.
      database.resetReadTxn();
    } catch (error) {
      const cause = await commitCause(error);
      await this.#reopenIfDead();
      throw diskError("write to", this.path, cause);
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /**
   * After a failed write of a meta page lmdb refuses everything, reads too, until the file is
   * opened anew, and the next commit would never end.
   */
  async #reopenIfDead(): Promise<void> {
    try {
      this.#database.resetReadTxn();
      this.#database.get(FORMAT_KEY);
    } catch {
      await this.#database.close();
      this.#database = this.#open();
      if (incarnationIn(this.#database) === this.incarnation) return;
      await this.#database.close();
      throw diskError("open", this.path, new Error("another file is in its place: restart"));
    }
  }

  #open(): Database {
    try {
      checkPages(this.path);
      return openDatabase(this.path);
    } catch (cause) {
      throw diskError("open", this.path, cause);
    }
  }

  #settleFormat(): string {
    try {
      return settleFormat(this.#database);
    } catch (error) {
      void this.#database.close();
      throw error;
    }
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (cause) {
      throw cause instanceof DiskError ? cause : diskError("read", this.path, cause);
    }
  }
}

function openDatabase(path: string): Database {
  return open<Buffer, Buffer>({
    path,
    encoding: "binary",
    pageSize: PAGE_BYTES,
    keyEncoding: "binary",
    overlappingSync: false,
    eventTurnBatching: false,
  });
}

/** lmdb rejects with a general error whose `commitError` promise rejects with the reason. */
async function commitCause(error: unknown): Promise<unknown> {
  try {
    await (error as { commitError?: Promise<never> }).commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
