/**
 * What a key holds as bytes, the same on the disk and on the wire. Whoever reads them may have got
 * them from anywhere: nothing is read beyond their end, and what is not exactly one record throws.
 *
 *   format u8 | flags u8 | epoch | ballot | count | [length of the value] | [time of expiry]
 *   | [manifest: length | bytes of a chunk | fence] | [fence] | version
 *   | answered requests u8, of each: outcome u8 | id | version
 *   | [content type | [upload of the manifest] | value]
 *
 * What stands in brackets is there only if the flags say so: records from before there were such
 * things read as before. A time of expiry is in milliseconds since the epoch; beside a manifest the
 * value is empty. Numbers are LEB128: most are small, and none is above 2^53. Texts are Latin-1, as
 * HTTP fields are, behind a length of one byte. The stamp, the length of the value and its time
 * stand first, so that a listing needs no more than the first bytes; the value stands last, so that
 * it can be kept apart from the rest, which is the head.
 *
 * Nothing remembers what was encoded: a head costs a quarter of a microsecond, which is what a
 * WeakMap takes to find it again, and a long value is written from where it lies.
 */
import type { Stamp } from "../replication/ballot.ts";
import type {
  AnsweredRequest,
  Held,
  KeptContent,
  KeyState,
  Manifest,
} from "../replication/record.ts";

const FORMAT = 1;
const HAS_CONTENT = 1;
const HAS_EXPIRY = 2;
const HAS_MANIFEST = 4;
const HAS_FENCE = 8;
const FLAGS_MAX = HAS_CONTENT | HAS_EXPIRY | HAS_MANIFEST | HAS_FENCE;
/** The last moment that a date can name. */
export const EXPIRES_MS_MAX = 8_640_000_000_000_000;
const TEXT_LENGTH_MAX = 255;
const ANSWERED_MAX = 255;
const outcomes = ["created", "replaced", "deleted"] as const;
/** 128 random bits, as hexadecimal digits. */
const UPLOAD = /^[0-9a-f]{32}$/;

/** Before the stamp stand the format and the flags. */
const STAMP_OFFSET = 2;

export class MalformedHeld extends Error {
  override readonly name = "MalformedHeld";
}

// --- writing ----------------------------------------------------------------------------------

/** Bytes of everything but the value. This or writing throws if the record has no binary form. */
export function headLength({ stamp, state }: Held): number {
  const { content, answered, fence } = state;
  if (answered.length > ANSWERED_MAX) {
    throw new RangeError(`${answered.length} answered requests: a record has ${ANSWERED_MAX}`);
  }
  let length = STAMP_OFFSET + numberLength(stamp.epoch) + numberLength(stamp.ballot);
  length += numberLength(stamp.count) + textLength(state.version) + 1;
  for (const request of answered) {
    length += 1 + textLength(request.id) + textLength(request.version);
  }
  if (fence !== undefined) length += numberLength(fence);
  if (content === null) return length;
  const { bytes, contentType, expiresMs, manifest } = content;
  length += numberLength(bytes.length) + textLength(contentType);
  if (expiresMs !== undefined) length += expiryLength(expiresMs);
  return manifest === undefined ? length : length + manifestLength(content, manifest);
}

function manifestLength({ bytes }: KeptContent, manifest: Manifest): number {
  const problem = problemOf(manifest) ?? (bytes.length > 0 ? "it has bytes beside it" : null);
  if (problem !== null) throw new RangeError(`a manifest that is none: ${problem}`);
  const { length, chunkBytes, fence, upload } = manifest;
  return numberLength(length) + numberLength(chunkBytes) + numberLength(fence) + textLength(upload);
}

/** What is wrong with a manifest from anywhere; null if nothing is. */
export function problemOf({ upload, length, chunkBytes }: Manifest): string | null {
  if (!UPLOAD.test(upload)) return "it names no upload";
  return chunkBytes < 1 || length < 1 ? "it has no chunks" : null;
}

function expiryLength(expiresMs: number): number {
  if (expiresMs > EXPIRES_MS_MAX) throw new RangeError(`${expiresMs} is no time of a date`);
  return numberLength(expiresMs);
}

/** Writes everything but the value to where there is room for it; returns where it ends. */
export function writeHead({ stamp, state }: Held, target: Uint8Array, start: number): number {
  const { content, answered } = state;
  target[start] = FORMAT;
  target[start + 1] = flagsOf(state);
  let at = writeNumber(stamp.epoch, target, start + STAMP_OFFSET);
  at = writeNumber(stamp.ballot, target, at);
  at = writeNumber(stamp.count, target, at);
  if (content !== null) at = writeNumber(content.bytes.length, target, at);
  if (content?.expiresMs !== undefined) at = writeNumber(content.expiresMs, target, at);
  if (content?.manifest !== undefined) at = writeManifest(content.manifest, target, at);
  if (state.fence !== undefined) at = writeNumber(state.fence, target, at);
  at = writeText(state.version, target, at);
  target[at] = answered.length;
  at += 1;
  for (const request of answered) {
    target[at] = outcomes.indexOf(request.outcome);
    at = writeText(request.id, target, at + 1);
    at = writeText(request.version, target, at);
  }
  if (content === null) return at;
  at = writeText(content.contentType, target, at);
  return content.manifest === undefined ? at : writeText(content.manifest.upload, target, at);
}

