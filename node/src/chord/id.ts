/**
 * The identifier circle: identifiers modulo 2^bits and the order around it.
 *
 * An identifier is a lower-case hexadecimal string of fixed width, so that string order is numeric
 * order and comparing two of them needs no arithmetic. Source: Chord (SIGCOMM 2001), section 4.2.
 */

declare const idBrand: unique symbol;

/** A point on the circle: `Circle.digits` lower-case hexadecimal digits (40 for SHA-1). */
export type Id = string & { readonly [idBrand]: true };

/** Whether `text` has the form of an identifier of `digits` hexadecimal digits. */
export function isId(text: unknown, digits = 40): text is Id {
  return typeof text === "string" && text.length === digits && /^[0-9a-f]*$/.test(text);
}

/**
 * Whether x lies strictly between a and b going clockwise. `between(a, x, a)` is true for every
 * x other than a: the interval from a node round to itself is the whole circle without the node.
 */
export function between(a: Id, x: Id, b: Id): boolean {
  if (a < b) return a < x && x < b;
  return x !== a && x !== b && (x > a || x < b);
}

/** Whether x lies in (a, b] clockwise; the whole circle when a = b. This is ownership. */
export function betweenRightClosed(a: Id, x: Id, b: Id): boolean {
  return x === b || a === b || between(a, x, b);
}

/** The circle of 2^bits identifiers. Chord uses 160 bits; the papers' examples use 3 and 6. */
export class Circle {
  readonly bits: number;
  readonly digits: number;
  readonly #size: bigint;

  constructor(bits = 160) {
    this.bits = bits;
    this.digits = Math.ceil(bits / 4);
    this.#size = 1n << BigInt(bits);
  }

  /** The identifier with this value, taken modulo 2^bits. */
  fromNumber(value: bigint | number): Id {
    const wrapped = ((BigInt(value) % this.#size) + this.#size) % this.#size;
    return wrapped.toString(16).padStart(this.digits, "0") as Id;
  }

  /** id + 2^exponent, the start of finger `exponent` (0-based). */
  fingerStart(id: Id, exponent: number): Id {
    return this.fromNumber(BigInt(`0x${id}`) + (1n << BigInt(exponent)));
  }

  /**
   * The largest exponent e with a + 2^e in (a, b]: the fingers of a node a that b succeeds, as far
   * as nobody stands between. All of them when a = b, which is the whole circle.
   */
  reach(a: Id, b: Id): number {
    if (a === b) return this.bits - 1;
    const distance = (BigInt(`0x${b}`) - BigInt(`0x${a}`) + this.#size) % this.#size;
    const hex = distance.toString(16);
    return 4 * (hex.length - 1) + 31 - Math.clz32(Number.parseInt(hex.charAt(0), 16));
  }

  /** Clockwise distance from a to b, as a fraction of the circle in [0, 1): for people. */
  fraction(a: Id, b: Id): number {
    const distance = (BigInt(`0x${b}`) - BigInt(`0x${a}`) + this.#size) % this.#size;
    return Number((distance * 1_000_000_000n) / this.#size) / 1_000_000_000;
  }
}
