/**
 * What nodes say to each other. A request and its response are plain data (JSON on the wire);
 * the form is checked where it enters the process, the meaning (ring, epoch, identity) here in
 * the core, so that a simulated hostile peer meets the same checks as a real one.
 */
import type { Id } from "./id.ts";

/** A node as others know it. `id` is the hash of `name`; `address` is `host:port` for peers. */
export interface NodeRef {
  readonly name: string;
  readonly id: Id;
  readonly address: string;
}

/** `waiting`: looks for its ring. `member`: in the ring. `left`: on request, stays out. */
export type NodeState = "waiting" | "joining" | "member" | "leaving" | "left";

/** `finger`: the O(log n) lookup. `walk`: along first successors, O(n), to compare with. */
export type LookupMode = "finger" | "walk";

export type Request =
  /** Are you alive, and in what state? Answered at once, even while busy. */
  | { readonly type: "ping" }
  /** Predecessor and successor list in one atomic reply. */
  | { readonly type: "state" }
  /** The sender believes to be the receiver's predecessor. */
  | { readonly type: "notify" }
  /** The next step of a lookup for `id`, not through the nodes named in `exclude`. */
  | {
      readonly type: "next";
      readonly id: Id;
      readonly mode: LookupMode;
      readonly exclude: readonly string[];
    }
  /**
   * The ring changed near you, stabilize soon. A leaving node names its successors, so that a
   * predecessor without any other way on can contact one. Never adopted unseen.
   */
  | { readonly type: "hint"; readonly leaving: boolean; readonly successors: readonly NodeRef[] }
  /** Who are you, and what do you know of the ring? Answered in every state and epoch. */
  | { readonly type: "hello" }
  /** Promise to start in the ring that the sender founds with this epoch. */
  | { readonly type: "prepare"; readonly epoch: number }
  /** Start as a member of the ideal ring of `members`, as promised. */
  | {
      readonly type: "start";
      readonly epoch: number;
      readonly members: readonly NodeRef[];
    };

export type RequestType = Request["type"];

export interface StateReply {
  readonly predecessor: NodeRef | null;
  readonly successors: readonly NodeRef[];
}

/** One step of a lookup: either the owner and those behind it, or nearer nodes, best first. */
export type NextReply =
  | { readonly step: "owner"; readonly nodes: readonly NodeRef[] }
  | { readonly step: "forward"; readonly nodes: readonly NodeRef[] };

export interface HelloReply {
  readonly state: NodeState;
  /** The names that the node last knew in its ring, from its disk; empty on a new disk. */
  readonly remembered: readonly string[];
  /** The epoch of the ring that the node is or was last in; 0 on a new disk. */
  readonly rememberedEpoch: number;
}

export interface PingReply {
  readonly state: NodeState;
  /** Shows a lookup whether the node still owns the identifier that led to it. */
  readonly predecessor: NodeRef | null;
}

export interface Replies {
  readonly ping: PingReply;
  readonly state: StateReply;
  readonly notify: Record<string, never>;
  readonly next: NextReply;
  readonly hint: Record<string, never>;
  readonly hello: HelloReply;
  readonly prepare: { readonly promised: boolean; readonly epoch: number };
  readonly start: { readonly started: boolean };
}

/** What goes around each request. */
export interface Envelope {
  readonly ring: string;
  /** The sender's ring epoch; 0 while it is in no ring. */
  readonly epoch: number;
  readonly from: NodeRef;
  /** The name that must answer; null where the sender cannot know it (seed Service). */
  readonly to: string | null;
}

/** What goes around each reply: who answered, and from which ring epoch. */
export interface Answer<T extends RequestType = RequestType> {
  readonly self: NodeRef;
  readonly epoch: number;
  readonly reply: Replies[T];
}

export type RequestOf<T extends RequestType> = Extract<Request, { type: T }>;