/** All of it but the name of the upload, which stands with the other texts. */
function writeManifest(manifest: Manifest, target: Uint8Array, start: number): number {
  const { length, chunkBytes, fence } = manifest;
  const at = writeNumber(chunkBytes, target, writeNumber(length, target, start));
  return writeNumber(fence, target, at);
}

function flagsOf({ content, fence }: KeyState): number {
  const flags = fence === undefined ? 0 : HAS_FENCE;
  if (content === null) return flags;
  const expiry = content.expiresMs === undefined ? 0 : HAS_EXPIRY;
  return flags | HAS_CONTENT | expiry | (content.manifest === undefined ? 0 : HAS_MANIFEST);
}

/** Bytes of the whole record. */
export function heldLength(held: Held): number {
  return headLength(held) + (held.state.content?.bytes.length ?? 0);
}

/** Writes the whole record to where there is room for it; returns where it ends. */
export function writeHeld(held: Held, target: Uint8Array, start: number): number {
  const end = writeHead(held, target, start);
  const { content } = held.state;
  if (content === null) return end;
  target.set(content.bytes, end);
  return end + content.bytes.length;
}

export function encodeHeld(held: Held): Buffer {
  const encoded = Buffer.allocUnsafe(heldLength(held));
  writeHeld(held, encoded, 0);
  return encoded;
}

function numberLength(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${value} is no whole number from 0 to 2^53 - 1`);
  }
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}

function writeNumber(value: number, target: Uint8Array, start: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    target[at] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
    at += 1;
  }
  target[at] = rest;
  return at + 1;
}

function textLength(text: string): number {
  if (text.length > TEXT_LENGTH_MAX) {
    throw new RangeError(`a text of ${text.length} characters: a record's have 255 at most`);
  }
  return 1 + text.length;
}

/** A loop, because these texts are too short for a call into native code to pay. */
function writeText(text: string, target: Uint8Array, start: number): number {
  const { length } = text;
  let seen = 0;
  target[start] = length;
  for (let index = 0; index < length; index += 1) {
    const unit = text.charCodeAt(index);
    seen |= unit;
    target[start + 1 + index] = unit;
  }
  if (seen > 0xff) throw new RangeError("a record's texts are Latin-1");
  return start + 1 + length;
}

// --- reading ----------------------------------------------------------------------------------

/** The whole record. The value is a view of the bytes, not a copy. */
export function decodeHeld(bytes: Uint8Array): Held {
  return decode(bytes, null);
}

/** The record with this head, whose value was kept apart. */
export function decodeHead(head: Uint8Array, value: Uint8Array): Held {
  return decode(head, value);
}

/** Only the stamp; what follows is not looked at. */
export function readStamp(bytes: Uint8Array): Stamp {
  const reader = new Reader(bytes);
  reader.flags();
  return reader.stamp();
}

/** Only the length of the value, null for a record without content. */
export function readValueLength(bytes: Uint8Array): number | null {
  const reader = new Reader(bytes);
  if ((reader.flags() & HAS_CONTENT) === 0) return null;
  reader.skip(3);
  return reader.number();
}

/** The same as clients see it: with a manifest, that of all chunks. */
export function readWholeLength(bytes: Uint8Array): number | null {
  const reader = new Reader(bytes);
  const flags = reader.flags();
  if ((flags & HAS_MANIFEST) === 0) return readValueLength(bytes);
  reader.skip((flags & HAS_EXPIRY) === 0 ? 4 : 5);
  return reader.number();
}

/** Only when the value expires, null for one that stays and for a record without content. */
export function readExpiry(bytes: Uint8Array): number | null {
  const reader = new Reader(bytes);
  if ((reader.flags() & HAS_EXPIRY) === 0) return null;
  reader.skip(4);
  return reader.expiry();
}

