/** A short fingerprint of a JSON value that does not depend on the order of its keys. */
import { createHash } from "node:crypto";

const DIGEST_LENGTH = 16;

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(canonical);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, canonical(entry)]));
}

export function digest(value: unknown): string {
  const text = JSON.stringify(canonical(value));
  return createHash("sha256").update(text).digest("hex").slice(0, DIGEST_LENGTH);
}
