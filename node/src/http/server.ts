/**
 * One HTTP server, with the bounds that a public port needs and an end that loses no request.
 *
 * Against slow or endless clients: time limits on headers and whole requests, a limit on headers'
 * size and on connections. Malformed requests get the same JSON errors as all others.
 */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { declaredTooLarge } from "./body.ts";
import { errorBody } from "./errors.ts";

export interface HttpServerOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly connectionsMax: number;
  /** A client that waits for "100 Continue" is refused at once beyond this. */
  readonly bodyBytesMax: number;
  readonly handler: RequestListener;
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
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
        noDelay: true,
      },
      handler,
    );
    this.#server.maxConnections = options.connectionsMax;
    // Without a listener for it, Node closes connections that neither send nor take anything.
    this.#server.timeout = SILENCE_TIMEOUT_MS;
    this.#server.on("clientError", answerClientError);
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
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearInterval(sweep);
    clearTimeout(timer);
  }
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
  const body = errorBody(code, message);
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
