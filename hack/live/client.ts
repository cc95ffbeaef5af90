/**
 * One request to a node, and how it ended. Connections are kept and never shared by two requests
 * at once; nothing is ever sent twice.
 */
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import type { Invocation } from "./history.ts";
import type { Exchange } from "./outcome.ts";
import { bodyOf } from "./values.ts";

/** Where a node answers clients. */
export interface Target {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type Asked = Omit<Invocation, "process" | "node">;

const methods = { get: "GET", put: "PUT", delete: "DELETE" } as const;

export class Client {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects: whatever happens is an exchange. */
  send(target: Target, asked: Asked): Promise<Exchange> {
    return new Promise((resolve) => {
      const request = httpRequest({
        host: target.host,
        port: target.port,
        agent: this.#agent,
        method: methods[asked.kind],
        path: `/v1/kv/${encodeURIComponent(asked.key)}`,
        headers: headersOf(asked),
      });
      let settled = false;
      // Nothing leaves before there is a connection.
      let connected = false;
      const settle = (exchange: Exchange): void => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        resolve(exchange);
        if ("failure" in exchange) request.destroy();
      };
      const timer = setTimeout(() => {
        const detail = `no answer in ${this.#timeoutMs} ms`;
        settle({ failure: connected ? "timeout" : "not sent", detail });
      }, this.#timeoutMs);
      const lost = (error: NodeJS.ErrnoException): void => {
        settle({ failure: connected ? "lost" : "not sent", detail: error.code ?? error.message });
      };
      request.on("socket", (socket) => {
        connected = !socket.connecting;
        if (connected) return;
        socket.once("connect", () => {
          connected = true;
        });
      });
      request.on("error", lost);
      request.on("response", (response) => void read(response).then(settle, lost));
      request.end(asked.value === undefined ? undefined : bodyOf(asked.value));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function headersOf(asked: Asked): Record<string, string> {
  return {
    ...(asked.kind === "put" ? { "Content-Type": "text/plain" } : {}),
    ...(asked.ifMatch === undefined ? {} : { "If-Match": asked.ifMatch }),
    ...(asked.ifNoneMatch === undefined ? {} : { "If-None-Match": asked.ifNoneMatch }),
    ...(asked.idempotencyKey === undefined ? {} : { "Idempotency-Key": asked.idempotencyKey }),
  };
}

async function read(response: IncomingMessage): Promise<Exchange> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { statusCode = 0, headers } = response;
  const owner = headers["x-chord-owner"]?.toString();
  return { status: statusCode, etag: headers.etag, owner, body: Buffer.concat(chunks) };
}
