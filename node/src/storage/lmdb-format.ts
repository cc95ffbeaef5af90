/**
 * Which form the file has, and the way from older forms to the one that this program writes. The
 * form's number stands first in its record, in every form there will ever be, so that any program
 * can tell whether it knows the file.
 *
 *   format u32 | checksum u32 | incarnation, 16 hexadecimal digits
 */
import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import type { RootDatabase } from "lmdb";
import { FORMAT_KEY } from "./disk-key.ts";

export type Database = RootDatabase<Buffer, Buffer>;

/** Brings the records of one format to the next, within one transaction. */
export type UpgradeStep = (database: Database) => void;

export interface KnownFormats {
  /** What this program reads and writes. */
  readonly current: number;
  /** By the format that they start from. Formats before the first step cannot be read any more. */
  readonly steps: ReadonlyMap<number, UpgradeStep>;
}

/**
 * A change of disk-key.ts, disk-record.ts or held-codec.ts is a new format and a step to it.
 *
 * - 1 to 2: records may have a time of expiry. Those without one are as they were.
 * - 2 to 3: records may have a manifest and a fence. Those without are as they were.
 */
export const knownFormats: KnownFormats = {
  current: 3,
  steps: new Map([
    [1, () => undefined],
    [2, () => undefined],
  ]),
};

const CHECKSUM_OFFSET = 4;
const INCARNATION_OFFSET = 8;
const INCARNATION_BYTES = 8;
const RECORD_BYTES = INCARNATION_OFFSET + 2 * INCARNATION_BYTES;

/** Makes a new file, upgrades an old one, refuses one that it does not know: its incarnation. */
export function settleFormat(database: Database, known: KnownFormats = knownFormats): string {
  const record = database.get(FORMAT_KEY);
  if (record === undefined) return begin(database, known);
  const found = formatOf(record, known);
  const incarnation = incarnationOf(record);
  for (let format = found; format < known.current; format += 1) {
    const step = known.steps.get(format);
    if (step === undefined) throw new Error(unknownFormat(found, known));
    database.transactionSync(() => {
      step(database);
      database.putSync(FORMAT_KEY, formatRecord(format + 1, incarnation));
    });
  }
  return incarnation;
}

/** Of a file whose format was settled before; undefined in a new one. */
export function incarnationIn(database: Database): string | undefined {
  const record = database.get(FORMAT_KEY);
  return record === undefined ? undefined : incarnationOf(record);
}

function incarnationOf(record: Buffer): string {
  return record.toString("latin1", INCARNATION_OFFSET);
}

function begin(database: Database, known: KnownFormats): string {
  if (database.getCount({ limit: 1 }) > 0) {
    throw new Error("the file is an lmdb database of something else");
  }
  const incarnation = randomBytes(INCARNATION_BYTES).toString("hex");
  database.transactionSync(() => {
    database.putSync(FORMAT_KEY, formatRecord(known.current, incarnation));
  });
  return incarnation;
}

function formatRecord(format: number, incarnation: string): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeUInt32BE(format, 0);
  record.write(incarnation, INCARNATION_OFFSET, "latin1");
  record.writeUInt32BE(checksum(record), CHECKSUM_OFFSET);
  return record;
}

/** A later format may have another record, but for the number. */
function formatOf(record: Buffer, known: KnownFormats): number {
  const format = record.length < CHECKSUM_OFFSET ? 0 : record.readUInt32BE(0);
  if (format > known.current) throw new Error(unknownFormat(format, known));
  const whole = record.length === RECORD_BYTES;
  if (!whole || record.readUInt32BE(CHECKSUM_OFFSET) !== checksum(record)) {
    throw new Error("the record of the file's format is damaged");
  }
  return format;
}

function checksum(record: Buffer): number {
  return crc32(record.subarray(INCARNATION_OFFSET), crc32(record.subarray(0, CHECKSUM_OFFSET)));
}

function unknownFormat(found: number, { current, steps }: KnownFormats): string {
  const oldest = Math.min(current, ...steps.keys());
  const range = oldest === current ? `${current}` : `${oldest} to ${current}`;
  const advice =
    found > current
      ? "run the version of chordring that wrote it, or a later one"
      : "run an older version of chordring first, which brings it to a later format";
  return `it has format ${found}, this program knows ${range}: ${advice}`;
}
