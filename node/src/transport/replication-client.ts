/**
 * The Network port over persistent connections: one to each peer that there is something to say to.
 * Peers are named, not addressed; where a name is now is asked for when a connection is needed.
 */
import { ReplicationError } from "../replication/errors.ts";
import type { Reply, Request, RequestType } from "../replication/messages.ts";
import type { Network } from "../replication/ports.ts";
import type { Identity } from "./replication-dial.ts";
import {
  type LinkLimits,
  ReplicationLink,
  STOPPING,
  TICKS_PER_SILENCE,
} from "./replication-link.ts";

export interface ReplicationClientParts extends Identity {
  /** The present address (host:port) of the node with this name; null if it is not known. */
  readonly resolve: (name: string) => Promise<string | null>;
}

const defaultLimits: LinkLimits = {
  pendingMax: 8_192,
  queueBytesMax: 64 * 1024 * 1024,
  connectTimeoutMs: 1_000,
  restMs: 100,
  silenceMs: 2_000,
  idleMs: 30_000,
};

export class ReplicationClient implements Network {
  readonly #parts: ReplicationClientParts;
  readonly #limits: LinkLimits;
  readonly #links = new Map<string, ReplicationLink>();
  readonly #ticks: NodeJS.Timeout;
  #closed = false;

  constructor(parts: ReplicationClientParts, limits: Partial<LinkLimits> = {}) {
    this.#parts = parts;
    this.#limits = { ...defaultLimits, ...limits };
    this.#ticks = setInterval(() => this.#tick(), this.#limits.silenceMs / TICKS_PER_SILENCE);
  }

  call<T extends RequestType>(
    to: string,
    request: Extract<Request, { readonly type: T }>,
    timeoutMs: number,
  ): Promise<Reply<T>> {
    if (this.#closed) return Promise.reject(new ReplicationError("unreachable", STOPPING));
    return this.#link(to).call(request, timeoutMs);
  }

  /** What waits fails, and so does everything from now on. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#ticks);
    for (const link of this.#links.values()) link.close();
  }

  #link(peer: string): ReplicationLink {
    let link = this.#links.get(peer);
    if (link === undefined) {
      const { resolve } = this.#parts;
      link = new ReplicationLink({ peer, identity: this.#parts, resolve, limits: this.#limits });
      this.#links.set(peer, link);
    }
    return link;
  }

  #tick(): void {
    for (const [peer, link] of this.#links) {
      if (link.isOver) this.#links.delete(peer);
      else link.tick();
    }
  }
}
