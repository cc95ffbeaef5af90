/**
 * The engine on a disk: one lmdb database, binary keys and values.
 *
 * Durability. All writes that come while a transaction is under way become the next one, so that
 * many writers share the time of the disk. A write's promise resolves after its transaction's
 * fdatasync. `overlappingSync` is off: with it a value can be read before it is durable, and
 * a reader could then see what a power cut takes back. The store's state is written as the last
 * step of each transaction, so counts and versions are exactly those of the records beside them.
 *
 * The groups are made here and not by lmdb's own batching of event-loop turns: that keeps a promise
 * to itself, whose rejection on a full disk nobody could handle and would end the process.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import type { Engine } from "./store.ts";
import { StoreError } from "./store.ts";

const FILE_NAME = "values.lmdb";
/** Shorter than any record's key, which has 21 bytes or more, so the two cannot collide. */
const STATE_KEY = Buffer.from([0]);

/** Where lmdb's page header ends, and what stands there in a meta page. */
const PAGE_BYTES = 4_096;
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;

interface Write {
  readonly key: Uint8Array;
  readonly record: Uint8Array | null;
}

/** The writes of one transaction, and the promise they share. */
interface Group {
  readonly writes: Write[];
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

function newGroup(): Group {
  const done: PromiseWithResolvers<void> = Promise.withResolvers();
  return { writes: [], done: done.promise, resolve: done.resolve, reject: done.reject };
}

export class LmdbEngine implements Engine {
  readonly state: Uint8Array | null;
  readonly #path: string;
  readonly #database: RootDatabase<Buffer, Buffer>;
  #commitState: (() => Uint8Array) | undefined;
  /** What the transaction after the present one will write. */
  #next: Group | undefined;
  #committing = false;

  constructor(directory: string) {
    this.#path = join(directory, FILE_NAME);
    try {
      mkdirSync(directory, { recursive: true });
      checkForm(this.#path);
      this.#database = open<Buffer, Buffer>({
        path: this.#path,
        encoding: "binary",
        pageSize: PAGE_BYTES,
        keyEncoding: "binary",
        overlappingSync: false,
        eventTurnBatching: false,
      });
      this.state = this.#database.get(STATE_KEY) ?? null;
      // A new file is durable only with its entry in the directory.
      syncDirectory(directory);
    } catch (cause) {
      throw new StoreError(this.#describe("cannot open", cause), { cause });
    }
  }

  read(key: Uint8Array): Uint8Array | undefined {
    return this.#database.get(key as Buffer);
  }

  write(key: Uint8Array, record: Uint8Array | null): Promise<void> {
    this.#next ??= newGroup();
    this.#next.writes.push({ key, record });
    if (!this.#committing) {
      this.#committing = true;
      setImmediate(() => {
        void this.#commitGroups();
      });
    }
    return this.#next.done;
  }

  onCommit(state: () => Uint8Array): void {
    this.#commitState = state;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** Group after group, until nothing waits. */
  async #commitGroups(): Promise<void> {
    for (let group = this.#next; group !== undefined; group = this.#next) {
      this.#next = undefined;
      const { writes } = group;
      try {
        await this.#database.batch(() => {
          for (const write of writes) this.#apply(write);
          if (this.#commitState !== undefined) {
            this.#apply({ key: STATE_KEY, record: this.#commitState() });
          }
        });
        group.resolve();
      } catch (error) {
        group.reject(await this.#commitError(error));
      }
    }
    this.#committing = false;
  }

  /** Adds to the batch that is open; the batch's promise speaks for it. */
  #apply(write: Write): void {
    if (write.record === null) void this.#database.remove(write.key as Buffer);
    else void this.#database.put(write.key as Buffer, write.record as Buffer);
  }

  /** lmdb rejects with a general error whose `commitError` promise rejects with the reason. */
  async #commitError(error: unknown): Promise<StoreError> {
    let cause: unknown = error;
    try {
      await (error as { commitError?: Promise<never> }).commitError;
    } catch (reason) {
      cause = reason;
    }
    return new StoreError(this.#describe("cannot write to", cause), { cause });
  }

  #describe(action: string, cause: unknown): string {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return `${action} ${this.#path}: ${reason}; check the volume's space, permissions and health`;
  }
}

/**
 * Both meta pages must look like lmdb's. lmdb itself trusts them and would end the process without
 * a word; a file cut or overwritten by something else is caught here, with a reason. Damage behind
 * these pages is beyond it: lmdb has no checksums.
 */
function checkForm(path: string): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  const descriptor = openSync(path, "r");
  try {
    const pages = Buffer.alloc(2 * PAGE_BYTES);
    const length = readSync(descriptor, pages, 0, pages.length, 0);
    const valid = [0, PAGE_BYTES].every(
      (page) => length === pages.length && pages.readUInt32LE(page + MAGIC_OFFSET) === MAGIC,
    );
    if (!valid) throw new Error("the file is damaged or no lmdb database");
  } finally {
    closeSync(descriptor);
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
