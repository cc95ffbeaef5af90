/**
 * One HTTP server, with the bounds that a public port needs and an end that loses no request.
 *
 * Against slow or endless clients: time limits on headers and whole requests, a limit on headers'
 * size and on connections. Malformed requests get the same JSON errors as all others.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { declaredTooLarge } from "./body.ts";
import { errorBody } from "./errors.ts";

/** Takes the connection of a request that asked for another protocol, or refuses it. */
export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

/** Connections that leave HTTP. They end by themselves, or with the server. */
export interface Upgrades {
  /** Elsewhere a request is answered as if it had not asked. */
  readonly path: string;
  readonly connectionsMax: number;
  readonly handler: UpgradeHandler;
}

export interface HttpServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly connectionsMax: number;
  /** A client that waits for "100 Continue" is refused at once beyond this. */
  readonly bodyBytesMax: number;
  /** In which a request must have come whole; 30 s at least, as large bodies take longer. */
  readonly requestTimeoutMs?: number;
  readonly handler: RequestListener;
  readonly upgrades?: Upgrades;
}

/**
 * Longer than any client here keeps an idle connection, so that it is always the client's to close.
 */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A client that does not take its answer holds that in memory. */
const SILENCE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const IDLE_SWEEP_MS = 20;
const TIMEOUT_CHECK_MS = 1_000;
/** A key of 1,024 bytes is up to 3 KiB in a URL. */
const HEADER_BYTES_MAX = 16 * 1024;

export class HttpServer {
  readonly #server: Server;
  readonly #options: HttpServerOptions;
  readonly #upgraded = new Set<Socket>();
  #closing = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const handler: RequestListener = (request, response) => {
      // A connection that is kept alive would keep a closing server open.
      if (this.#closing) response.setHeader("Connection", "close");
      options.handler(request, response);
    };
    this.#server = createServer(
      {
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: Math.max(options.requestTimeoutMs ?? 0, REQUEST_TIMEOUT_MS),
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
        noDelay: true,
        shouldUpgradeCallback: ({ url }) => url !== undefined && url === options.upgrades?.path,
      },
      handler,
    );
    this.#server.maxConnections = options.connectionsMax;
    // Without a listener for it, Node closes connections that neither send nor take anything.
    this.#server.timeout = SILENCE_TIMEOUT_MS;
    this.#server.on("clientError", answerClientError);
    this.#server.on("upgrade", (request, _stream, head) => this.#upgrade(request, head));
    this.#server.on("checkContinue", (request, response) => {
      if (!declaredTooLarge(request, options.bodyBytesMax)) response.writeContinue();
      handler(request, response);
    });
  }

  /** Resolves with the port; rejects when it is taken. */
  listen(): Promise<number> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /**
   * Accepts nothing more, lets requests in flight finish, and cuts what is left after `graceMs`.
   */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    // A request that was in flight leaves an idle connection behind.
    const sweep = setInterval(() => this.#server.closeIdleConnections(), IDLE_SWEEP_MS);
    const timer = setTimeout(() => {
      this.#server.closeAllConnections();
      for (const socket of this.#upgraded) socket.destroy();
    }, graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(timer);
  }

  #upgrade(request: IncomingMessage, head: Buffer): void {
    const { socket } = request;
    const { upgrades } = this.#options;
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    if (upgrades === undefined || this.#upgraded.size > upgrades.connectionsMax || this.#closing) {
      const message = "the node has as many connections as it takes; try again shortly";
      refuseUpgrade(socket, { status: 503, code: "overloaded", message });
    } else upgrades.handler(request, socket, head);
  }
}

/** Answers, in plain HTTP, a request for another protocol that is not granted. */
export function refuseUpgrade(
  socket: Socket,
  refusal: { readonly status: number; readonly code: string; readonly message: string },
): void {
  const { status, code, message } = refusal;
  // The peer may be gone, and nobody else listens to the bare socket.
  socket.on("error", () => socket.destroy());
  socket.write(answerText(`${status} ${STATUS_CODES[status]}`, errorBody(code, message)));
  socket.destroySoon();
}

interface Malformed {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

const malformed: Readonly<Record<string, Malformed>> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    code: "headers_too_large",
    message: `the request line and headers may have at most ${HEADER_BYTES_MAX} bytes`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    code: "request_timeout",
    message: "the request did not arrive in time",
  },
  HPE_INVALID_EOF_STATE: {
    status: "400 Bad Request",
    code: "incomplete_body",
    message: "the connection ended before the whole request came",
  },
};

function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer that has begun cannot be replaced, and a reset connection takes none.
  const begun = (socket as { _httpMessage?: { headersSent: boolean } })._httpMessage?.headersSent;
  if (error.code === "ECONNRESET" || !socket.writable || begun === true) {
    socket.destroy();
    return;
  }
  const { status, code, message } = malformed[error.code ?? ""] ?? {
    status: "400 Bad Request",
    code: "bad_request",
    message: "the request is not well-formed HTTP",
  };
  socket.end(answerText(status, errorBody(code, message)));
}

/** A whole answer, for a socket that is no HTTP connection any more. */
function answerText(status: string, body: string): string {
  return (
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
