/**
 * HTTP to other nodes' peer ports: one axios instance, the bearer token, pooled connections.
 *
 * Messages of the ring and clients' operations use pools of their own, so that a flood of the one
 * never delays the other. Idle connections are closed here long before the server would do it, or
 * a request could meet a connection that is just being closed.
 */
import axios, { type AxiosInstance, type AxiosResponse } from "axios";
import { Agent } from "undici";
import { undiciAdapter } from "./undici-adapter.ts";

export interface PeerHttpOptions {
  readonly token: string;
  /** Connections to one peer. */
  readonly connections: number;
  readonly responseBytesMax: number;
}

/** Far below the 65 s of the server. */
const IDLE_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 2_000;
const ORIGINS_MAX = 8_192;

export interface PeerRequest {
  readonly address: string;
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE" | "POST";
  readonly path: string;
  readonly timeoutMs: number;
  readonly body?: string | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class PeerHttp {
  readonly #agent: Agent;
  readonly #axios: AxiosInstance;
  readonly #authorization: string;

  constructor(options: PeerHttpOptions) {
    this.#agent = new Agent({
      connections: options.connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      keepAliveMaxTimeout: IDLE_TIMEOUT_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      maxOrigins: ORIGINS_MAX,
    });
    this.#authorization = `Bearer ${options.token}`;
    this.#axios = axios.create({
      adapter: undiciAdapter(this.#agent),
      maxContentLength: options.responseBytesMax,
      // Every status is an answer; its meaning belongs to the caller.
      validateStatus: null,
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
    });
    // axios would send browser-like headers that only cost bytes.
    this.#axios.defaults.headers = { common: {} } as AxiosInstance["defaults"]["headers"];
  }

  /** Rejects with `AxiosError` only when there is no response. */
  request(request: PeerRequest): Promise<AxiosResponse<Buffer>> {
    const { address, method, path, timeoutMs, body, headers, signal } = request;
    return this.#axios.request<Buffer>({
      url: `http://${address}${path}`,
      method,
      timeout: timeoutMs,
      data: body,
      headers: { authorization: this.#authorization, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
