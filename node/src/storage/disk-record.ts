/**
 * The form of what lies in the file: a checksum over key and content, then the content. With the
 * key in it, a record that turns up under another key is found out too.
 *
 *   of a key:       checksum u32 | record, as in held-codec.ts
 *   value apart:    checksum u32 | head of the record | checksum of the value u32
 *   anything else:  checksum u32 | format u8 | JSON
 *
 * A long value is kept apart. A listing, which needs only stamps, then reads none of it, and the
 * value is written from where it lies. What is kept apart is part of the file's format.
 */
import { crc32 } from "node:zlib";
import type { Stamp } from "../replication/ballot.ts";
import type { Held } from "../replication/record.ts";
import {
  decodeHead,
  decodeHeld,
  headLength,
  readExpiry,
  readStamp,
  readValueLength,
  readWholeLength,
  writeHead,
  writeHeld,
} from "./held-codec.ts";

const CHECKSUM_BYTES = 4;
const JSON_FORMAT = 1;
/** About what lmdb would put on pages of its own. */
const VALUE_BYTES_MAX = 1_536;

/** Whether a value of this length lies apart from its record. */
export function liesApart(valueLength: number): boolean {
  return valueLength > VALUE_BYTES_MAX;
}

export function sealHeld(key: Uint8Array, held: Held): Buffer {
  const value = held.state.content?.bytes;
  const inside = value === undefined || !liesApart(value.length);
  const length = headLength(held) + (inside ? (value?.length ?? 0) : CHECKSUM_BYTES);
  const sealed = Buffer.allocUnsafe(CHECKSUM_BYTES + length);
  if (inside) writeHeld(held, sealed, CHECKSUM_BYTES);
  else sealed.writeUInt32BE(crc32(value), writeHead(held, sealed, CHECKSUM_BYTES));
  return seal(key, sealed);
}

/**
 * The record that was sealed, with its value's bytes in there, where they stand last, instead of in
 * the message that they came with. For one whose value does not lie apart.
 */
export function heldWithin(sealed: Buffer, held: Held): Held {
  const { content } = held.state;
  if (content === null || content.bytes.length === 0) return held;
  const bytes = sealed.subarray(sealed.length - content.bytes.length);
  return { ...held, state: { ...held.state, content: { ...content, bytes } } };
}

/** Throws if the record is not what was sealed. `apart` gives its value if that lies apart. */
export function openHeld(
  key: Uint8Array,
  sealed: Buffer,
  apart: () => Uint8Array | undefined,
): Held {
  const content = open(key, sealed);
  if (!liesApart(readValueLength(content) ?? 0)) return decodeHeld(content);
  const headEnd = content.length - CHECKSUM_BYTES;
  const value = apart();
  if (value === undefined) throw new Error("its value is missing");
  if (content.readUInt32BE(headEnd) !== crc32(value))
    throw new Error("its value's checksum is wrong");
  return decodeHead(content.subarray(0, headEnd), value);
}

/** The stamp of a record whose value, if it lies apart, is left alone. */
export function openStamp(key: Uint8Array, sealed: Buffer): Stamp {
  return readStamp(open(key, sealed));
}

/**
 * The length of a record's value, null without content. The checksum is not looked at: this serves
 * to count, and what is counted in must be counted out again though it was damaged.
 */
export function sealedValueLength(sealed: Uint8Array): number | null {
  try {
    return readValueLength(sealed.subarray(CHECKSUM_BYTES));
  } catch {
    return null;
  }
}

/** The length of its value as clients see it; just as little is looked at. */
export function sealedWholeLength(sealed: Uint8Array): number | null {
  try {
    return readWholeLength(sealed.subarray(CHECKSUM_BYTES));
  } catch {
    return null;
  }
}

/** When the record's value expires, null if it stays; just as little is looked at. */
export function sealedExpiry(sealed: Uint8Array): number | null {
  try {
    return readExpiry(sealed.subarray(CHECKSUM_BYTES));
  } catch {
    return null;
  }
}

export function sealJson(key: Uint8Array, value: unknown): Buffer {
  const text = JSON.stringify(value);
  const sealed = Buffer.allocUnsafe(CHECKSUM_BYTES + 1 + Buffer.byteLength(text));
  sealed[CHECKSUM_BYTES] = JSON_FORMAT;
  sealed.write(text, CHECKSUM_BYTES + 1);
  return seal(key, sealed);
}

export function openJson(key: Uint8Array, sealed: Buffer): unknown {
  const content = open(key, sealed);
  if (content[0] !== JSON_FORMAT) throw new Error(`its format ${content[0]} is unknown`);
  return JSON.parse(content.toString("utf8", 1));
}

function seal(key: Uint8Array, sealed: Buffer): Buffer {
  sealed.writeUInt32BE(checksum(key, sealed.subarray(CHECKSUM_BYTES)), 0);
  return sealed;
}

function open(key: Uint8Array, sealed: Buffer): Buffer {
  if (sealed.length < CHECKSUM_BYTES) throw new Error("it is cut short");
  const content = sealed.subarray(CHECKSUM_BYTES);
  if (sealed.readUInt32BE(0) !== checksum(key, content)) throw new Error("its checksum is wrong");
  return content;
}

function checksum(key: Uint8Array, content: Uint8Array): number {
  return crc32(content, crc32(key));
}
