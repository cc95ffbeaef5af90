/**
 * What nodes say to each other about partitions. Every request is answered or refused with a
 * `ReplicationError`; what an answer promises is durable before it is sent.
 */
import type { Ballot } from "./ballot.ts";
import type { Charter } from "./charter.ts";
import type { CopyProgress, CopyRequest } from "./copier.ts";
import type { KeyPage, KeyQuery } from "./key-listing.ts";
import type { KeyOperation, Outcome } from "./operation.ts";
import type { Entry, Held, KeyedRecord } from "./record.ts";
import type { Roster } from "./roster.ts";
import type { AcceptedChange } from "./store.ts";
import type { Member, View } from "./view.ts";

/** A decided view and the members of the one before it, from whom its members gather. */
export interface PlacedView {
  readonly view: View;
  readonly previous: readonly Member[];
}

/** One proposer in one view of one partition. */
export interface Lead {
  readonly partition: number;
  readonly epoch: number;
  readonly ballot: Ballot;
}

/** Entries in the order of their keys; the next page begins behind `after`, null at the end. */
export interface Listing {
  readonly entries: readonly Entry[];
  readonly after: string | null;
}

interface Exchange<Request, Reply> {
  readonly request: Request;
  readonly reply: Reply;
}

/** A message or an answer that says nothing more. */
interface Nothing {
  readonly nothing?: never;
}

interface OfPartition {
  readonly partition: number;
}

/** Every kind of message with what it says and what is answered. */
export interface Exchanges {
  // From a proposer to the replicas of its view.
  promise: Exchange<Lead, Nothing>;
  read: Exchange<Lead & { readonly key: string }, { readonly held: Held | null }>;
  /** Which of these proposers are not followed any more. */
  confirm: Exchange<{ readonly leads: readonly Lead[] }, { readonly refused: readonly number[] }>;
  accept: Exchange<OfPartition & KeyedRecord, Nothing>;
  /** Records of the same view that the replica missed. */
  repair: Exchange<Lead & { readonly records: readonly KeyedRecord[] }, Nothing>;
  /** Deletes of earlier leaders that every member of the view has: they leave no trace any more. */
  forget: Exchange<Lead & { readonly entries: readonly Entry[] }, Nothing>;
  /** What an active replica of the view holds; with ballot 0 whoever leads. */
  list: Exchange<Lead & { readonly after: string | null; readonly limit: number }, Listing>;
  /** The same in one number: whether the replica holds exactly what has this digest. */
  holds: Exchange<Lead & { readonly digest: string }, { readonly same: boolean }>;
  /** Records by key. As many as fit come back, at least one if there is one. */
  fetch: Exchange<
    OfPartition & { readonly keys: readonly string[] },
    { readonly records: readonly KeyedRecord[] }
  >;
  /** From the member that wants to lead to the one that does: finish what is under way. */
  yield: Exchange<OfPartition & { readonly epoch: number }, Nothing>;

  // The next view.
  "promise-change": Exchange<Lead, { readonly accepted: AcceptedChange | null }>;
  "accept-change": Exchange<Lead & { readonly members: readonly Member[] }, Nothing>;
  /** From a member of a decided view: what do you hold? It seals. `active`: in that view itself. */
  show: Exchange<
    OfPartition & {
      readonly next: View;
      readonly after: string | null;
      readonly limit: number;
    },
    Listing & { readonly active: boolean }
  >;
  /** The same in one number. It seals, too. */
  "shows-same": Exchange<
    OfPartition & { readonly next: View; readonly digest: string },
    { readonly same: boolean }
  >;
  /** A decided view, to its members; whether the member is active in it or in a later one. */
  announce: Exchange<OfPartition & { readonly placed: PlacedView }, { readonly active: boolean }>;
  /** To who shall become a member: copy ahead. */
  copy: Exchange<OfPartition & CopyRequest, CopyProgress>;

  // Between nodes.
  /**
   * A sign of life from both, and what the answering node knows that the asker may not. `epochs`
   * is `PartitionMap.epochs` if the asker wants to know of views, too.
   */
  greet: Exchange<
    Introduction & { readonly generation: number; readonly epochs: number | null },
    Greeting
  >;
  /** The views that a node knows, for the partitions asked. */
  views: Exchange<
    { readonly partitions: readonly number[] },
    { readonly placed: readonly (OfPartition & PlacedView)[] }
  >;
  /** A charter to keep; whether this node has a complete one, or a newer attempt, instead. */
  charter: Exchange<{ readonly charter: Charter }, { readonly other: Charter | null }>;
  /** What one copy holds, however old, and acknowledged or not. */
  peek: Exchange<OfPartition & { readonly key: string }, { readonly held: Held | null }>;
  /** Keys that hold something, to who leads the partition. */
  keys: Exchange<OfPartition & KeyQuery, KeyPage>;
  /** The node ends, and leads nothing any more: others need not wait for its silence. */
  farewell: Exchange<Nothing, Nothing>;
  /** A client's operation, to the partition's leader. */
  operate: Exchange<{ readonly operation: KeyOperation; readonly timeoutMs: number }, Outcome>;
}

/** What a node tells of itself. */
export interface Introduction {
  readonly incarnation: string;
  /** Where clients reach it, host:port. */
  readonly api: string;
  /** Its disk takes writes, so that it can lead. */
  readonly able: boolean;
}

export interface Greeting extends Introduction {
  readonly zone: string | null;
  readonly charter: Charter | null;
  /** The answering node's, if it is newer. */
  readonly roster: Roster | null;
  /** The epoch of each partition's view, if asked for and not the same as the asker's. */
  readonly epochs: readonly number[] | null;
}

export type RequestType = keyof Exchanges;
export type Body<T extends RequestType> = Exchanges[T]["request"];
export type Reply<T extends RequestType> = Exchanges[T]["reply"];
export type Request = { [T in RequestType]: { readonly type: T } & Body<T> }[RequestType];
