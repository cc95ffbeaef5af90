/**
 * The virtual network: delays with a tail, losses, repeats, one-way and partial cuts, slow and
 * paused hosts, dead ones. A request meets the same `handle` as in production, and the same
 * timeout rules as over HTTP.
 *
 * Messages are passed on by reference: they are readonly, and the core never changes one.
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
  /** Of the requests by which a ring is founded, beside `lost`. */
  foundingLost: number;
  repeated: number;
  /** Messages that take up to `tailMs` instead of about 1 ms, and so overtake each other. */
  late: number;
  tailMs: number;
}

export const calmNetwork: NetworkFaults = {
  lost: 0,
  foundingLost: 0,
  repeated: 0,
  late: 0,
  tailMs: 0,
};

export interface Host {
  readonly name: string;
  readonly address: string;
  handle(envelope: Envelope, request: Request): Answer;
  /** Virtual time until which the process stands still. */
  pausedUntilMs: number;
  /** Added to each message that this host sends or gets. */
  slowMs: number;
}

/** Sees the traffic, changes nothing. */
export interface Observer {
  /** A host has answered a request (or refused it: then `answer` is null). */
  handled(host: Host, envelope: Envelope, request: Request, answer: Answer | null): void;
  /** An answer has reached the host that asked. */
  answered(host: Host, request: Request, answer: Answer): void;
  /** A host gave up waiting. */
  unanswered(host: Host, address: string): void;
}

/** A message that is about to leave: a request, or what became of one. */
export interface Message {
  readonly from: Host;
  readonly to: string;
  readonly request: Request;
  /** Null in a request itself. */
  readonly result: Returned | null;
}

interface Call {
  readonly from: Host;
  readonly to: string;
  readonly envelope: Envelope;
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  cancelTimeout: () => void;
  /** It has its outcome; what arrives later is for nobody. */
  done: boolean;
}

export class Network {
  readonly faults: NetworkFaults = { ...calmNetwork };
  readonly hosts = new Map<string, Host>();
  /** Where the seed Service leads just now. */
  resolveSeed: () => string | null = () => null;
  observer: Observer | null = null;
  /** Sees each message first. True keeps it back: `send` then sends it later, again or never. */
  intercept: ((message: Message, send: () => void) => boolean) | null = null;
  /** Addresses that nobody answers for any more, not even with a refusal. */
  readonly silent = new Set<string>();
  messageCount = 0;
  /** Names whose messages do not reach a name: from → to → until which virtual time. */
  readonly #cuts = new Map<string, Map<string, number>>();
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  transportFrom(from: Host): Transport {
    return {
      call: (target, envelope, request, timeoutMs) =>
        new Promise((resolve, reject) => {
          const to = this.#resolve(target);
          const call = { from, to, envelope, request, resolve, reject, done: false };
          this.#start({ ...call, cancelTimeout: () => {} }, timeoutMs);
        }),
    };
  }

  /** Cuts the way from one name to another for a time, whatever their addresses then are. */
  cut(from: string, to: string, ms: number): void {
    const ways = this.#cuts.get(from) ?? new Map<string, number>();
    this.#cuts.set(from, ways);
    ways.set(to, Math.max(ways.get(to) ?? 0, this.#scheduler.now() + ms));
  }

  heal(): void {
    this.#cuts.clear();
  }

  #isCut(from: Host, to: Host | undefined): boolean {
    if (this.#cuts.size === 0 || to === undefined) return false;
    return (this.#cuts.get(from.name)?.get(to.name) ?? 0) > this.#scheduler.now();
  }

  #resolve(target: Target): string {
    return target.address === "seed" ? (this.resolveSeed() ?? "nobody") : target.address;
  }

  #start(call: Call, timeoutMs: number): void {
    const { from, to, request } = call;
    if (this.hosts.get(from.address) !== from) return;
    call.cancelTimeout = this.#scheduler.after(timeoutMs, () => this.#timeOut(call));
    const founding = request.type === "prepare" || request.type === "start";
    if (founding && this.#happens(this.faults.foundingLost)) return;
    const host = this.hosts.get(to);
    const message = { from, to, request, result: null };
    if (host !== undefined) {
      this.#offer(message, () => this.#deliver(call, host));
    } else if (!this.silent.has(to)) {
      // A closed port answers at once, unless the way there is cut.
      this.#offer(message, () => this.#return(call, { error: "unreachable" }));
    }
  }

  #timeOut(call: Call): void {
    const pauseMs = call.from.pausedUntilMs - this.#scheduler.now();
    if (pauseMs > 0) {
      call.cancelTimeout = this.#scheduler.after(pauseMs, () => this.#timeOut(call));
      return;
    }
    if (call.done || this.hosts.get(call.from.address) !== call.from) return;
    call.done = true;
    this.observer?.unanswered(call.from, call.to);
    call.reject(new ChordError("timeout", `${call.from.address} to ${call.to}`));
  }

  #deliver(call: Call, host: Host): void {
    if (this.hosts.get(call.to) !== host) return;
    const pauseMs = host.pausedUntilMs - this.#scheduler.now();
    if (pauseMs > 0) {
      this.#scheduler.after(pauseMs, () => this.#deliver(call, host));
      return;
    }
    let result: Returned;
    try {
      result = { answer: host.handle(call.envelope, call.request) };
    } catch (error) {
      if (!(error instanceof ChordError)) throw error;
      result = { error };
    }
    this.observer?.handled(host, call.envelope, call.request, result.answer ?? null);
    const message = { from: host, to: call.from.address, request: call.request, result };
    this.#offer(message, () => this.#return(call, result));
  }

  #return(call: Call, result: Returned): void {
    const { from } = call;
    if (call.done || this.hosts.get(from.address) !== from) return;
    const pauseMs = from.pausedUntilMs - this.#scheduler.now();
    if (pauseMs > 0) {
      this.#scheduler.after(pauseMs, () => this.#return(call, result));
      return;
    }
    call.cancelTimeout();
    call.done = true;
    if (result.answer !== undefined) {
      this.observer?.answered(from, call.request, result.answer);
      call.resolve(result.answer);
      return;
    }
    if (result.error === "unreachable") {
      this.observer?.unanswered(from, call.to);
      call.reject(new ChordError("unreachable", `${from.address} to ${call.to}`));
      return;
    }
    call.reject(result.error);
  }

  #offer(message: Message, arrive: () => void): void {
    const { from, to } = message;
    const send = (): void => this.#send(from, to, arrive);
    if (this.intercept?.(message, send) !== true) send();
  }

  #send(from: Host, to: string, arrive: () => void): void {
    const { lost, repeated, late, tailMs } = this.faults;
    this.messageCount += 1;
    const receiver = this.hosts.get(to);
    if (this.#isCut(from, receiver) || this.#happens(lost)) return;
    const times = this.#happens(repeated) ? 2 : 1;
    const slowMs = from.slowMs + (receiver?.slowMs ?? 0);
    for (let i = 0; i < times; i++) {
      const lateMs = this.#happens(late) ? this.#random.next() * tailMs : 0;
      this.#scheduler.after(0.2 + this.#random.next() + slowMs + lateMs, arrive);
    }
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#random.chance(rate);
  }
}

export type Returned =
  | { readonly answer: Answer; readonly error?: undefined }
  | { readonly error: ChordError | "unreachable"; readonly answer?: undefined };
