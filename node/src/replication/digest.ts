/**
 * A number that stands for all records of a replica, so that two that hold the same need not list
 * it: the sum of a number for each key with its stamp, kept up as they change (as in Bellare and
 * Micciancio's incremental hashing, here against chance and not against whoever chooses keys).
 *
 * Two lanes of 32 bits: two replicas that differ have one number in one case of 2^64.
 */
import type { Stamp } from "./ballot.ts";
import type { Held } from "./record.ts";
import { spread } from "./spread.ts";

export class Digest {
  #low = 0;
  #high = 0;

  add(key: string, stamp: Stamp): void {
    this.#change(key, stamp, 1);
  }

  /** Takes out what was added before. */
  remove(key: string, stamp: Stamp): void {
    this.#change(key, stamp, -1);
  }

  clear(): void {
    this.#low = 0;
    this.#high = 0;
  }

  /** Sixteen hexadecimal digits. */
  toString(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #change(key: string, { epoch, ballot, count }: Stamp, sign: 1 | -1): void {
    let low = 0x9e3779b9;
    let high = 0x85ebca77;
    const take = (value: number): void => {
      low = Math.imul(low ^ value, 0x85ebca6b);
      high = Math.imul(high ^ value, 0xc2b2ae35);
      low ^= low >>> 15;
      high ^= high >>> 13;
    };
    for (let index = 0; index < key.length; index += 1) take(key.charCodeAt(index));
    for (const number of [epoch, ballot, count]) {
      take(number);
      // Beyond 32 bits, which `^` does not see.
      take(Math.floor(number / 2 ** 32));
    }
    this.#low = (this.#low + sign * spread(low ^ spread(high))) >>> 0;
    this.#high = (this.#high + sign * spread(high ^ low)) >>> 0;
  }
}

/** Of records in memory. */
export function digestOf(records: ReadonlyMap<string, Pick<Held, "stamp">>): string {
  const digest = new Digest();
  for (const [key, { stamp }] of records) digest.add(key, stamp);
  return digest.toString();
}

function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}
