/**
 * If-Match and If-None-Match (RFC 9110, section 13): compare-and-set over HTTP.
 * The entry node checks the form, the owner the meaning, in one step with the write.
 */
import { HttpError } from "../http/errors.ts";
import type { Precondition } from "../storage/store.ts";

/** `*`, or the versions listed. */
export type Versions = "*" | readonly string[];

export interface Preconditions {
  readonly ifMatch?: Versions;
  readonly ifNoneMatch?: Versions;
}

export const noPreconditions: Preconditions = Object.freeze({});

const TAGS_MAX = 32;
const TAG = /^(W\/)?"([\x21\x23-\x7e]{0,128})"$/;

export interface ConditionalHeaders {
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
}

/** Throws 400 `bad_precondition` when a header has not the form of entity tags. */
export function parsePreconditions(headers: ConditionalHeaders): Preconditions {
  const match = headers["if-match"];
  const noneMatch = headers["if-none-match"];
  if (match === undefined && noneMatch === undefined) return noPreconditions;
  // Strong comparison for If-Match: a weak tag equals nothing. Weak comparison for If-None-Match.
  return {
    ...(match === undefined ? {} : { ifMatch: parseTags("If-Match", match, "strong") }),
    ...(noneMatch === undefined
      ? {}
      : { ifNoneMatch: parseTags("If-None-Match", noneMatch, "all") }),
  };
}

function parseTags(header: string, text: string, kept: "strong" | "all"): Versions {
  if (text.trim() === "*") return "*";
  const tags = text.split(",", TAGS_MAX + 1).map((tag) => TAG.exec(tag.trim()));
  if (tags.length > TAGS_MAX || tags.includes(null)) {
    throw new HttpError(
      400,
      "bad_precondition",
      `${header} takes * or up to ${TAGS_MAX} quoted ETags as this service gave them`,
    );
  }
  return tags
    .filter((tag) => kept === "all" || tag?.[1] === undefined)
    .map((tag) => tag?.[2] ?? "");
}

/** The headers that carry the preconditions on to the owner. */
export function formatPreconditions(preconditions: Preconditions): Record<string, string> {
  const headers: Record<string, string> = {};
  const { ifMatch, ifNoneMatch } = preconditions;
  if (ifMatch !== undefined) headers["if-match"] = formatTags(ifMatch);
  if (ifNoneMatch !== undefined) headers["if-none-match"] = formatTags(ifNoneMatch);
  return headers;
}

function formatTags(versions: Versions): string {
  if (versions === "*") return "*";
  // A list without strong tags matches nothing, and a header cannot say that with an empty value.
  return versions.length === 0 ? 'W/""' : versions.map((version) => `"${version}"`).join(", ");
}

/** The condition under which a write may happen; undefined when any state will do. */
export function writeCondition(preconditions: Preconditions): Precondition | undefined {
  if (preconditions === noPreconditions) return undefined;
  const { ifMatch, ifNoneMatch } = preconditions;
  return (present) =>
    (ifMatch === undefined || matches(ifMatch, present)) &&
    (ifNoneMatch === undefined || !matches(ifNoneMatch, present));
}

/** Whether the present version (null: no such key) is one of those named. */
export function matches(versions: Versions, present: string | null): boolean {
  return present !== null && (versions === "*" || versions.includes(present));
}
