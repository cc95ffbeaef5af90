/**
 * Who can be reached: every known node is greeted again and again. Any answer is a sign of life, as
 * is its own greeting. This decides on who tries to lead and whom to ask first, never on what is
 * true.
 */
import type { Clock } from "../chord/ports.ts";
import type { ReplicationError } from "./errors.ts";
import type { Introduction, Reply, Request, RequestType } from "./messages.ts";
import type { ReplicationOptions } from "./options.ts";
import type { Network } from "./ports.ts";
import type { Member } from "./view.ts";

/** Failures that are no answer of the peer. */
const unheard: ReadonlySet<string> = new Set(["timeout", "busy", "bad-message", "wrong-ring"]);
const REFUSALS_APART_MS = 100;
/** Of the time between greetings: below 1, so that of two nodes the same one goes on greeting. */
const GREETING_SHARE = 0.75;

interface Peer {
  heardMs: number;
  /** Failed connections since it was last heard of. */
  refusals: number;
  incarnation: string | null;
  api: string;
  able: boolean;
  /** When a connection failed last. */
  refusedMs: number;
  /** When it said that it ends. */
  leftMs: number;
  /** When it last told of itself. */
  metMs: number;
  /** The last request to it had no answer. */
  silent: boolean;
}

export class Peers {
  readonly #network: Network;
  readonly #clock: Clock;
  readonly #options: ReplicationOptions;
  readonly #peers = new Map<string, Peer>();

  constructor(network: Network, clock: Clock, options: ReplicationOptions) {
    this.#network = network;
    this.#clock = clock;
    this.#options = options;
  }

  /** One request. What comes of it tells about the peer, too. */
  async call<T extends RequestType>(
    to: string,
    request: Extract<Request, { readonly type: T }>,
    timeoutMs = this.#options.callTimeoutMs,
  ): Promise<Reply<T>> {
    try {
      const reply = await this.#network.call<T>(to, request, timeoutMs);
      this.#heard(to);
      this.#peer(to).silent = false;
      return reply;
    } catch (error) {
      const { code } = error as ReplicationError;
      if (code === "unreachable" || code === "timeout") this.#peer(to).silent = true;
      if (code === "unreachable") this.#refused(to);
      else if (!unheard.has(code)) this.#heard(to);
      throw error;
    }
  }

  /** It greeted this node. That is no sign of life while it does not answer what it is asked. */
  greetedBy(name: string, introduction: Introduction): void {
    if (!this.#peer(name).silent) this.met(name, introduction);
  }

  /** It told of itself. */
  met(name: string, { incarnation, api, able }: Introduction): void {
    this.#heard(name);
    Object.assign(this.#peer(name), { incarnation, api, able, metMs: this.#clock.now() });
  }

  /** Whether it told of itself so lately that it need not be asked again. */
  metLately(name: string): boolean {
    const { metMs, silent } = this.#peer(name);
    return !silent && this.#clock.now() - metMs < GREETING_SHARE * this.#options.greetMs;
  }

  /** Whether its disk takes writes, as far as it told. */
  able(name: string): boolean {
    return this.#peers.get(name)?.able === true;
  }

  /** Where clients reach the nodes that answered lately. */
  clientAddresses(): readonly { readonly name: string; readonly api: string }[] {
    return [...this.#peers]
      .filter(([name, { api }]) => api !== "" && this.reachable(name))
      .map(([name, { api }]) => ({ name, api }));
  }

  /** It ends now. Answers that it gives yet are no sign of life. */
  left(name: string): void {
    const peer = this.#peer(name);
    peer.heardMs = Number.NEGATIVE_INFINITY;
    peer.leftMs = this.#clock.now();
  }

  /** Whether the node with this name answered lately. */
  reachable(name: string): boolean {
    const peer = this.#peers.get(name);
    if (peer === undefined) return false;
    const silentMs = this.#clock.now() - peer.heardMs;
    // A machine that refuses connections has no such process: there is nothing to wait for.
    const refuses = peer.refusals >= 2 && silentMs > this.#options.greetMs;
    return silentMs <= this.#options.silenceMs && !refuses;
  }

  /** Whether this very member answered lately, and not its successor with another disk. */
  present({ name, incarnation }: Member): boolean {
    return this.reachable(name) && this.#peers.get(name)?.incarnation === incarnation;
  }

  /** The member that answers under this name now; null if nobody does. */
  memberNamed(name: string): Member | null {
    const incarnation = this.#peers.get(name)?.incarnation ?? null;
    return incarnation === null || !this.reachable(name) ? null : { name, incarnation };
  }

  /** Calls that fail together are one failure. */
  #refused(name: string): void {
    const peer = this.#peer(name);
    const nowMs = this.#clock.now();
    if (nowMs - peer.refusedMs < REFUSALS_APART_MS) return;
    peer.refusedMs = nowMs;
    peer.refusals += 1;
  }

  #heard(name: string): void {
    const peer = this.#peer(name);
    const nowMs = this.#clock.now();
    if (nowMs - peer.leftMs < this.#options.silenceMs) return;
    peer.heardMs = nowMs;
    peer.refusals = 0;
  }

  #peer(name: string): Peer {
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      peer = {
        heardMs: never,
        refusals: 0,
        refusedMs: never,
        incarnation: null,
        api: "",
        able: false,
        leftMs: never,
        metMs: never,
        silent: false,
      };
      this.#peers.set(name, peer);
    }
    return peer;
  }
}
