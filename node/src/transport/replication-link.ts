/**
 * All messages from this node to one peer: what waits to be sent, what waits for an answer, and the
 * connection, which is opened when there is something to send.
 *
 * What it keeps apart is whether the peer may have acted. A message is sent at most once. Until a
 * batch with it was given to the socket it fails as `unreachable`, which proves that nothing
 * happened; from then on only the peer's answer tells, and without one it is a `timeout`.
 *
 * Silence is noticed without the help of the network: while messages wait for answers something
 * must arrive, be it the answer to a ping. Ticks are counted and not milliseconds, so that a pause
 * of this process is not taken for one of the peer.
 */
import { ReplicationError, type ReplicationErrorCode } from "../replication/errors.ts";
import type { Reply, Request, RequestType } from "../replication/messages.ts";
import { BatchSender, type Connection } from "./batch-sender.ts";
import { BATCH_FRAMES_MAX, BatchReader, writeRequest } from "./replication-codec.ts";
import { dial, type Identity } from "./replication-dial.ts";
import { weightOf } from "./replication-forms.ts";

export interface LinkLimits {
  /** Messages that wait, for the connection or for answers; beyond it callers must come back. */
  readonly pendingMax: number;
  /** Of values that wait to be sent. */
  readonly queueBytesMax: number;
  /** For the address, the connection and the peer's consent together. */
  readonly connectTimeoutMs: number;
  /** After a connection could not be made, or did not last, messages fail at once for so long. */
  readonly restMs: number;
  /** A peer that lets nothing be heard for so long while it owes answers is given up. */
  readonly silenceMs: number;
  /** A connection without messages is closed after this. Far below the peer's limit. */
  readonly idleMs: number;
}

export interface LinkParts {
  readonly peer: string;
  readonly identity: Identity;
  readonly resolve: (name: string) => Promise<string | null>;
  readonly limits: LinkLimits;
}

interface Pending {
  /** Dropped once it is sent. */
  request: Request | null;
  readonly type: RequestType;
  readonly weight: number;
  readonly deadlineMs: number;
  readonly resolve: (reply: Reply<RequestType>) => void;
  readonly reject: (error: ReplicationError) => void;
}

/** A connection while it lasts, and what has been seen of it. */
interface Wire {
  readonly connection: Connection;
  readonly sender: BatchSender;
  readonly openedMs: number;
  heardBytes: number;
  /** Sent since something was heard. */
  unheardBytes: number;
  quietTicks: number;
  idleTicks: number;
}

/** Of each link in the time of `silenceMs`. */
export const TICKS_PER_SILENCE = 4;
/** Why nothing is sent any more. */
export const STOPPING = "this node stops";
/** What a network carries at least: a large value that is under way excuses its peer's silence. */
const BYTES_PER_SECOND_MIN = 8 * 1024 * 1024;
/** What a message takes beside its values. */
const MESSAGE_WEIGHT = 256;
/** A connection that ended sooner counts as one that could not be made. */
const SHORT_LIFE_MS = 1_000;

export class ReplicationLink {
  readonly #parts: LinkParts;
  /** Not given to a socket yet. */
  #queue: Pending[] = [];
  #queueBytes = 0;
  /** Given to the socket, by correlation. */
  readonly #sent = new Map<number, Pending>();
  #correlation = 0;
  #wire: Wire | null = null;
  #dialing = false;
  #address: string | null = null;
  #flushing = false;
  /** Why the last connection failed, as long as none is tried. */
  #failure: ReplicationError | null = null;
  #restsUntilMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Nothing waits and nothing is open: it may be forgotten. */
  get isOver(): boolean {
    const waits = this.#queue.length + this.#sent.size > 0 || this.#dialing;
    return !waits && this.#wire === null && performance.now() >= this.#restsUntilMs;
  }

