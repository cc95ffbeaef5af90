/**
 * One client's connection: a request, its answer, the next request. A connection that ends is
 * opened again, and what it waited for has failed.
 */
import { connect, type Socket } from "node:net";
import { ResponseParser } from "./response-parser.ts";

const RECEIVE_BYTES = 16 * 1024;
const RECONNECT_MS = 50;

export interface Owner {
  /** The connection can take a request: it was opened, or its last one was answered. */
  readonly free: (connection: Connection) => void;
  readonly answered: (connection: Connection, parser: ResponseParser) => void;
  readonly failed: (reason: string) => void;
}

export class Connection {
  /** From when the request under way counts; null when there is none. */
  sinceMs: number | null = null;
  readonly #port: number;
  readonly #owner: Owner;
  readonly #parser = new ResponseParser();
  #socket: Socket;
  #closed = false;

  constructor(port: number, owner: Owner) {
    this.#port = port;
    this.#owner = owner;
    this.#socket = this.#open();
  }

  send(request: Buffer, sinceMs: number): void {
    this.sinceMs = sinceMs;
    this.#socket.write(request);
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #open(): Socket {
    const buffer = Buffer.allocUnsafe(RECEIVE_BYTES);
    const callback = (bytes: number): boolean => {
      this.#receive(buffer.toString("latin1", 0, bytes));
      return true;
    };
    // One buffer for all answers, instead of a new one for each.
    const socket = connect({ host: "127.0.0.1", port: this.#port, onread: { buffer, callback } });
    socket.setNoDelay(true);
    socket.on("connect", () => this.#owner.free(this));
    let reason = "the connection was closed";
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("close", () => this.#ended(reason));
    return socket;
  }

  #receive(text: string): void {
    if (this.#closed || !this.#parser.feed(text)) return;
    this.#owner.answered(this, this.#parser);
    this.#parser.clear();
    this.sinceMs = null;
    this.#owner.free(this);
  }

  #ended(reason: string): void {
    if (this.#closed) return;
    if (this.sinceMs !== null) this.#owner.failed(reason);
    this.sinceMs = null;
    this.#parser.clear();
    setTimeout(() => {
      if (!this.#closed) this.#socket = this.#open();
    }, RECONNECT_MS);
  }
}
