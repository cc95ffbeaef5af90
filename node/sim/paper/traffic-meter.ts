/**
 * Counts what nodes say to each other: messages and bytes by type. Bytes are those of the JSON that
 * the transport puts on the wire, request and reply, one message to a request; what HTTP adds is
 * not counted.
 */
import type { Answer, Envelope, Request, RequestType } from "../../src/chord/index.ts";
import type { Host, Network, Observer } from "../network.ts";

export interface Traffic {
  readonly requests: number;
  readonly bytes: number;
  readonly byType: ReadonlyMap<RequestType, number>;
}

export class TrafficMeter implements Observer {
  readonly #measureBytes: boolean;
  readonly #from: ReadonlySet<string> | null;
  readonly #byType = new Map<RequestType, number>();
  #requests = 0;
  #bytes = 0;
  /** Requests that nobody answered in time although the host lives. */
  timeoutsOfLiving = 0;
  /** And those to dead hosts. */
  timeoutsOfDead = 0;
  readonly #network: Network;

  /** `from` are the addresses of the nodes whose requests count; null for all. */
  constructor(
    network: Network,
    options: { readonly bytes?: boolean; readonly from?: ReadonlySet<string> } = {},
  ) {
    this.#network = network;
    this.#measureBytes = options.bytes ?? false;
    this.#from = options.from ?? null;
  }

  /** What was counted since the last call. */
  take(): Traffic {
    const traffic = {
      requests: this.#requests,
      bytes: this.#bytes,
      byType: new Map(this.#byType),
    };
    this.#requests = 0;
    this.#bytes = 0;
    this.#byType.clear();
    return traffic;
  }

  handled(_host: Host, envelope: Envelope, request: Request, answer: Answer | null): void {
    if (this.#from !== null && !this.#from.has(envelope.from.address)) return;
    this.#requests += 1;
    this.#byType.set(request.type, (this.#byType.get(request.type) ?? 0) + 1);
    if (!this.#measureBytes) return;
    this.#bytes += JSON.stringify([{ envelope, request }]).length;
    this.#bytes += JSON.stringify([{ answer }]).length;
  }

  answered(): void {}

  unanswered(_host: Host, address: string): void {
    if (this.#network.hosts.has(address)) this.timeoutsOfLiving += 1;
    else this.timeoutsOfDead += 1;
  }
}
