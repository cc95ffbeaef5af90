/**
 * The Transport port over HTTP: all messages to one peer within one event-loop turn travel as one
 * POST, because a request costs far more than the message in it.
 *
 * A message keeps its own timeout inside a batch: it rejects on time whatever becomes of the POST,
 * and the POST ends when nobody waits for it any more. No message waits for another one's answer
 * on the far side, as the core answers each at once.
 */
import { AxiosError, type AxiosResponse } from "axios";
import {
  type Answer,
  ChordError,
  type Envelope,
  type Request,
  type RequestType,
  type Target,
  type Transport,
} from "../chord/index.ts";
import { parseResult, parseResults } from "./codec.ts";
import type { PeerHttp } from "./peer-http.ts";

export interface BatchLimits {
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** Messages to one peer that wait or are under way; beyond it callers are told to come back. */
  readonly pendingMax: number;
}

const defaultLimits: BatchLimits = { messagesMax: 64, bytesMax: 256 * 1024, pendingMax: 8_192 };

interface Pending {
  readonly text: string;
  readonly type: RequestType;
  readonly deadlineMs: number;
  readonly settle: (outcome: Answer | ChordError) => void;
  settled: boolean;
}

/** What waits for one peer. It exists only while something does, so peers come and go freely. */
interface Lane {
  queue: Pending[];
  pending: number;
  scheduled: boolean;
}

export class RpcClient implements Transport {
  readonly #http: PeerHttp;
  readonly #limits: BatchLimits;
  readonly #lanes = new Map<string, Lane>();
  #closed = false;

  constructor(http: PeerHttp, limits: Partial<BatchLimits> = {}) {
    this.#http = http;
    this.#limits = { ...defaultLimits, ...limits };
  }

  call(target: Target, envelope: Envelope, request: Request, timeoutMs: number): Promise<Answer> {
    if (this.#closed) return Promise.reject(new ChordError("unreachable", "This node stops"));
    const lane = this.#lane(target.address);
    if (lane.pending >= this.#limits.pendingMax) {
      return Promise.reject(
        new ChordError("busy", `Too many messages wait for ${target.address}; try again`),
      );
    }
    lane.pending += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        pending.settle(new ChordError("timeout", `No answer to ${request.type} in time`));
      }, timeoutMs);
      const pending: Pending = {
        text: JSON.stringify({ envelope, request }),
        type: request.type,
        deadlineMs: performance.now() + timeoutMs,
        settled: false,
        settle: (outcome) => {
          if (pending.settled) return;
          pending.settled = true;
          clearTimeout(timer);
          this.#release(target.address, lane);
          if (outcome instanceof ChordError) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#enqueue(target.address, lane, pending);
    });
  }

  /** What is under way ends by its own timeout; nothing new is sent. */
  close(): void {
    this.#closed = true;
  }

  #lane(address: string): Lane {
    let lane = this.#lanes.get(address);
    if (lane === undefined) {
      lane = { queue: [], pending: 0, scheduled: false };
      this.#lanes.set(address, lane);
    }
    return lane;
  }

  #release(address: string, lane: Lane): void {
    lane.pending -= 1;
    if (lane.pending === 0 && !lane.scheduled) this.#lanes.delete(address);
  }

  #enqueue(address: string, lane: Lane, pending: Pending): void {
    lane.queue.push(pending);
    if (lane.scheduled) return;
    lane.scheduled = true;
    setImmediate(() => {
      lane.scheduled = false;
      const queue = lane.queue.filter((message) => !message.settled);
      lane.queue = [];
      for (const batch of this.#batches(queue)) void this.#post(address, batch);
      if (lane.pending === 0) this.#lanes.delete(address);
    });
  }

  /** Cuts a queue into batches within the limits; a single message always fits the server's. */
  #batches(queue: readonly Pending[]): Pending[][] {
    const batches: Pending[][] = [];
    let bytes = 0;
    for (const message of queue) {
      const batch = batches.at(-1);
      const { messagesMax, bytesMax } = this.#limits;
      const size = message.text.length;
      if (batch === undefined || batch.length >= messagesMax || bytes + size > bytesMax) {
        batches.push([message]);
        bytes = size;
      } else {
        batch.push(message);
        bytes += size;
      }
    }
    return batches;
  }

  async #post(address: string, batch: readonly Pending[]): Promise<void> {
    const lastMs = Math.max(...batch.map((message) => message.deadlineMs));
    try {
      const response = await this.#http.request({
        address,
        method: "POST",
        path: "/rpc",
        body: `[${batch.map((message) => message.text).join(",")}]`,
        headers: { "content-type": "application/json" },
        timeoutMs: Math.max(1, Math.ceil(lastMs - performance.now())),
      });
      this.#distribute(address, batch, response);
    } catch (error) {
      const reason = reasonOf(error, address);
      for (const message of batch) message.settle(reason);
    }
  }

  #distribute(address: string, batch: readonly Pending[], response: AxiosResponse<Buffer>): void {
    if (response.status !== 200) throw refusal(response.status, address);
    const results = parseResults(JSON.parse(response.data.toString()), batch.length);
    if (results === undefined) {
      throw new ChordError("bad-message", `${address} did not answer every message`);
    }
    for (const [index, message] of batch.entries()) {
      try {
        message.settle(parseResult(results[index], message.type));
      } catch (error) {
        message.settle(error as ChordError);
      }
    }
  }
}

/** What the peer server's refusal of a whole request means. */
function refusal(status: number, address: string): ChordError {
  if (status === 401) return new ChordError("unauthorized", `${address} refused the peer token`);
  if (status === 503) return new ChordError("busy", `${address} is overloaded`);
  const code = status >= 400 && status < 500 ? "bad-message" : "internal";
  return new ChordError(code, `${address} answered with status ${status}`);
}

/** Why there was no answer. What may have been sent may have been acted upon. */
export function reasonOf(error: unknown, address: string): ChordError {
  if (error instanceof ChordError) return error;
  if (!(error instanceof AxiosError)) {
    return new ChordError("bad-message", `${address} sent no JSON`, { cause: error });
  }
  if (error.code === AxiosError.ETIMEDOUT) {
    return new ChordError("timeout", `${address} did not answer in time`, { cause: error });
  }
  return new ChordError("unreachable", `${address}: ${error.message}`, { cause: error });
}
