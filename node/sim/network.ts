/**
 * The virtual network: delays with a tail, losses, repeats, one-way cuts, pauses and dead hosts.
 * A request meets the same `handle` as in production, and the same timeout rules as over HTTP.
 */
import {
  type Answer,
  ChordError,
  type Envelope,
  type Request,
  type Target,
  type Transport,
} from "../src/chord/index.ts";
import type { SeededRandom } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** Rates are probabilities for one message in one direction. */
export interface NetworkFaults {
  lost: number;
  repeated: number;
  /** Messages that take up to `slowMs` instead of about 1 ms. */
  slow: number;
  slowMs: number;
}

export const calmNetwork: NetworkFaults = { lost: 0, repeated: 0, slow: 0, slowMs: 0 };

export interface Host {
  handle(envelope: Envelope, request: Request): Answer;
  /** Virtual time until which the process stands still. */
  pausedUntilMs: number;
}

export class Network {
  faults: NetworkFaults = { ...calmNetwork };
  /** Addresses that cannot send to an address, as "from>to". */
  readonly cuts = new Set<string>();
  readonly hosts = new Map<string, Host>();
  /** Where the seed Service leads just now. */
  resolveSeed: () => string | null = () => null;
  messageCount = 0;
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  transportFrom(from: string): Transport {
    return {
      call: (target, envelope, request, timeoutMs) =>
        this.#call(from, target, { envelope, request }, timeoutMs),
    };
  }

  #call(
    from: string,
    target: Target,
    message: { envelope: Envelope; request: Request },
    timeoutMs: number,
  ): Promise<Answer> {
    const to = target.address === "seed" ? this.resolveSeed() : target.address;
    return new Promise((resolve, reject) => {
      const fail = (code: "timeout" | "unreachable"): void =>
        reject(new ChordError(code, `${from} to ${to ?? "nobody"}`));
      this.#scheduler.after(timeoutMs, () => fail("timeout"));
      if (to === null) {
        fail("unreachable");
      } else if (this.hosts.has(to)) {
        this.#send(from, to, () => this.#deliver(from, to, message, { resolve, reject }));
      } else {
        // A closed port answers at once, unless the way there is cut.
        this.#send(from, to, () => fail("unreachable"));
      }
    });
  }

  #deliver(
    from: string,
    to: string,
    message: { envelope: Envelope; request: Request },
    caller: { resolve: (answer: Answer) => void; reject: (error: unknown) => void },
  ): void {
    const host = this.hosts.get(to);
    if (host === undefined) return;
    const pauseMs = host.pausedUntilMs - this.#scheduler.now();
    if (pauseMs > 0) {
      this.#scheduler.after(pauseMs, () => this.#deliver(from, to, message, caller));
      return;
    }
    try {
      const answer = structuredClone(host.handle(message.envelope, message.request));
      this.#send(to, from, () => caller.resolve(answer));
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      this.#send(to, from, () => caller.reject(error));
    }
  }

  #send(from: string, to: string, arrive: () => void): void {
    const { lost, repeated, slow, slowMs } = this.faults;
    this.messageCount += 1;
    if (this.cuts.has(`${from}>${to}`) || this.#random.chance(lost)) return;
    const times = this.#random.chance(repeated) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      const tailMs = this.#random.chance(slow) ? this.#random.next() * slowMs : 0;
      this.#scheduler.after(0.2 + this.#random.next() + tailMs, arrive);
    }
  }
}
