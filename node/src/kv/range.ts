/** The part of a value that a request asks for (RFC 9110, section 14): one range of bytes. */
import type { IncomingHttpHeaders } from "node:http";
import { HttpError } from "../http/errors.ts";
import type { Span } from "../large-values/index.ts";

const FORM = /^bytes=(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))$/;

/**
 * Null for the whole value: also if the range is of another version, or one that is not understood.
 * Throws 416 for a range behind the value's end.
 */
export function rangeOf(
  headers: IncomingHttpHeaders,
  { version, length }: { readonly version: string; readonly length: number },
): Span | null {
  const { range, "if-range": ifRange = `"${version}"` } = headers;
  const parts = range === undefined ? null : FORM.exec(range);
  if (parts === null || ifRange !== `"${version}"`) return null;
  const [, from, to = String(length - 1), suffix] = parts;
  const first = from === undefined ? Math.max(0, length - Number(suffix)) : Number(from);
  const last = Math.min(Number(to), length - 1);
  if (first < length && Number(to) < first) return null;
  if (first < length) return { first, last };
  throw new HttpError(416, "bad_range", `the value has ${length} bytes: ask for some of them`, {
    headers: { "Content-Range": `bytes */${length}` },
  });
}
