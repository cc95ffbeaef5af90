/**
 * The key in a URL, taken from the raw request line: routers decode, merge or normalise paths, and
 * two keys that differ only so would become one. A key is 1 to 1,024 bytes of UTF-8.
 */
import { HttpError } from "./errors.ts";

const KEY_BYTES_MAX = 1_024;
/** A key without any of these stands in the URL as it is. */
const NEEDS_CARE = /[^\x21-\x7e]|[%/?#]/;

/** The part of a raw URL behind `prefix`, split at the query. */
export function splitUrl(url: string, prefix: string): { rawKey: string; query: string } {
  const end = url.indexOf("?", prefix.length);
  if (end < 0) return { rawKey: url.slice(prefix.length), query: "" };
  return { rawKey: url.slice(prefix.length, end), query: url.slice(end + 1) };
}

/** The key in percent-encoded form. Throws 400 `bad_key` with what to change. */
export function parseKey(rawKey: string): string {
  return checkKey(NEEDS_CARE.test(rawKey) ? decodeKey(rawKey) : rawKey);
}

/** A key as it is. Throws 400 `bad_key`. */
export function checkKey(key: string): string {
  if (key.length === 0)
    throw badKey("the key is empty: give 1 to 1,024 bytes after the last slash");
  // A UTF-16 unit is at most three bytes, so short keys need no count.
  if (key.length * 3 > KEY_BYTES_MAX) checkLength(key);
  return key;
}

function decodeKey(rawKey: string): string {
  if (rawKey.includes("/")) throw badKey("the key has an unencoded slash: write it as %2F");
  if (/[^\x21-\x7e]/.test(rawKey)) {
    throw badKey("the key has characters that a URL cannot hold: percent-encode their UTF-8 bytes");
  }
  try {
    return decodeURIComponent(rawKey);
  } catch {
    throw badKey(
      "the key is not percent-encoded UTF-8: write each byte as %XX, and % itself as %25",
    );
  }
}

function checkLength(key: string): void {
  const length = Buffer.byteLength(key);
  if (length > KEY_BYTES_MAX) {
    throw badKey(`the key has ${length} bytes: at most ${KEY_BYTES_MAX} are allowed`);
  }
}

export function badKey(message: string): HttpError {
  return new HttpError(400, "bad_key", message);
}