function decode(bytes: Uint8Array, apart: Uint8Array | null): Held {
  const reader = new Reader(bytes);
  const flags = reader.flags();
  const stamp = reader.stamp();
  const length = (flags & HAS_CONTENT) === 0 ? 0 : reader.number();
  const expires = (flags & HAS_EXPIRY) === 0 ? {} : { expiresMs: reader.expiry() };
  const chunks = (flags & HAS_MANIFEST) === 0 ? null : chunksOf(reader);
  const fence = (flags & HAS_FENCE) === 0 ? {} : { fence: fenceOf(reader) };
  const value = apart ?? reader.cutValue(length);
  if (value.length !== length) throw new MalformedHeld("a record's value has another length");
  const version = reader.text();
  const answered = answeredOf(reader);
  let content: KeptContent | null = null;
  if ((flags & HAS_CONTENT) !== 0) {
    content = { contentType: reader.text(), bytes: value, ...expires };
    if (chunks !== null) content = { ...content, manifest: manifestOf(reader, chunks, length) };
  }
  reader.mustEnd();
  return { stamp, state: { version, content, answered, ...fence } };
}

type Chunks = Omit<Manifest, "upload">;

function chunksOf(reader: Reader): Chunks {
  return { length: reader.number(), chunkBytes: reader.number(), fence: reader.number() };
}

function manifestOf(reader: Reader, chunks: Chunks, valueLength: number): Manifest {
  const manifest = { ...chunks, upload: reader.text() };
  const problem = problemOf(manifest);
  if (problem !== null) throw new MalformedHeld(`a record's manifest is none: ${problem}`);
  if (valueLength > 0) throw new MalformedHeld("a record has a value beside its manifest");
  return manifest;
}

function fenceOf(reader: Reader): number {
  const fence = reader.number();
  if (fence === 0) throw new MalformedHeld("a record has a fence that says nothing");
  return fence;
}

const noneAnswered: readonly AnsweredRequest[] = Object.freeze([]);

function answeredOf(reader: Reader): readonly AnsweredRequest[] {
  const count = reader.byte();
  if (count === 0) return noneAnswered;
  const answered: AnsweredRequest[] = [];
  for (let index = 0; index < count; index += 1) {
    const outcome = outcomes[reader.byte()];
    if (outcome === undefined) throw new MalformedHeld("a record names an unknown outcome");
    answered.push({ id: reader.text(), outcome, version: reader.text() });
  }
  return answered;
}

/** Reads on from where it stands, never past the end. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  /** Where the head ends: that of the bytes until the value is cut off. */
  #end: number;
  /** All texts, with what stands between them: one call into native code instead of many. */
  #texts = "";
  #textsStart = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  byte(): number {
    if (this.#at >= this.#end) throw cutShort();
    const value = this.#bytes[this.#at] as number;
    this.#at += 1;
    return value;
  }

  /** Of a record of the one known format. */
  flags(): number {
    const format = this.byte();
    if (format !== FORMAT) {
      throw new MalformedHeld(
        `a record of format ${format}, this program knows ${FORMAT}: ` +
          "it is damaged, or a later version of chordring wrote it",
      );
    }
    const flags = this.byte();
    // What is not there has no time either, and no chunks.
    const known = (flags & HAS_CONTENT) !== 0 || (flags & (HAS_EXPIRY | HAS_MANIFEST)) === 0;
    if (flags > FLAGS_MAX || !known) throw new MalformedHeld("a record has unknown flags");
    return flags;
  }

  skip(numbers: number): void {
    for (let skipped = 0; skipped < numbers; skipped += 1) this.number();
  }

  expiry(): number {
    const expiresMs = this.number();
    if (expiresMs > EXPIRES_MS_MAX) throw new MalformedHeld("a record expires at no time");
    return expiresMs;
  }

  stamp(): Stamp {
    return { epoch: this.number(), ballot: this.number(), count: this.number() };
  }

  /** Each number has one form only, the shortest. */
  number(): number {
    let value = 0;
    for (let scale = 1; scale < Number.MAX_SAFE_INTEGER; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return checkedNumber(value, byte === 0 && scale > 1);
    }
    throw new MalformedHeld("a record has a number above 2^53");
  }

  /** The value, which is what comes last. */
  cutValue(length: number): Buffer {
    const end = this.#end - length;
    if (end < this.#at) throw cutShort();
    this.#end = end;
    return this.#bytes.subarray(end);
  }

  text(): string {
    const length = this.byte();
    const start = this.#at;
    if (start + length > this.#end) throw cutShort();
    this.#at += length;
    if (this.#textsStart < 0) {
      this.#textsStart = start;
      this.#texts = this.#bytes.toString("latin1", start, this.#end);
    }
    return this.#texts.slice(start - this.#textsStart, this.#at - this.#textsStart);
  }

  mustEnd(): void {
    if (this.#at !== this.#end) throw new MalformedHeld("a record has bytes between its parts");
  }
}

function checkedNumber(value: number, padded: boolean): number {
  if (padded || value > Number.MAX_SAFE_INTEGER) {
    throw new MalformedHeld("a record has a number in no valid form");
  }
  return value;
}

function cutShort(): MalformedHeld {
  return new MalformedHeld("a record is cut short");
}