  call(request: Request, timeoutMs: number): Promise<Reply<RequestType>> {
    const nowMs = performance.now();
    const weight = MESSAGE_WEIGHT + weightOf(request);
    const refusal = this.#refusal(weight, nowMs);
    if (refusal !== null) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const deadlineMs = nowMs + timeoutMs;
      this.#queue.push({ request, type: request.type, weight, deadlineMs, resolve, reject });
      this.#queueBytes += weight;
      if (deadlineMs < this.#timerMs) this.#expireAt(deadlineMs, nowMs);
      if (this.#wire !== null) this.#flushSoon();
      else if (!this.#dialing) void this.#connect();
    });
  }

  /** Called `TICKS_PER_SILENCE` times in `silenceMs`. */
  tick(): void {
    const wire = this.#wire;
    if (wire === null) return;
    const { bytesRead } = wire.connection.stream;
    if (bytesRead !== wire.heardBytes) {
      wire.heardBytes = bytesRead;
      wire.unheardBytes = 0;
      wire.quietTicks = 0;
    }
    // A message that timed out is still owed a sign of life.
    const isOwed = wire.unheardBytes > 0 || this.#sent.size > 0 || this.#queue.length > 0;
    if (isOwed) this.#watch(wire);
    else this.#endIfIdle(wire);
  }

  /** Nothing may be asked of it after that. */
  close(): void {
    this.#closed = true;
    this.#wire?.connection.socket.terminate();
    this.#lost(STOPPING);
    clearTimeout(this.#timer);
  }

  // --- what waits -------------------------------------------------------------------------------

  #refusal(weight: number, nowMs: number): ReplicationError | null {
    const { peer, limits } = this.#parts;
    const failed = nowMs < this.#restsUntilMs ? this.#failed() : null;
    if (failed !== null) return failed;
    const full =
      this.#queue.length + this.#sent.size >= limits.pendingMax ||
      (this.#queueBytes > 0 && this.#queueBytes + weight > limits.queueBytesMax);
    return full ? new ReplicationError("busy", `too many messages wait for ${peer}`) : null;
  }

  #expireAt(deadlineMs: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#timerMs = deadlineMs;
    this.#timer = setTimeout(this.#expire, Math.max(1, Math.ceil(deadlineMs - nowMs)));
  }

  /**
   * One timer for all: it is set for the earliest deadline, and most messages are answered before
   * anybody looks.
   */
  readonly #expire = (): void => {
    this.#timerMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [correlation, pending] of this.#sent) {
      if (pending.deadlineMs > nowMs) nextMs = Math.min(nextMs, pending.deadlineMs);
      else {
        this.#sent.delete(correlation);
        pending.reject(this.#error("timeout", `no answer to ${pending.type} in time`));
      }
    }
    const unsent = this.#queue.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    if (unsent.length > 0) this.#drop(unsent, nowMs);
    for (const { deadlineMs } of this.#queue) nextMs = Math.min(nextMs, deadlineMs);
    if (nextMs < Number.POSITIVE_INFINITY) this.#expireAt(nextMs, nowMs);
  };

  #drop(unsent: readonly Pending[], nowMs: number): void {
    this.#queue = this.#queue.filter(({ deadlineMs }) => deadlineMs > nowMs);
    for (const pending of unsent) {
      this.#queueBytes -= pending.weight;
      pending.reject(this.#error("unreachable", `${pending.type} could not be sent in time`));
    }
  }

  // --- sending and receiving --------------------------------------------------------------------

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    const wire = this.#wire;
    if (wire === null) return;
    const { sender } = wire;
    while (this.#queue.length > 0 && !sender.isFull && !sender.isEnding) {
      const count = this.#writeBatch(sender);
      wire.unheardBytes += sender.send();
      this.#queue = count === this.#queue.length ? [] : this.#queue.slice(count);
    }
  };

