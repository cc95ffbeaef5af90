/**
 * The clients of one server: each with its connection, all drawing from the same keys. In a closed
 * loop a client asks again when it is answered; in an open one the schedule says when to ask.
 */
import type { SeededRandom } from "../../hack/lib/seeded-random.ts";
import type { Arrivals } from "./arrivals.ts";
import { Connection } from "./connection.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { Target } from "./load-job.ts";
import type { ResponseParser } from "./response-parser.ts";

/** A request this old at the end of a turn has failed. */
const UNANSWERED_MS = 2_000;
const FAILURE_TEXT_MAX = 300;

/** What all clients of a turn count together. */
export class Counts {
  readonly latency = new LatencyHistogram();
  readonly lateness = new LatencyHistogram();
  failures = 0;
  forwarded = 0;
  firstFailure: string | null = null;

  fail(reason: string): void {
    this.failures += 1;
    this.firstFailure ??= reason.slice(0, FAILURE_TEXT_MAX);
  }

  clear(): void {
    this.latency.clear();
    this.lateness.clear();
    this.failures = 0;
    this.forwarded = 0;
    this.firstFailure = null;
  }
}

interface ClientsOptions {
  readonly target: Target;
  readonly requests: readonly Buffer[];
  readonly arrivals: Arrivals | null;
  readonly random: SeededRandom;
  readonly counts: Counts;
}

export class Clients {
  readonly #requests: readonly Buffer[];
  readonly #arrivals: Arrivals | null;
  readonly #random: SeededRandom;
  readonly #counts: Counts;
  readonly #connections: readonly Connection[];
  /** What an answer of the asked node itself holds. */
  readonly #ownAnswer: string;
  readonly #free: Connection[] = [];
  /** When a connection last became free after none was: before it nothing could be sent. */
  #freeSinceMs = 0;

  constructor({ target, requests, arrivals, random, counts }: ClientsOptions) {
    this.#requests = requests;
    this.#arrivals = arrivals;
    this.#random = random;
    this.#counts = counts;
    const { port, connections, node } = target;
    this.#ownAnswer = node === undefined ? "" : `\r\nX-Chord-Owner: ${node}\r\n`;
    const owner = {
      free: (connection: Connection): void => this.#next(connection),
      answered: (connection: Connection, parser: ResponseParser): void =>
        this.#count(connection, parser),
      failed: (reason: string): void => counts.fail(reason),
    };
    this.#connections = Array.from({ length: connections }, () => new Connection(port, owner));
  }

  /** Open loop: sends what is due, as far as there are free connections. */
  sendDue(nowMs: number): void {
    for (;;) {
      const connection = this.#free.at(-1);
      if (connection === undefined || this.#arrivals === null) return;
      const scheduledMs = this.#arrivals.take(nowMs);
      if (scheduledMs === undefined) return;
      this.#free.pop();
      this.#counts.lateness.recordMs(nowMs - Math.max(scheduledMs, this.#freeSinceMs));
      connection.send(this.#request(), scheduledMs);
    }
  }

  /** Requests that are due and wait for a connection. */
  waiting(nowMs: number): number {
    return this.#arrivals?.waiting(nowMs) ?? 0;
  }

  /** Ends all connections; what has been under way for long counts as failed. */
  close(nowMs: number): void {
    for (const connection of this.#connections) {
      const { sinceMs } = connection;
      if (sinceMs !== null && nowMs - sinceMs > UNANSWERED_MS) this.#counts.fail("no answer");
      connection.close();
    }
  }

  #next(connection: Connection): void {
    const nowMs = performance.now();
    if (this.#arrivals === null) {
      connection.send(this.#request(), nowMs);
      return;
    }
    if (this.#free.length === 0) this.#freeSinceMs = nowMs;
    this.#free.push(connection);
    this.sendDue(nowMs);
  }

  #count({ sinceMs }: Connection, parser: ResponseParser): void {
    const { status } = parser;
    if (status < 200 || status > 299) {
      this.#counts.fail(parser.text);
      return;
    }
    if (!parser.text.includes(this.#ownAnswer)) this.#counts.forwarded += 1;
    this.#counts.latency.recordMs(performance.now() - (sinceMs ?? 0));
  }

  #request(): Buffer {
    return this.#random.pick(this.#requests);
  }
}
