/**
 * The serving end of connections between nodes. Each request is handed on by itself and answered
 * when it is ready, in any order; answers that are ready in the same turn of the event loop travel
 * together.
 *
 * Only a node that has the token and belongs to the same ring gets a connection. What it sends is
 * still taken for hostile: bounded in size and number, and checked.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Log } from "../chord/ports.ts";
import { refuseUpgrade, type UpgradeHandler } from "../http/server.ts";
import { ReplicationError } from "../replication/errors.ts";
import type { Reply, Request, RequestType } from "../replication/messages.ts";
import { BatchSender } from "./batch-sender.ts";
import { BatchReader, MESSAGE_BYTES_MAX, writeError, writeReply } from "./replication-codec.ts";
import { answerWeightOf } from "./replication-forms.ts";
import {
  NODE_HEADER,
  REPLICATION_PROTOCOL,
  RING_HEADER,
  tokenCheck,
} from "./replication-handshake.ts";
import { NAME } from "./replication-schemas.ts";

export interface ServerLimits {
  /** Requests of one connection that are being handled; beyond it they are told to come back. */
  readonly requestsMax: number;
  /** Of those requests. One alone may have more. */
  readonly requestBytesMax: number;
  /** Answers that the peer has not taken; beyond it values are not added to them. */
  readonly answerBytesMax: number;
  /** A connection on which nothing arrives for so long is closed: its peer is gone. */
  readonly silenceMs: number;
}

export interface ReplicationServerParts {
  /** This node's name. */
  readonly name: string;
  readonly ringId: string;
  readonly token: string;
  readonly handle: (from: string, request: Request) => Promise<Reply<RequestType>>;
  readonly log: Log;
}

const defaultLimits: ServerLimits = {
  requestsMax: 8_192,
  requestBytesMax: 128 * 1024 * 1024,
  answerBytesMax: 256 * 1024 * 1024,
  silenceMs: 75_000,
};

/** Of each connection in the time of `silenceMs`. */
const SWEEPS_PER_SILENCE = 4;
/** The status with which a WebSocket ends because its server does. */
const GOING_AWAY = 1_001;

export class ReplicationServer {
  readonly #parts: ReplicationServerParts;
  readonly #limits: ServerLimits;
  readonly #authorized: ReturnType<typeof tokenCheck>;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<ServedConnection>();
  readonly #sweep: NodeJS.Timeout;
  #closing = false;

