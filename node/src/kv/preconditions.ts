/**
 * If-Match and If-None-Match (RFC 9110, section 13): compare-and-set over HTTP.
 * The entry node checks the form, the leader the meaning, in one step with the write.
 */
import { HttpError } from "../http/errors.ts";
import { noPreconditions, type Preconditions, type Versions } from "../replication/index.ts";

const TAGS_MAX = 32;
/** A tag and what separates it from the next one; a comma within its quotes is part of it. */
const TAG = /[ \t]*(W\/)?"([\x21\x23-\x7e]{0,128})"[ \t]*(,|$)/y;

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
  const tags = tagsIn(text);
  if (tags === null) {
    throw new HttpError(
      400,
      "bad_precondition",
      `${header} takes * or up to ${TAGS_MAX} quoted ETags as this service gave them`,
    );
  }
  return tags.filter(({ weak }) => kept === "all" || !weak).map(({ version }) => version);
}

interface Tag {
  readonly weak: boolean;
  readonly version: string;
}

/** Null if it is no list of tags, or too long a one. */
function tagsIn(text: string): readonly Tag[] | null {
  const tags: Tag[] = [];
  TAG.lastIndex = 0;
  for (;;) {
    const match = TAG.exec(text);
    if (match === null || tags.length === TAGS_MAX) return null;
    const [, weak, version = "", separator] = match;
    tags.push({ weak: weak !== undefined, version });
    if (separator !== ",") return tags;
  }
}
