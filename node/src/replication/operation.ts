/**
 * What clients ask of a key and what comes of it, in the form in which it travels: from the client
 * to the entry node, from there to the partition's leader, and back.
 */
import type { Content, Manifest, StoreKey } from "./record.ts";

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

/**
 * Asks whether an upload is what the key holds. If not, it comes to nothing from now on, should it
 * have begun at the fence `past` or a lower one: then its chunks can be removed. What clients see
 * of the key stays as it is. With `past` -1 nothing is changed.
 */
export interface Fence {
  readonly type: "fence";
  readonly key: StoreKey;
  /** Null: none in particular. */
  readonly upload: string | null;
  readonly past: number;
}

/** All that travels to a partition's leader. */
export type KeyOperation = Operation | Fence;

/** Whether it changes what clients see, so that doing it twice may differ from doing it once. */
export function isWrite(operation: KeyOperation): operation is Put | Delete {
  return operation.type === "put" || operation.type === "delete";
}

/** The leader's own: deletes this very version, and nothing that was written since. */
export interface Expire {
  readonly type: "expire";
  readonly key: Pick<StoreKey, "text">;
  readonly version: string;
}

/** What the leader answers. The entry node passes it on unchanged. */
export type Outcome = ClientOutcome | FenceOutcome;

export type ClientOutcome =
  | {
      readonly type: "value";
      readonly version: string;
      readonly contentType: string;
      /** Empty for HEAD when another node answered, and beside a manifest. */
      readonly bytes: Uint8Array;
      readonly manifest?: Manifest;
      /** Of the whole value. */
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

/** What comes of a fence, and of a PUT that it keeps out. */
export type FenceOutcome =
  /** The upload asked for is what the key holds. */
  | { readonly type: "in-use" }
  /** It is not, or, to a PUT of a manifest, cannot be any more; with the key's fence now. */
  | { readonly type: "fenced"; readonly fence: number };

export function isOfFence(outcome: Outcome): outcome is FenceOutcome {
  return outcome.type === "fenced" || outcome.type === "in-use";
}

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
