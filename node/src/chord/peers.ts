/**
 * Requests to other nodes: the envelope, the check of who answered, the timeout from measured
 * round trips, and the suspicion of peers that do not answer.
 *
 * Invariant: a peer is suspected only after `suspicionProbes` failures in a row that span at
 * least `suspicionMs`; a stall of this very process counts as nobody's failure.
 */
import { ChordError, codeOf } from "./errors.ts";
import type { Answer, Envelope, NodeRef, NodeState, RequestOf, RequestType } from "./messages.ts";
import type { ChordOptions } from "./options.ts";
import type { Ports, Target } from "./ports.ts";
import { refsOf } from "./refs.ts";

/** Peers whose health is remembered; the least recently used ones are forgotten beyond it. */
const healthCountMax = 1024;

interface Health {
  roundTripMs: number | null;
  variationMs: number;
  failures: number;
  /** When the first of these failed probes was sent. */
  firstFailureMs: number;
}

/** How a peer stands, as far as one exchange can tell. */
export type Verdict =
  /** It answered as a member. */
  | "live"
  /** It certainly is no member of this ring at this address. */
  | "gone"
  /** It did not answer: dead, slow or cut off, nobody can tell yet. */
  | "silent"
  /** It is alive, but could not answer this. */
  | "busy";

export class Peers {
  readonly #ports: Pick<Ports, "transport" | "clock" | "hash" | "metrics">;
  readonly #options: ChordOptions;
  readonly #health = new Map<string, Health>();
  /** Who sends: this node and its epoch at the time of the request. */
  readonly #sender: () => { self: NodeRef; epoch: number };
  /** Called when a peer proves that this node's ring has been replaced by a newer one. */
  onNewerEpoch: (epoch: number) => void = () => {};

  constructor(
    ports: Pick<Ports, "transport" | "clock" | "hash" | "metrics">,
    options: ChordOptions,
    sender: () => { self: NodeRef; epoch: number },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#sender = sender;
  }

  /** Sends one request. Rejects with `ChordError`; the health of the peer is updated either way. */
  async call<T extends RequestType>(
    target: NodeRef | Target,
    request: RequestOf<T>,
    timeoutMs = this.timeoutMs(target.address),
  ): Promise<Answer<T>> {
    const { clock, transport, metrics } = this.#ports;
    const { self, epoch } = this.#sender();
    const envelope: Envelope = { ring: this.#options.ring, epoch, from: self, to: target.name };
    const startedMs = clock.now();
    try {
      const answer = await transport.call(
        { address: target.address, name: target.name },
        envelope,
        request,
        timeoutMs,
      );
      this.#verify(target, answer);
      const durationMs = clock.now() - startedMs;
      // Behind the seed's address any node may have answered: the sign of life is that node's.
      this.#succeeded(target.name === null ? answer.self.address : target.address, durationMs);
      metrics.rpc(request.type, durationMs);
      return answer as Answer<T>;
    } catch (error) {
      this.#failed(target.address, error, { startedMs, timeoutMs });
      metrics.rpcFailed(request.type, codeOf(error));
      throw error;
    }
  }

  /** What an error of `call` says about the peer's membership. */
  verdictOn(node: NodeRef, error: unknown): Exclude<Verdict, "live"> {
    switch (codeOf(error)) {
      case "not-member":
      case "wrong-ring":
      case "wrong-node":
      case "forged":
        return "gone";
      case "wrong-epoch":
        // A node of an older ring is no member of this one; a newer ring was reported already.
        return (error as ChordError).epoch === undefined ? "busy" : "gone";
      case "timeout":
      case "unreachable":
        return this.suspected(node) ? "gone" : "silent";
      default:
        return "busy";
    }
  }

  healthy(node: NodeRef): boolean {
    return (this.#health.get(node.address)?.failures ?? 0) === 0;
  }

  suspected(node: NodeRef): boolean {
    const health = this.#health.get(node.address);
    if (health === undefined) return false;
    const silentMs = this.#ports.clock.now() - health.firstFailureMs;
    return (
      health.failures >= this.#options.suspicionProbes && silentMs >= this.#options.suspicionMs
    );
  }

  /** srtt + 4 rttvar within bounds (RFC 6298), doubled for each of the first failures in a row. */
  timeoutMs(address: string): number {
    const { timeoutInitialMs, timeoutMinMs, timeoutMaxMs } = this.#options;
    const health = this.#health.get(address);
    const base =
      health === undefined || health.roundTripMs === null
        ? timeoutInitialMs
        : Math.max(timeoutMinMs, health.roundTripMs + 4 * health.variationMs);
    return Math.min(timeoutMaxMs, base * 2 ** Math.min(health?.failures ?? 0, 2));
  }

  #verify(target: NodeRef | Target, answer: Answer): void {
    for (const node of [answer.self, ...refsOf(answer.reply)]) {
      if (this.#ports.hash.idOf(node.name) === node.id) continue;
      throw new ChordError("forged", `The reply names ${node.name} with an id that is not its own`);
    }
    if (target.name !== null && answer.self.name !== target.name) {
      throw new ChordError("wrong-node", `${answer.self.name} answered instead of ${target.name}`);
    }
  }

  #succeeded(address: string, durationMs: number): void {
    const health = this.#touch(address);
    health.failures = 0;
    if (health.roundTripMs === null) {
      health.roundTripMs = durationMs;
      health.variationMs = durationMs / 2;
      return;
    }
    const deviationMs = Math.abs(health.roundTripMs - durationMs);
    health.variationMs = 0.75 * health.variationMs + 0.25 * deviationMs;
    health.roundTripMs = 0.875 * health.roundTripMs + 0.125 * durationMs;
  }

  #failed(
    address: string,
    error: unknown,
    probe: { readonly startedMs: number; readonly timeoutMs: number },
  ): void {
    const code = codeOf(error);
    const epoch = error instanceof ChordError ? error.epoch : undefined;
    if (code === "wrong-epoch" && epoch !== undefined && epoch > this.#sender().epoch) {
      this.onNewerEpoch(epoch);
    }
    if (code !== "timeout" && code !== "unreachable") return;
    // A timer that fired far too late tells of a stall of this very process, not of the peer.
    if (this.#ports.clock.now() - probe.startedMs > 2 * probe.timeoutMs) return;
    const health = this.#touch(address);
    if (health.failures === 0) health.firstFailureMs = probe.startedMs;
    health.failures += 1;
  }

  #touch(address: string): Health {
    const health = this.#health.get(address) ?? {
      roundTripMs: null,
      variationMs: 0,
      failures: 0,
      firstFailureMs: 0,
    };
    this.#health.delete(address);
    this.#health.set(address, health);
    if (this.#health.size > healthCountMax) {
      const oldest = this.#health.keys().next().value;
      if (oldest !== undefined) this.#health.delete(oldest);
    }
    return health;
  }
}

/** Whether a node in this state takes part in the ring. */
export function inRing(state: NodeState): boolean {
  return state === "member" || state === "leaving";
}