  /** Gives how many of the queue are done with, be it that they could not be written. */
  #writeBatch(sender: BatchSender): number {
    let count = 0;
    for (const pending of this.#queue) {
      if (sender.isComplete || count === BATCH_FRAMES_MAX) break;
      count += 1;
      this.#queueBytes -= pending.weight;
      this.#write(sender, pending);
    }
    return count;
  }

  #write(sender: BatchSender, pending: Pending): void {
    const { request } = pending;
    this.#correlation = (this.#correlation + 1) >>> 0;
    try {
      if (request !== null) writeRequest(sender.writer, this.#correlation, request);
      this.#sent.set(this.#correlation, pending);
      pending.request = null;
    } catch (error) {
      pending.reject(error as ReplicationError);
    }
  }

  #receive(wire: Wire, batch: Buffer): void {
    const reader = new BatchReader(batch);
    wire.unheardBytes = 0;
    try {
      while (reader.next()) this.#settle(reader);
    } catch {
      // Nobody knows which messages the rest of it answers.
      wire.connection.socket.terminate();
    }
  }

  /** An answer that nobody waits for any more comes too late. */
  #settle(reader: BatchReader): void {
    const pending = this.#sent.get(reader.correlation);
    if (pending === undefined) return;
    this.#sent.delete(reader.correlation);
    try {
      pending.resolve(reader.reply(pending.type));
    } catch (error) {
      pending.reject(error as ReplicationError);
    }
  }

  // --- the connection ---------------------------------------------------------------------------

  async #connect(): Promise<void> {
    this.#dialing = true;
    try {
      const connection = await this.#dial();
      if (this.#closed) connection.socket.terminate();
      else this.#open(connection);
    } catch (error) {
      this.#rest(error as ReplicationError);
      this.#lost("the connection failed");
    } finally {
      this.#dialing = false;
    }
  }

  async #dial(): Promise<Connection> {
    const { peer, identity, limits, resolve } = this.#parts;
    const startedMs = performance.now();
    try {
      this.#address ??= await within(resolve(peer), limits.connectTimeoutMs);
      if (this.#address === null) throw this.#error("unreachable", "its address is not known");
      const timeoutMs = Math.max(1, limits.connectTimeoutMs - (performance.now() - startedMs));
      return await dial(identity, { name: peer, address: this.#address, timeoutMs });
    } catch (error) {
      if (error instanceof ReplicationError) throw error;
      throw this.#error("unreachable", "it cannot be dialed", error);
    }
  }

  #open(connection: Connection): void {
    const { socket, stream } = connection;
    const wire: Wire = {
      connection,
      sender: new BatchSender(connection, "client", () => {
        if (this.#queue.length > 0) this.#flushSoon();
      }),
      openedMs: performance.now(),
      heardBytes: stream.bytesRead,
      unheardBytes: 0,
      quietTicks: 0,
      idleTicks: 0,
    };
    this.#wire = wire;
    this.#failure = null;
    socket.on("message", (batch, isBinary) => {
      if (isBinary && Buffer.isBuffer(batch)) this.#receive(wire, batch);
      else socket.terminate();
    });
    socket.once("close", () => {
      if (this.#wire !== wire) return;
      const error = this.#error("unreachable", "the connection does not last");
      if (performance.now() - wire.openedMs < SHORT_LIFE_MS) this.#rest(error);
      this.#lost("the connection was lost");
    });
    this.#flushSoon();
  }

  /** Nothing will be heard any more of what was sent, and nothing else was sent. */
  #lost(why: string): void {
    const sent = [...this.#sent.values()];
    const queue = this.#queue;
    this.#wire = null;
    this.#address = null;
    this.#sent.clear();
    this.#queue = [];
    this.#queueBytes = 0;
    for (const { reject } of sent) reject(this.#error("timeout", why));
    for (const { reject } of queue) reject(this.#failed() ?? this.#error("unreachable", why));
  }

  /** The reason of the last failure, for a message that shares its fate. */
  #failed(): ReplicationError | null {
    if (this.#failure === null) return null;
    const { code, message } = this.#failure;
    return new ReplicationError(code, message, { cause: this.#failure });
  }

  #rest(failure: ReplicationError): void {
    this.#failure = failure;
    this.#restsUntilMs = performance.now() + this.#parts.limits.restMs;
  }

  #watch(wire: Wire): void {
    const { silenceMs } = this.#parts.limits;
    wire.idleTicks = 0;
    wire.quietTicks += 1;
    const excusedMs = (wire.unheardBytes / BYTES_PER_SECOND_MIN) * 1_000;
    const patience = TICKS_PER_SILENCE + Math.floor((excusedMs / silenceMs) * TICKS_PER_SILENCE);
    if (wire.quietTicks > patience) wire.connection.socket.terminate();
    else if (wire.quietTicks === TICKS_PER_SILENCE / 2) wire.connection.socket.ping();
  }

  #endIfIdle(wire: Wire): void {
    const { idleMs, silenceMs } = this.#parts.limits;
    wire.quietTicks = 0;
    wire.idleTicks += 1;
    if (wire.idleTicks * silenceMs < idleMs * TICKS_PER_SILENCE) return;
    this.#wire = null;
    wire.connection.socket.close();
  }

  #error(code: ReplicationErrorCode, why: string, cause?: unknown): ReplicationError {
    return new ReplicationError(code, `${this.#parts.peer}: ${why}`, { cause });
  }
}

/** Null when it does not come in time. */
function within<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value | null> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(null), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
