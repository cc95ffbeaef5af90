/**
 * A server that answers as a test says, request by request, and remembers what it was asked: for
 * errors that a real ring gives rarely.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `reset` breaks the connection, `silence` never answers. */
export type Step = Reply | "reset" | "silence";

const VIEWS = ["/v1/ring", "/v1/partitions"];

export class ScriptedServer {
  /** Requests for keys. */
  readonly received: Received[] = [];
  /** Requests for the map and the view, which the client makes by itself. */
  readonly looks: Received[] = [];
  /** The answers to come for requests for keys; the last one stays. */
  steps: Step[] = [];
  /** Answers to looks by their path; 404 without. */
  readonly views = new Map<string, unknown>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const body = Buffer.concat(chunks).toString();
        this.#answer({ method, url, headers, body }, response);
      });
    });
  }

  static async start(): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    await new Promise<void>((resolve) => {
      scripted.#server.listen(0, "127.0.0.1", resolve);
    });
    return scripted;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.address}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #answer(received: Received, response: ServerResponse): void {
    if (VIEWS.includes(received.url)) {
      this.looks.push(received);
      const view = this.views.get(received.url);
      send(response, view === undefined ? missing : { status: 200, body: JSON.stringify(view) });
      return;
    }
    this.received.push(received);
    const step = (this.steps.length > 1 ? this.steps.shift() : this.steps[0]) ?? missing;
    if (step === "reset") response.destroy();
    else if (step !== "silence") send(response, step);
  }
}

const missing: Reply = error(404, "no_such_route");

export function error(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, headers, body: JSON.stringify({ error: { code, message: `it is ${code}` } }) };
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  response.writeHead(status, headers);
  response.end(body);
}
