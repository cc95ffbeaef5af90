/**
 * The virtual network between the data layers of a ring's nodes: delays with a tail, losses,
 * repeats, cuts in one direction, hosts that are slow, paused or gone. Names are resolved at once.
 *
 * A request may arrive twice, but an operation of a client may not: the entry node trusts the
 * connection not to repeat what it was given once, as TCP does.
 */
import {
  type Network as NetworkPort,
  type Reply,
  ReplicationError,
  type Request,
  type RequestType,
} from "../../src/replication/index.ts";
import type { SeededRandom } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";

/** Rates are probabilities for one message in one direction. */
export interface NetworkFaults {
  lost: number;
  repeated: number;
  /** Messages that take up to `tailMs` instead of about 1 ms, and so overtake each other. */
  late: number;
  tailMs: number;
}

export const calmNetwork: NetworkFaults = { lost: 0, repeated: 0, late: 0, tailMs: 0 };

/** A process as the network sees it. */
export interface Host {
  readonly name: string;
  /** Added to each message that it sends or gets. */
  readonly slowMs: number;
  /** Runs something in the process: later if it is paused, never if it has ended. */
  run(action: () => void): void;
  handle(from: string, request: Request): Promise<Reply<RequestType>>;
}

interface Call {
  readonly from: Host;
  readonly to: string;
  readonly request: Request;
  readonly resolve: (reply: Reply<RequestType>) => void;
  readonly reject: (error: ReplicationError) => void;
  cancelTimeout: () => void;
  /** It has its outcome; what arrives later is for nobody. */
  done: boolean;
}

export class Network {
  readonly faults: NetworkFaults = { ...calmNetwork };
  readonly hosts = new Map<string, Host>();
  /** Names that, while no process has them, answer nothing, not even with a refusal. */
  readonly silent = new Set<string>();
  /** Something went wrong in a node that no fault explains. */
  onDefect: (error: unknown) => void = () => {};
  /** Names whose messages do not reach a name: from → to → until which virtual time. */
  readonly #cuts = new Map<string, Map<string, number>>();
  readonly #scheduler: Scheduler;
  readonly #random: SeededRandom;

  constructor(scheduler: Scheduler, random: SeededRandom) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  portOf(from: Host): NetworkPort {
    return {
      call: (to: string, request: Request, timeoutMs: number) =>
        new Promise((resolve, reject) => {
          const call = { from, to, request, resolve, reject, done: false };
          this.#start({ ...call, cancelTimeout: () => {} }, timeoutMs);
        }),
    };
  }

  /** Cuts the way from one name to another for a time, whichever process then has it. */
  cut(from: string, to: string, ms: number): void {
    const ways = this.#cuts.get(from) ?? new Map<string, number>();
    this.#cuts.set(from, ways);
    ways.set(to, Math.max(ways.get(to) ?? 0, this.#scheduler.now() + ms));
  }

  heal(): void {
    this.#cuts.clear();
  }

  #isCut(from: string, to: string): boolean {
    if (this.#cuts.size === 0) return false;
    return (this.#cuts.get(from)?.get(to) ?? 0) > this.#scheduler.now();
  }

  #start(call: Call, timeoutMs: number): void {
    const { from, to, request } = call;
    call.cancelTimeout = this.#scheduler.after(timeoutMs, () =>
      from.run(() => this.#fail(call, new ReplicationError("timeout", `${from.name} to ${to}`))),
    );
    const host = this.hosts.get(to);
    const repeatable = request.type !== "operate";
    if (host !== undefined) {
      this.#send(from, to, () => host.run(() => this.#deliver(call, host)), repeatable);
    } else if (!this.silent.has(to)) {
      const refusal = new ReplicationError("unreachable", `${from.name} to ${to}`);
      // A closed port answers at once, unless the way there is cut.
      this.#send(from, to, () => from.run(() => this.#fail(call, refusal)));
    }
  }

  #deliver(call: Call, host: Host): void {
    const { from, request } = call;
    const back = (arrive: () => void): void =>
      this.#send(host, from.name, () => from.run(arrive), false);
    host.handle(from.name, request).then(
      (reply) => back(() => this.#resolve(call, reply)),
      (error: unknown) => {
        const told = error instanceof ReplicationError ? error : this.#internal(error);
        back(() => this.#fail(call, told));
      },
    );
  }

  #internal(error: unknown): ReplicationError {
    this.onDefect(error);
    return new ReplicationError("internal", "the node failed while handling this message");
  }

  #resolve(call: Call, reply: Reply<RequestType>): void {
    if (call.done) return;
    call.done = true;
    call.cancelTimeout();
    call.resolve(reply);
  }

  #fail(call: Call, error: ReplicationError): void {
    if (call.done) return;
    call.done = true;
    call.cancelTimeout();
    call.reject(error);
  }

  #send(from: Host, to: string, arrive: () => void, repeatable = false): void {
    const { lost, repeated, late, tailMs } = this.faults;
    if (this.#isCut(from.name, to) || this.#happens(lost)) return;
    const times = repeatable && this.#happens(repeated) ? 2 : 1;
    const slowMs = from.slowMs + (this.hosts.get(to)?.slowMs ?? 0);
    for (let i = 0; i < times; i++) {
      const lateMs = this.#happens(late) ? this.#random.next() * tailMs : 0;
      this.#scheduler.after(0.2 + this.#random.next() + slowMs + lateMs, arrive);
    }
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#random.chance(rate);
  }
}
