/**
 * What clients ask of a key and what comes of it, in the form in which it travels: from the client
 * to the entry node, from there to the partition's leader, and back.
 */
import type { Content, StoreKey } from "./record.ts";

/** `*`, or the versions listed. */
export type Versions = "*" | readonly string[];

/** If-Match and If-None-Match (RFC 9110, section 13). */
export interface Preconditions {
  readonly ifMatch?: Versions;
  readonly ifNoneMatch?: Versions;
}

export const noPreconditions: Preconditions = Object.freeze({});

/** Ten years: whoever wants more wants a value that stays. */
export const TTL_SECONDS_MAX = 10 * 365 * 86_400;

export interface Get {
  readonly type: "get";
  readonly key: StoreKey;
  readonly preconditions: Preconditions;
  /** HEAD: the bytes need not be sent. */
  readonly head: boolean;
}

export interface Put {
  readonly type: "put";
  readonly key: StoreKey;
  readonly preconditions: Preconditions;
  readonly content: Content;
  /** Seconds from the write until the value is deleted; absent: it stays. */
  readonly ttlSeconds?: number;
  /** A repetition with the same id has the outcome of the first; null for none. */
  readonly requestId: string | null;
}

export interface Delete {
  readonly type: "delete";
  readonly key: StoreKey;
  readonly preconditions: Preconditions;
  readonly requestId: string | null;
}

export type Operation = Get | Put | Delete;

/** The leader's own: deletes this very version, and nothing that was written since. */
export interface Expire {
  readonly type: "expire";
  readonly key: Pick<StoreKey, "text">;
  readonly version: string;
}

/** What the leader answers. The entry node passes it on unchanged. */
export type Outcome =
  | {
      readonly type: "value";
      readonly version: string;
      readonly contentType: string;
      /** Empty for HEAD when another node answered. */
      readonly bytes: Uint8Array;
      readonly length: number;
      /** When it may be deleted, in milliseconds since the epoch; absent: it stays. */
      readonly expiresMs?: number;
    }
  | { readonly type: "not-modified"; readonly version: string }
  | { readonly type: "stored"; readonly version: string; readonly created: boolean }
  | { readonly type: "deleted" }
  | { readonly type: "not-found" }
  /** `version`: what is there, null for nothing. */
  | { readonly type: "precondition-failed"; readonly version: string | null };

/** Whether the present version (null: no such key) is one of those named. */
export function matches(versions: Versions, present: string | null): boolean {
  return present !== null && (versions === "*" || versions.includes(present));
}

/** Whether a write may happen while the key has this version. */
export function mayWrite(preconditions: Preconditions, present: string | null): boolean {
  const { ifMatch, ifNoneMatch } = preconditions;
  return (
    (ifMatch === undefined || matches(ifMatch, present)) &&
    (ifNoneMatch === undefined || !matches(ifNoneMatch, present))
  );
}
