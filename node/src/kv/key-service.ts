/** Carries clients' operations out on the ring, and tells failures as HTTP does. */
import type { Clock, Hash, Log, Random } from "../chord/index.ts";
import { HttpError, unavailable } from "../http/errors.ts";
import {
  type Download,
  Downloads,
  type LargePut,
  type LargeValueParts,
  MissingChunk,
  REGISTER_BYTES_MAX,
  Uploads,
} from "../large-values/index.ts";
import {
  type Get,
  isReserved,
  type Operation,
  type Replication,
  ReplicationError,
  type Routed,
} from "../replication/index.ts";
import { type KeySource, type Listed, type Walk, walkKeys } from "./key-walk.ts";

/** The code of an error. */
export const VALUE_REPLACED = "value_replaced";
const REPLACED = "parts of this value are gone, as it was replaced meanwhile; read it again";

export interface KeyServiceParts {
  readonly replication: Pick<Replication, "execute" | "readOne" | "listKeys" | "partitionCount">;
  readonly clock: Clock;
  readonly random: Random;
  readonly hash: Hash;
  readonly log: Log;
}

export class KeyService {
  readonly #parts: KeyServiceParts;
  readonly #operationTimeoutMs: number;
  readonly #uploads: Uploads;
  readonly #downloads: Downloads;

  constructor(parts: KeyServiceParts, options: { readonly operationTimeoutMs: number }) {
    this.#parts = parts;
    this.#operationTimeoutMs = options.operationTimeoutMs;
    const execute: LargeValueParts["execute"] = (operation) =>
      parts.replication.execute(operation, options.operationTimeoutMs);
    this.#uploads = new Uploads({ ...parts, execute }, { chunkBytes: REGISTER_BYTES_MAX });
    this.#downloads = new Downloads({ ...parts, execute });
  }

  /** Rejects with the `HttpError` that the client shall see. */
  execute(operation: Operation): Promise<Routed> {
    return this.#told(this.#parts.replication.execute(operation, this.#operationTimeoutMs));
  }

  /** The same for what one copy holds, without asking a majority. */
  readOne(operation: Get): Promise<Routed> {
    return this.#told(this.#parts.replication.readOne(operation));
  }

  /** A PUT whose value comes in chunks: all of it is stored, or nothing is changed. */
  upload(put: LargePut, chunks: AsyncIterable<Uint8Array>): Promise<Routed> {
    return this.#told(this.#uploads.store(put, chunks));
  }

  /** A large value's bytes, piece by piece. Throws 503 `value_replaced` if they are gone. */
  async *download(download: Download): AsyncGenerator<Uint8Array, void> {
    try {
      yield* this.#downloads.read(download);
    } catch (error) {
      if (error instanceof MissingChunk) throw unavailable(VALUE_REPLACED, REPLACED, error);
      throw error instanceof ReplicationError ? this.#asHttp(error) : error;
    }
  }

  /** Keys of the whole ring, a page at a time. Rejects with 400 `bad_query`, 503. */
  async list(walk: Walk): Promise<Listed> {
    const { replication } = this.#parts;
    const partitions = replication.partitionCount;
    if (partitions === 0)
      throw unavailable("unavailable", "the ring's data layer has not begun yet");
    if (walk.from.partition >= partitions) {
      throw new HttpError(400, "bad_query", "cursor is of another ring");
    }
    // No client's key begins so.
    if (isReserved(walk.prefix)) return { keys: [], next: null };
    const page: KeySource["page"] = (partition, query) =>
      replication.listKeys(partition, query, this.#operationTimeoutMs);
    return await this.#told(walkKeys({ partitions, page }, walk));
  }

  async #told<Told>(told: Promise<Told>): Promise<Told> {
    try {
      return await told;
    } catch (error) {
      throw error instanceof ReplicationError ? this.#asHttp(error) : error;
    }
  }

  #asHttp(error: ReplicationError): HttpError {
    const { message } = error;
    switch (error.code) {
      case "unknown-outcome":
        return new HttpError(504, "outcome_unknown", message, { cause: error });
      case "storage":
        this.#parts.log.warn("The disk refused an operation", { reason: message });
        return unavailable("storage_unavailable", `${message}; nothing was changed`, error);
      case "busy":
        return unavailable("busy", `${message}; nothing was changed`, error);
      default:
        return unavailable("unavailable", message, error);
    }
  }
}
