/**
 * Under which keys things lie in the file. lmdb orders keys by their bytes, so each partition is a
 * piece of the file, and its records lie in it in the order of `compareKeys`.
 *
 *   of a partition: partition u16 | kind u8 [| generation u32 | UTF-8 key]
 *   of the node:    kind u8, shorter than all others, so that no partition's range has it
 *
 * A partition is cleared by counting up its generation: what lies under an older one is there no
 * more, however long it takes to remove it.
 */
import { isReserved } from "../replication/reserved-keys.ts";

const PREFIX_BYTES = 7;
const KIND_OFFSET = 2;
const GENERATION_OFFSET = 3;
const PARTITIONS_MAX = 0x1_0000;
/** lmdb takes 1,978 bytes with pages of 4 KiB. */
const KEY_BYTES_MAX = 1_978 - PREFIX_BYTES;

/** Which of the things of a partition. */
const STATE = 0;
const GENERATION = 1;
const RECORD = 2;
const BODY = 3;

/** The form of the file and its incarnation. */
export const FORMAT_KEY: Buffer = Buffer.from([0]);
export const NODE_RECORD_KEY: Buffer = Buffer.from([1]);

/** From the start up to the end, which is not in it. */
export interface KeyRange {
  readonly start: Buffer;
  readonly end: Buffer;
}

export function checkPartition(partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS_MAX) return;
  throw new RangeError(`partition ${partition}: a disk holds those from 0 to 65,535`);
}

export function stateKey(partition: number): Buffer {
  return partitionKey(partition, STATE);
}

export function generationKey(partition: number): Buffer {
  return partitionKey(partition, GENERATION);
}

export function recordKey(partition: number, generation: number, key: string): Buffer {
  const length = Buffer.byteLength(key);
  if (length > KEY_BYTES_MAX) {
    throw new RangeError(`a key of ${length} bytes: a disk holds those of up to ${KEY_BYTES_MAX}`);
  }
  // Half a surrogate pair has no UTF-8 form: two such keys would be one.
  if (!key.isWellFormed()) throw new RangeError("a key that is not well-formed Unicode");
  const encoded = Buffer.allocUnsafe(PREFIX_BYTES + length);
  encoded.writeUInt16BE(partition, 0);
  encoded[KIND_OFFSET] = RECORD;
  encoded.writeUInt32BE(generation, GENERATION_OFFSET);
  encoded.write(key, PREFIX_BYTES);
  return encoded;
}

/** Where the value of this record lies, if it lies apart. */
export function bodyKey(record: Uint8Array): Buffer {
  const encoded = Buffer.from(record);
  encoded[KIND_OFFSET] = BODY;
  return encoded;
}

/** The key as it was given to `recordKey`. */
export function keyText(record: Buffer): string {
  return record.toString("utf8", PREFIX_BYTES);
}

/** Whether the key is the ring's own. All are looked at when a file is opened. */
export function isOfReserved(record: Buffer): boolean {
  return record[PREFIX_BYTES] === 0 && isReserved(keyText(record));
}

/** All records of a generation. */
export function records(partition: number, generation: number): KeyRange {
  return {
    start: generationStart(partition, RECORD, generation),
    end: generationStart(partition, RECORD, generation + 1),
  };
}

/** What was cleared: records and values of all generations before this one. */
export function cleared(partition: number, generation: number): readonly KeyRange[] {
  return [RECORD, BODY].map((kind) => ({
    start: generationStart(partition, kind, 0),
    end: generationStart(partition, kind, generation),
  }));
}

function partitionKey(partition: number, kind: number): Buffer {
  const encoded = Buffer.alloc(GENERATION_OFFSET);
  encoded.writeUInt16BE(partition, 0);
  encoded[KIND_OFFSET] = kind;
  return encoded;
}

function generationStart(partition: number, kind: number, generation: number): Buffer {
  const encoded = Buffer.alloc(PREFIX_BYTES);
  encoded.writeUInt16BE(partition, 0);
  encoded[KIND_OFFSET] = kind;
  encoded.writeUInt32BE(generation, GENERATION_OFFSET);
  return encoded;
}
