/**
 * Values that prove themselves: a short text that no other write has, and behind it as many filler
 * bytes as the text says. Histories hold the text only; a body that is not whole gets another one.
 */
import { createHash } from "node:crypto";

const FILLER = "x";

export function newValue(number: number, fillerBytes: number): string {
  return `w${number}+${fillerBytes}`;
}

/** The bytes that are stored for a value. */
export function bodyOf(value: string): Buffer {
  const fillerBytes = Number(value.split("+")[1]);
  return Buffer.from(`${value}\n${FILLER.repeat(fillerBytes)}`);
}

/** The value whose bytes these are; a text that nobody wrote if they are no value's. */
export function valueOf(body: Buffer): string {
  const [value = ""] = body.toString("latin1", 0, 64).split("\n", 1);
  if (isWhole(value, body)) return value;
  const digest = createHash("sha256").update(body).digest("hex").slice(0, 12);
  return `damaged ${digest} of ${body.length} bytes`;
}

function isWhole(value: string, body: Buffer): boolean {
  const fillerBytes = /^w\d+\+(\d+)$/.exec(value)?.[1];
  // The length first: a damaged text may claim any.
  if (body.length !== value.length + 1 + Number(fillerBytes)) return false;
  return bodyOf(value).equals(body);
}
