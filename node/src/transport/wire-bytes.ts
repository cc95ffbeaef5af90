/**
 * Numbers, texts and bytes one behind the other, as they travel between nodes. The writer fills one
 * buffer that grows and is used again, and leaves large values where they lie; the reader hands out
 * views, never reads outside its bounds, and throws `bad-message` for whatever cannot be.
 */
import { isUtf8 } from "node:buffer";
import { ReplicationError } from "../replication/errors.ts";

const WRITER_BYTES = 16 * 1024;
/** A larger buffer is not kept for the next batch: one large value must not hold it for ever. */
const KEPT_BYTES_MAX = 1024 * 1024;
/** From here on a value is not copied: it goes to the socket as a piece of its own. */
const PIECE_BYTES_MIN = 32 * 1024;
/** Up to here a loop over the characters beats the way into native code. */
const LOOP_LENGTH_MAX = 64;
const TEXT_BYTES_MAX = 0xffff;
const ID_BYTES = 20;
const HIGH = 0x1_0000_0000;
/** The upper half of the largest safe integer. */
const HIGH_MAX = 0x1f_ffff;

export function badMessage(why: string, cause?: unknown): ReplicationError {
  return new ReplicationError("bad-message", why, { cause });
}

/** Bytes that stand at some place of a buffer without being in it. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const noPieces: readonly Piece[] = Object.freeze([]);

export class ByteWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(WRITER_BYTES);
  #length: number;
  readonly #headBytes: number;
  #pieces: Piece[] = [];
  #pieceBytes = 0;
  /** Where the last frame began. */
  #frameAt = 0;
  #framePieces = 0;
  /** What was taken last, and what came back. */
  #lent: Buffer | null = null;
  #spare: Buffer | null = null;

  /** `headBytes` are left free at the beginning, for whoever takes the buffer. */
  constructor(headBytes = 0) {
    this.#headBytes = headBytes;
    this.#length = headBytes;
  }

  /** How many bytes were written. */
  get size(): number {
    return this.#length - this.#headBytes + this.#pieceBytes;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  u32(value: number): void {
    if (value >>> 0 !== value) throw badMessage(`${value} does not fit into 32 bits`);
    this.#reserve(4);
    this.#put32(this.#length, value);
    this.#length += 4;
  }

  /** A whole number from 0 to 2^53 - 1. */
  count(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw badMessage(`${value} is no count`);
    this.#reserve(8);
    this.#put32(this.#length, Math.floor(value / HIGH));
    this.#put32(this.#length + 4, value % HIGH);
    this.#length += 8;
  }

  f64(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
  }

  /** UTF-8 with its length; at most 65,535 bytes. Gives how many there are. */
  text(text: string): number {
    this.#reserve(2 + 3 * text.length);
    const start = this.#length + 2;
    let end = text.length <= LOOP_LENGTH_MAX ? this.#putAscii(text, start) : start;
    if (end - start !== text.length) {
      if (!text.isWellFormed()) throw badMessage("a text has half a surrogate pair");
      end = start + this.#buffer.write(text, start);
    }
    const bytes = end - start;
    if (bytes > TEXT_BYTES_MAX) throw badMessage(`a text has ${bytes} bytes`);
    this.#buffer[start - 2] = bytes >>> 8;
    this.#buffer[start - 1] = bytes;
    this.#length = end;
    return bytes;
  }

  /** 40 hexadecimal digits as 20 bytes. */
  id(id: string): void {
    this.#reserve(ID_BYTES);
    const written = this.#buffer.write(id, this.#length, ID_BYTES, "hex");
    if (written !== ID_BYTES || id.length !== 2 * ID_BYTES) throw badMessage("no identifier");
    this.#length += ID_BYTES;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Bytes that nobody may change until they are sent. */
  value(bytes: Uint8Array): void {
    if (bytes.length < PIECE_BYTES_MIN) {
      this.bytes(bytes);
      return;
    }
    this.#pieces.push({ at: this.#length, bytes });
    this.#pieceBytes += bytes.length;
  }

  /** Where whoever writes by itself finds the room that `extend` made. */
  get target(): Uint8Array {
    return this.#buffer;
  }

  /** Room for so many bytes, which the caller fills; gives where they begin. */
  extend(bytes: number): number {
    this.#reserve(bytes);
    const start = this.#length;
    this.#length += bytes;
    return start;
  }

  /** Room for a number that is known only when what follows is written. */
  hole32(): number {
    this.u32(0);
    return this.#length - 4;
  }

  /** Fills the hole with how many bytes follow it. */
  fill32(hole: number): void {
    let bytes = this.#length - hole - 4;
    for (const piece of this.#pieces) if (piece.at > hole) bytes += piece.bytes.length;
    this.#put32(hole, bytes);
  }

  /** What follows can be forgotten. */
  begin(): void {
    this.#frameAt = this.#length;
    this.#framePieces = this.#pieces.length;
  }

  /** Forgets what was written since the last `begin`. */
  rollBack(): void {
    this.#length = this.#frameAt;
    for (const { bytes } of this.#pieces.splice(this.#framePieces)) {
      this.#pieceBytes -= bytes.length;
    }
  }

  /** What belongs between the bytes that `take` will give, in order. */
  takePieces(): readonly Piece[] {
    const pieces = this.#pieces;
    if (pieces.length === 0) return noPieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return pieces;
  }

  /**
   * What was written, behind the free bytes and without the pieces. It is the taker's until
   * `giveBack`.
   */
  take(): Buffer {
    const taken = this.#buffer;
    const length = this.#length;
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(WRITER_BYTES);
    this.#length = this.#headBytes;
    this.#spare = null;
    this.#lent = taken;
    return taken.subarray(0, length);
  }

  /** Nobody reads any more what was taken last: its bytes can be written over. */
  giveBack(): void {
    const lent = this.#lent;
    this.#lent = null;
    if (lent !== null && lent.length <= KEPT_BYTES_MAX) this.#spare = lent;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, needed));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }

  #put32(at: number, value: number): void {
    const buffer = this.#buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  /** Where the text ends, or less if there is more in it than ASCII. */
  #putAscii(text: string, start: number): number {
    const buffer = this.#buffer;
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) return start + index;
      buffer[start + index] = unit;
    }
    return start + length;
  }
}

