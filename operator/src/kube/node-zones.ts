/**
 * The zones of the cluster's nodes, read one by one and remembered.
 *
 * Node objects change every few seconds, and a watch on them would cost more than all the rest the
 * operator does; the one label that matters here hardly ever changes. Where zones cannot be read,
 * there are none: spreading copies over zones is worth much, but nothing may fail for want of it.
 */
import type { Logger } from "pino";
import { type ApiClient, isStatus } from "./api-client.ts";
import { KINDS } from "./kinds.ts";

export const ZONE_LABEL = "topology.kubernetes.io/zone";

export interface NodeZonesTiming {
  /** How long an answer holds, "there is none" and "you must not know" included. */
  knownMs: number;
  /** How long after a failure, or for a node that is gone, before it is asked for again. */
  retryMs: number;
}

const TIMING: NodeZonesTiming = { knownMs: 600_000, retryMs: 10_000 };
const REMEMBERED_MAX = 10_000;

interface Memory {
  zone: string | null | undefined;
  untilMs: number;
}

export class NodeZones {
  readonly #client: ApiClient;
  readonly #log: Logger;
  readonly #timing: NodeZonesTiming;
  readonly #known = new Map<string, Memory>();

  constructor(client: ApiClient, log: Logger, timing: NodeZonesTiming = TIMING) {
    this.#client = client;
    this.#log = log;
    this.#timing = timing;
  }

  /** The zone of a Kubernetes node; null where there are none, undefined while it is not known. */
  async zoneOf(node: string): Promise<string | null | undefined> {
    const known = this.#known.get(node);
    if (known && Date.now() < known.untilMs) return known.zone;
    const zone = await this.#read(node);
    const { knownMs, retryMs } = this.#timing;
    this.#known.delete(node);
    this.#known.set(node, { zone, untilMs: Date.now() + (zone === undefined ? retryMs : knownMs) });
    if (this.#known.size > REMEMBERED_MAX) {
      const [oldest] = this.#known.keys();
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return zone;
  }

  async #read(node: string): Promise<string | null | undefined> {
    try {
      const object = await this.#client.get(KINDS.node, { namespace: "", name: node });
      return object ? (object.metadata.labels?.[ZONE_LABEL] ?? null) : undefined;
    } catch (error) {
      this.#log.warn({ err: error, node }, "Zone of a node could not be read");
      return isStatus(error, 401, 403) ? null : undefined;
    }
  }
}
