/**
 * The form of what is stored: a record (version, content type, bytes), the key under which it
 * lies, and the state of a whole store. Every form starts with a format number, so that a later
 * program knows what an earlier one wrote and refuses what it does not know.
 *
 * record: format u8 | version length u8 | version | content type length u8 | content type | bytes
 * key:    20 bytes of the identifier | UTF-8 bytes of the key
 * state:  format u8 | incarnation 8 bytes (hexadecimal text) | sequence f64 | keys f64 | bytes f64
 */
import type { Content, StoredValue, StoreKey } from "./store.ts";
import { StoreError } from "./store.ts";

const FORMAT = 1;
const ID_BYTES = 20;
const INCARNATION_BYTES = 8;
const STATE_BYTES = 1 + INCARNATION_BYTES + 3 * 8;

/** The longest content type a record can hold. */
export const CONTENT_TYPE_BYTES_MAX = 255;

export function encodeKey(key: StoreKey): Buffer {
  const encoded = Buffer.allocUnsafe(ID_BYTES + Buffer.byteLength(key.text));
  encoded.write(key.id, 0, ID_BYTES, "hex");
  encoded.write(key.text, ID_BYTES, "utf8");
  return encoded;
}

export function encodeRecord(version: string, content: Content): Buffer {
  const { contentType, bytes } = content;
  const head = 3 + version.length + contentType.length;
  const record = Buffer.allocUnsafe(head + bytes.length);
  record[0] = FORMAT;
  record[1] = version.length;
  record.write(version, 2, "latin1");
  record[2 + version.length] = contentType.length;
  record.write(contentType, 3 + version.length, "latin1");
  record.set(bytes, head);
  return record;
}

/** The value in a record. Its bytes are a view of the record, not a copy. */
export function decodeRecord(record: Uint8Array): StoredValue {
  const buffer = asBuffer(record);
  const version = decodeVersion(record);
  const typeStart = 3 + version.length;
  const bytesStart = typeStart + (buffer[typeStart - 1] ?? 0);
  return {
    version,
    contentType: buffer.toString("latin1", typeStart, bytesStart),
    bytes: buffer.subarray(bytesStart),
  };
}

/** The version in a record, without looking at the rest. */
export function decodeVersion(record: Uint8Array): string {
  checkFormat(record, "record");
  return asBuffer(record).toString("latin1", 2, 2 + (record[1] ?? 0));
}

/** How many bytes the value in a record has. */
export function valueBytes(record: Uint8Array): number {
  const versionLength = record[1] ?? 0;
  return record.length - 3 - versionLength - (record[2 + versionLength] ?? 0);
}

/** What a store knows of itself, committed with every group of writes. */
export interface StoreState {
  /** Made with the store's file: versions of a lost disk never come back on a new one. */
  readonly incarnation: string;
  /** The number of the last write. */
  readonly sequence: number;
  readonly keys: number;
  readonly bytes: number;
}

export function encodeState(state: StoreState): Buffer {
  const encoded = Buffer.alloc(STATE_BYTES);
  encoded[0] = FORMAT;
  encoded.write(state.incarnation, 1, INCARNATION_BYTES, "latin1");
  encoded.writeDoubleBE(state.sequence, 1 + INCARNATION_BYTES);
  encoded.writeDoubleBE(state.keys, 9 + INCARNATION_BYTES);
  encoded.writeDoubleBE(state.bytes, 17 + INCARNATION_BYTES);
  return encoded;
}

export function decodeState(bytes: Uint8Array): StoreState {
  checkFormat(bytes, "state");
  if (bytes.length !== STATE_BYTES) throw new StoreError("the store's state has a wrong length");
  const buffer = asBuffer(bytes);
  return {
    incarnation: buffer.toString("latin1", 1, 1 + INCARNATION_BYTES),
    sequence: buffer.readDoubleBE(1 + INCARNATION_BYTES),
    keys: buffer.readDoubleBE(9 + INCARNATION_BYTES),
    bytes: buffer.readDoubleBE(17 + INCARNATION_BYTES),
  };
}

function checkFormat(bytes: Uint8Array, what: string): void {
  if (bytes[0] !== FORMAT) {
    throw new StoreError(
      `the store holds a ${what} of format ${bytes[0]}, this program knows ${FORMAT}: ` +
        "run the version of chordring that wrote it",
    );
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
