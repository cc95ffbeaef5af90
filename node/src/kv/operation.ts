/**
 * An operation on a key and its outcome, in the form in which they travel: from the client to the
 * entry node, from there to the key's owner, and back. Replication will stand between the two.
 */
import type { Content, StoreKey } from "../storage/store.ts";
import type { Preconditions } from "./preconditions.ts";

export type Operation =
  | {
      readonly type: "get";
      readonly key: StoreKey;
      readonly preconditions: Preconditions;
      /** HEAD: the owner need not send the bytes. */
      readonly head: boolean;
    }
  | { readonly type: "delete"; readonly key: StoreKey; readonly preconditions: Preconditions }
  | {
      readonly type: "put";
      readonly key: StoreKey;
      readonly preconditions: Preconditions;
      readonly content: Content;
    };

/** What the owner answers. The entry node passes it on unchanged, with the way it took. */
export type Outcome =
  | {
      readonly type: "value";
      readonly version: string;
      readonly contentType: string;
      /** Empty for HEAD when the owner is another node. */
      readonly bytes: Uint8Array;
      readonly length: number;
    }
  | { readonly type: "not-modified"; readonly version: string }
  | { readonly type: "stored"; readonly version: string; readonly created: boolean }
  | { readonly type: "deleted" }
  | { readonly type: "not-found" }
  /** `version`: what is there, null for nothing. */
  | { readonly type: "precondition-failed"; readonly version: string | null };
