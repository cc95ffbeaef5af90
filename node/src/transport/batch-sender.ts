/**
 * The sending end of a connection between nodes: frames are written into one buffer, which goes out
 * as one WebSocket message when the turn of the event loop is over. The socket holds back who
 * writes faster than the peer reads.
 *
 * The message is written to the stream below the WebSocket, together with its head: ws would hand
 * over head and body apart, which costs more than all else in the small batches of a quiet ring.
 * ws writes its own control frames whole and at once, so that the two never mix.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { BATCH_BYTES } from "./replication-codec.ts";
import { ByteWriter, type Piece } from "./wire-bytes.ts";

/** A WebSocket and the stream below it. */
export interface Connection {
  readonly socket: WebSocket;
  readonly stream: Socket;
}

/** Bytes that wait in the socket; beyond it nothing more is given to it. */
const SOCKET_BYTES_MAX = 1024 * 1024;

/** RFC 6455, section 5.2: the last fragment of a binary message. */
const BINARY_MESSAGE = 0x82;
const MASKED = 0x80;
const LENGTH_IS_U16 = 126;
const LENGTH_IS_U64 = 127;
const HEAD_BYTES_MAX = 14;

export class BatchSender {
  readonly writer = new ByteWriter(HEAD_BYTES_MAX);
  readonly #connection: Connection;
  readonly #masks: boolean;

  /** `drained` is called when the socket has passed on all that it took. */
  constructor(connection: Connection, end: "client" | "server", drained: () => void) {
    this.#connection = connection;
    this.#masks = end === "client";
    connection.stream.on("drain", drained);
  }

  /** Bytes that this process still holds. */
  get heldBytes(): number {
    return this.#connection.stream.writableLength + this.writer.size;
  }

  /** The socket has enough. */
  get isFull(): boolean {
    return this.#connection.stream.writableLength >= SOCKET_BYTES_MAX;
  }

  /** It closes, or is closed: what is sent now is lost. */
  get isEnding(): boolean {
    const { socket } = this.#connection;
    return socket.readyState !== socket.OPEN;
  }

  /** The batch should not grow any more. */
  get isComplete(): boolean {
    return this.writer.size >= BATCH_BYTES;
  }

  /** Sends what was written, if anything; gives how many bytes. */
  send(): number {
    const { writer } = this;
    const { stream } = this.#connection;
    const bytes = writer.size;
    if (bytes === 0) return 0;
    const pieces = writer.takePieces();
    const buffer = writer.take();
    if (!this.isEnding) this.#write(buffer, this.#writeHead(buffer, bytes), pieces);
    // What the system has taken already can be written over.
    if (stream.writableLength === 0) writer.giveBack();
    return bytes;
  }

  #write(buffer: Buffer, start: number, pieces: readonly Piece[]): void {
    const { stream } = this.#connection;
    if (pieces.length === 0) {
      stream.write(buffer.subarray(start));
      return;
    }
    stream.cork();
    let from = start;
    for (const { at, bytes } of pieces) {
      if (at > from) stream.write(buffer.subarray(from, at));
      stream.write(bytes);
      from = at;
    }
    if (from < buffer.length) stream.write(buffer.subarray(from));
    stream.uncork();
  }

  /** Writes the head right before the batch; gives where it begins. */
  #writeHead(buffer: Buffer, bytes: number): number {
    let at = HEAD_BYTES_MAX;
    if (this.#masks) {
      // Masks keep scripts in browsers from writing what a proxy might take for HTTP. There are
      // none here, and a mask of zeros is one that costs nothing.
      at -= 4;
      buffer.fill(0, at, at + 4);
    }
    const mask = this.#masks ? MASKED : 0;
    if (bytes < LENGTH_IS_U16) {
      at -= 2;
      buffer[at + 1] = mask | bytes;
    } else if (bytes <= 0xffff) {
      at -= 4;
      buffer[at + 1] = mask | LENGTH_IS_U16;
      buffer.writeUInt16BE(bytes, at + 2);
    } else {
      at -= 10;
      buffer[at + 1] = mask | LENGTH_IS_U64;
      buffer.writeUInt32BE(0, at + 2);
      buffer.writeUInt32BE(bytes, at + 6);
    }
    buffer[at] = BINARY_MESSAGE;
    return at;
  }
}