export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;
  #end: number;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
    this.#end = buffer.length;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    const at = this.#step(1);
    return this.#buffer[at] as number;
  }

  u32(): number {
    return this.#get32(this.#step(4));
  }

  count(): number {
    const at = this.#step(8);
    const high = this.#get32(at);
    if (high > HIGH_MAX) throw badMessage("a count is too large");
    return high * HIGH + this.#get32(at + 4);
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#step(8));
  }

  /** Well-formed UTF-8 of so many bytes. */
  text(bytesMin: number, bytesMax: number): string {
    const start = this.#stepText(bytesMin, bytesMax);
    const end = this.#at;
    if (this.#isWithin(start, 0, 0x7f)) return this.#buffer.toString("latin1", start, end);
    if (!isUtf8(this.#buffer.subarray(start, end))) throw badMessage("a text is not UTF-8");
    return this.#buffer.toString("utf8", start, end);
  }

  /** What may stand in a header: printable ASCII. */
  label(bytesMax: number): string {
    const start = this.#stepText(0, bytesMax);
    if (!this.#isWithin(start, 0x20, 0x7e)) throw badMessage("a label is not printable ASCII");
    return this.#buffer.toString("latin1", start, this.#at);
  }

  id(): string {
    const at = this.#step(ID_BYTES);
    return this.#buffer.toString("hex", at, at + ID_BYTES);
  }

  /** A view, valid as long as somebody holds it. */
  bytes(length: number): Buffer {
    const at = this.#step(length);
    return this.#buffer.subarray(at, at + length);
  }

  rest(): Buffer {
    return this.bytes(this.left);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) throw badMessage(`${this.left} bytes too many`);
  }

  /** From now on nothing is read beyond the next `length` bytes; gives where that is. */
  narrow(length: number): number {
    if (length > this.left) throw badMessage("it ends in the middle");
    this.#end = this.#at + length;
    return this.#end;
  }

  /** Goes on at `at`, with all that the buffer has. */
  widen(at: number): void {
    this.#at = at;
    this.#end = this.#buffer.length;
  }

  /** Goes behind the text; gives where it begins. */
  #stepText(bytesMin: number, bytesMax: number): number {
    const at = this.#step(2);
    const length = ((this.#buffer[at] as number) << 8) | (this.#buffer[at + 1] as number);
    if (length < bytesMin || length > bytesMax) throw badMessage(`a text has ${length} bytes`);
    return this.#step(length);
  }

  /** Goes on by so many bytes; gives where they begin. */
  #step(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw badMessage("it ends in the middle");
    this.#at = at + length;
    return at;
  }

  #get32(at: number): number {
    const buffer = this.#buffer;
    const head = (buffer[at] as number) * 0x100_0000;
    const tail = ((buffer[at + 1] as number) << 16) | ((buffer[at + 2] as number) << 8);
    return head + (tail | (buffer[at + 3] as number));
  }

  /** Whether all bytes from `start` to here are so; a tab passes as it may stand in a header. */
  #isWithin(start: number, lowest: number, highest: number): boolean {
    const buffer = this.#buffer;
    const end = this.#at;
    for (let at = start; at < end; at += 1) {
      const byte = buffer[at] as number;
      if (byte > highest || (byte < lowest && byte !== 0x09)) return false;
    }
    return true;
  }
}
