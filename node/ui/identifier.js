/**
 * Identifiers as the page needs them: the hash of a key, and places on the circle as fractions.
 *
 * The page hashes a key itself, so that its place shows while it is typed. `crypto.subtle` exists
 * only on HTTPS and localhost, and a ring is often watched over plain HTTP, so SHA-1 is spelled
 * out here. The invariant: `hashOf(key)` equals the `id` in a node's answer to a lookup of `key`.
 */

const CIRCLE_BITS = 160n;
const CIRCLE_SIZE = 1n << CIRCLE_BITS;

/**
 * The identifier of a key: SHA-1 of its UTF-8 bytes, 40 hexadecimal digits.
 * @param {string} key
 * @returns {string}
 */
export function hashOf(key) {
  const bytes = new TextEncoder().encode(key);
  const words = paddedWords(bytes);
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  for (let offset = 0; offset < words.length; offset += 16) {
    compress(state, words.subarray(offset, offset + 16));
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

/**
 * The message as big-endian words, padded to whole blocks with its length in bits at the end.
 * @param {Uint8Array} bytes
 */
function paddedWords(bytes) {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const view = new DataView(new ArrayBuffer(blocks * 64));
  bytes.forEach((byte, index) => view.setUint8(index, byte));
  view.setUint8(bytes.length, 0x80);
  view.setBigUint64(blocks * 64 - 8, BigInt(bytes.length) * 8n);
  return Uint32Array.from({ length: blocks * 16 }, (_, index) => view.getUint32(index * 4));
}

/**
 * The function and the constant of each quarter of the 80 rounds (FIPS 180-4, section 4).
 * @type {ReadonlyArray<{mix: (b: number, c: number, d: number) => number, constant: number}>}
 */
const ROUNDS = [
  { mix: (b, c, d) => (b & c) | (~b & d), constant: 0x5a827999 },
  { mix: (b, c, d) => b ^ c ^ d, constant: 0x6ed9eba1 },
  { mix: (b, c, d) => (b & c) | (b & d) | (c & d), constant: 0x8f1bbcdc },
  { mix: (b, c, d) => b ^ c ^ d, constant: 0xca62c1d6 },
];

/**
 * @param {Uint32Array} state
 * @param {Uint32Array} block
 */
function compress(state, block) {
  const schedule = new Uint32Array(80);
  schedule.set(block);
  for (let t = 16; t < 80; t += 1) {
    const word = at(schedule, t - 3) ^ at(schedule, t - 8) ^ at(schedule, t - 14);
    schedule[t] = rotateLeft(word ^ at(schedule, t - 16), 1);
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
  for (let t = 0; t < 80; t += 1) {
    const round = /** @type {typeof ROUNDS[number]} */ (ROUNDS[Math.floor(t / 20)]);
    const next = rotateLeft(a, 5) + round.mix(b, c, d) + e + round.constant + at(schedule, t);
    [a, b, c, d, e] = [next >>> 0, a, rotateLeft(b, 30), c, d];
  }
  [a, b, c, d, e].forEach((word, index) => {
    state[index] = at(state, index) + word;
  });
}

/**
 * @param {Uint32Array} words
 * @param {number} index
 */
function at(words, index) {
  return words[index] ?? 0;
}

/**
 * @param {number} word
 * @param {number} count
 */
function rotateLeft(word, count) {
  return ((word << count) | (word >>> (32 - count))) >>> 0;
}

/**
 * Where an identifier lies on the circle: id / 2^160, in [0, 1). 52 bits are ample for a picture.
 * @param {string} id
 * @returns {number}
 */
export function turnOf(id) {
  return Number.parseInt(id.slice(0, 13), 16) / 2 ** 52;
}

/**
 * The way from one turn clockwise to another, in [0, 1).
 * @param {number} from
 * @param {number} to
 */
export function turnsBetween(from, to) {
  const way = to - from;
  return way < 0 ? way + 1 : way;
}

/**
 * The k for which `start` is `id` + 2^k, or null when there is none.
 * @param {string} id
 * @param {string} start
 * @returns {number | null}
 */
export function fingerExponent(id, start) {
  const distance = (BigInt(`0x${start}`) - BigInt(`0x${id}`) + CIRCLE_SIZE) % CIRCLE_SIZE;
  if (distance === 0n || (distance & (distance - 1n)) !== 0n) return null;
  return distance.toString(2).length - 1;
}

/**
 * The owner of an identifier: the first node at or after it, clockwise.
 * @template {{id: string}} T
 * @param {string} id
 * @param {readonly T[]} nodes in the order of their identifiers
 * @returns {T | undefined}
 */
export function ownerOf(id, nodes) {
  return nodes.find((node) => node.id >= id) ?? nodes[0];
}

/**
 * Enough of an identifier to tell nodes apart by eye.
 * @param {string} id
 */
export function shortId(id) {
  return `${id.slice(0, 8)}…`;
}