  constructor(parts: ReplicationServerParts, limits: Partial<ServerLimits> = {}) {
    this.#parts = parts;
    this.#limits = { ...defaultLimits, ...limits };
    this.#authorized = tokenCheck(parts.token);
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      handleProtocols: () => REPLICATION_PROTOCOL,
    });
    this.#sockets.on("headers", (headers) => {
      headers.push(`${NODE_HEADER}: ${parts.name}`);
    });
    this.#sweep = setInterval(() => {
      for (const connection of this.#connections) connection.endIfSilent();
    }, this.#limits.silenceMs / SWEEPS_PER_SILENCE);
  }

  /** For the `upgrades` of the peer port's HTTP server. */
  readonly upgrade: UpgradeHandler = (request, socket, head) => {
    const refusal = this.#refusal(request);
    if (refusal !== null) {
      refuseUpgrade(socket, refusal);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      const from = String(request.headers[NODE_HEADER]);
      const connection = new ServedConnection(
        { from, socket: webSocket, stream: socket },
        this.#parts,
        this.#limits,
      );
      this.#connections.add(connection);
      webSocket.once("close", () => this.#connections.delete(connection));
    });
  };

  /** Answers what is being handled, refuses the rest, and cuts what is left after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearInterval(this.#sweep);
    await Promise.all([...this.#connections].map((connection) => connection.close(graceMs)));
  }

  #refusal({ headers }: IncomingMessage): Parameters<typeof refuseUpgrade>[1] | null {
    if (!this.#authorized(headers.authorization)) {
      const message = "the peer port needs the ring's bearer token";
      return { status: 401, code: "unauthorized", message };
    }
    if (headers[RING_HEADER] !== this.#parts.ringId) {
      return { status: 421, code: "wrong-ring", message: "this node belongs to another ring" };
    }
    if (!NAME.test(String(headers[NODE_HEADER] ?? ""))) {
      const message = `${NODE_HEADER} must be the asking node's name`;
      return { status: 400, code: "bad-message", message };
    }
    if (headers["sec-websocket-protocol"] !== REPLICATION_PROTOCOL) {
      const message = `this node speaks ${REPLICATION_PROTOCOL} only`;
      return { status: 400, code: "other-protocol", message };
    }
    if (!this.#closing) return null;
    return { status: 503, code: "stopping", message: "this node stops" };
  }
}

interface Peer {
  readonly from: string;
  readonly socket: WebSocket;
  readonly stream: Socket;
}

class ServedConnection {
  readonly #peer: Peer;
  readonly #parts: ReplicationServerParts;
  readonly #limits: ServerLimits;
  readonly #sender: BatchSender;
  #requests = 0;
  #requestBytes = 0;
  #flushing = false;
  #closing = false;
  #heardBytes = 0;
  #quietSweeps = 0;

  constructor(peer: Peer, parts: ReplicationServerParts, limits: ServerLimits) {
    this.#peer = peer;
    this.#parts = parts;
    this.#limits = limits;
    const { socket, stream } = peer;
    this.#sender = new BatchSender({ socket, stream }, "server", () => this.#resume());
    socket.on("error", (error) => {
      parts.log.warn("a peer's connection failed", { peer: peer.from, reason: error.message });
    });
    socket.on("message", (batch, isBinary) => {
      if (isBinary && Buffer.isBuffer(batch)) this.#receive(batch);
      else socket.terminate();
    });
  }

  /** Called `SWEEPS_PER_SILENCE` times in `silenceMs`. */
  endIfSilent(): void {
    const { stream, socket } = this.#peer;
    this.#quietSweeps = stream.bytesRead === this.#heardBytes ? this.#quietSweeps + 1 : 0;
    this.#heardBytes = stream.bytesRead;
    if (this.#quietSweeps >= SWEEPS_PER_SILENCE) socket.terminate();
  }

  close(graceMs: number): Promise<void> {
    this.#closing = true;
    const { socket } = this.#peer;
    return new Promise((resolve) => {
      const timer = setTimeout(() => socket.terminate(), graceMs);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#endIfDone();
    });
  }

  // --- requests ---------------------------------------------------------------------------------

  #receive(batch: Buffer): void {
    const reader = new BatchReader(batch);
    try {
      while (reader.next()) this.#take(reader);
    } catch (error) {
      const { from, socket } = this.#peer;
      const reason = String(error);
      this.#parts.log.warn("a batch has not the documented form", { peer: from, reason });
      socket.terminate();
    }
    // Who does not take the answers is not asked for more.
    if (this.#sender.isFull) this.#peer.socket.pause();
  }

  #take(reader: BatchReader): void {
    const { correlation, bodyBytes } = reader;
    const refusal = this.#refusal(bodyBytes);
    if (refusal !== null) {
      this.#refuse(correlation, refusal);
      return;
    }
    let request: Request;
    try {
      request = reader.request();
    } catch (error) {
      this.#refuse(correlation, error);
      return;
    }
    this.#requests += 1;
    this.#requestBytes += bodyBytes;
    void this.#answer(correlation, request, bodyBytes);
  }

  #refusal(bodyBytes: number): ReplicationError | null {
    if (this.#closing) return new ReplicationError("busy", "this node stops");
    const { requestsMax, requestBytesMax } = this.#limits;
    const full =
      this.#requests >= requestsMax ||
      (this.#requests > 0 && this.#requestBytes + bodyBytes > requestBytesMax);
    return full ? new ReplicationError("busy", "too many requests are being handled") : null;
  }

  // --- answers ----------------------------------------------------------------------------------

  async #answer(correlation: number, request: Request, bodyBytes: number): Promise<void> {
    const { type } = request;
    try {
      const reply = await this.#parts.handle(this.#peer.from, request);
      this.#reply(correlation, type, reply);
    } catch (error) {
      this.#refuse(correlation, this.#presentable(error, type));
    }
    this.#requests -= 1;
    this.#requestBytes -= bodyBytes;
  }

  /** Only what carries values can be large, and that has changed nothing: it can be asked again. */
  #reply(correlation: number, type: RequestType, reply: Reply<RequestType>): void {
    const weight = answerWeightOf(type, reply);
    if (weight > 0 && this.#sender.heldBytes + weight > this.#limits.answerBytesMax) {
      throw new ReplicationError("busy", "too many answers wait for this node");
    }
    writeReply(this.#sender.writer, { correlation, type }, reply);
    this.#flushSoon();
  }

  #refuse(correlation: number, error: unknown): void {
    writeError(this.#sender.writer, correlation, error as ReplicationError);
    this.#flushSoon();
  }

  /** A refusal is told to the peer, a defect to the log. */
  #presentable(error: unknown, type: RequestType): ReplicationError {
    if (error instanceof ReplicationError) return error;
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.log.warn("a message failed", { type, peer: this.#peer.from, reason });
    return new ReplicationError("internal", "the node failed while handling this message");
  }

  #flushSoon(): void {
    if (this.#sender.isComplete) this.#sender.send();
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    this.#sender.send();
    if (this.#closing) this.#endIfDone();
  };

  #resume(): void {
    const { socket } = this.#peer;
    if (socket.isPaused && !this.#sender.isFull) socket.resume();
  }

  #endIfDone(): void {
    if (this.#requests > 0 || this.#flushing) return;
    this.#peer.socket.close(GOING_AWAY);
  }
}
