/**
 * Calls to the nodes' admin API on the peer port, with the ring's token.
 *
 * A call that fails says nothing about the node's place in the ring: the caller gets an error and
 * must treat the node as unknown, never as absent.
 */
import { Agent } from "node:http";
import axios, { type AxiosInstance, isAxiosError } from "axios";
import { type Crawl, parseCrawl, parseView, type Roster, type View } from "./view.ts";

const CALL_TIMEOUT_MS = 2_000;
/** A node that is asked to leave answers after two seconds, also if it has not left by then. */
const LEAVE_TIMEOUT_MS = 5_000;
/** A crawl visits every node in turn. */
const CRAWL_TIMEOUT_MS = 10_000;
const RESPONSE_SIZE_MAX_BYTES = 4 * 1024 * 1024;

/** Where a node listens, and the token it expects. */
export interface NodeAddress {
  name: string;
  /** `host:port` of the peer port. */
  address: string;
  token: string;
}

/** Whether a node did as asked, or said that it must not: a state of the ring, not a failure. */
export type Consent = "done" | "declined";

/** The admin API as the reconciliation uses it. */
export interface NodeAdmin {
  view(node: NodeAddress): Promise<View>;
  crawl(node: NodeAddress): Promise<Crawl>;
  /** Declined while the node holds data. */
  leave(node: NodeAddress): Promise<Consent>;
  rejoin(node: NodeAddress): Promise<void>;
  /** Declined by a node that knows a newer roster. */
  putRoster(node: NodeAddress, roster: Roster): Promise<Consent>;
}

/** Why a node could not be read, in words that stay the same while the cause does. */
export class NodeUnreadable extends Error {
  /** Whether there was no answer because the connection broke or could not be made. */
  readonly disconnected: boolean;

  constructor(message: string, disconnected: boolean, cause: unknown) {
    super(message, { cause });
    this.name = "NodeUnreadable";
    this.disconnected = disconnected;
  }
}

interface AdminRequest {
  method: "GET" | "POST" | "PUT";
  path: string;
  body?: Roster;
  /** Whether the answer 409 is one of those expected. */
  mayDecline?: boolean;
  timeoutMs?: number;
}

const CONFLICT = 409;
const TIMEOUT_CODES = new Set(["ECONNABORTED", "ERR_CANCELED", "ETIMEDOUT"]);

function unreadable(node: string, error: unknown): NodeUnreadable {
  const failed = (cause: string, disconnected = false): NodeUnreadable =>
    new NodeUnreadable(`${node}: ${cause}`, disconnected, error);
  if (!isAxiosError(error)) return failed(error instanceof Error ? error.message : String(error));
  const status = error.response?.status;
  if (status === 401 || status === 403) return failed("it refuses the ring's token");
  if (status !== undefined) return failed(`it answered ${status}`);
  if (TIMEOUT_CODES.has(error.code ?? "")) return failed("it did not answer in time");
  return failed(`the connection failed (${error.code ?? "unknown cause"})`, true);
}

function consentOf(_body: unknown, status: number): Consent {
  return status === CONFLICT ? "declined" : "done";
}

export class HttpNodeAdmin implements NodeAdmin {
  readonly #http: AxiosInstance;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: 4_000 });

  constructor() {
    this.#http = axios.create({
      httpAgent: this.#agent,
      proxy: false,
      maxRedirects: 0,
      maxContentLength: RESPONSE_SIZE_MAX_BYTES,
      decompress: false,
    });
  }

  async view(node: NodeAddress): Promise<View> {
    return this.#call(node, { method: "GET", path: "/admin/view" }, parseView);
  }

  async crawl(node: NodeAddress): Promise<Crawl> {
    const request = { method: "GET", path: "/admin/ring", timeoutMs: CRAWL_TIMEOUT_MS } as const;
    return this.#call(node, request, parseCrawl);
  }

  async leave(node: NodeAddress): Promise<Consent> {
    const request = { method: "POST", path: "/admin/leave", mayDecline: true } as const;
    return this.#call(node, { ...request, timeoutMs: LEAVE_TIMEOUT_MS }, consentOf);
  }

  async rejoin(node: NodeAddress): Promise<void> {
    await this.#call(node, { method: "POST", path: "/admin/rejoin" }, () => undefined);
  }

  async putRoster(node: NodeAddress, roster: Roster): Promise<Consent> {
    const path = "/admin/roster";
    const request = { method: "PUT", path, body: roster, mayDecline: true } as const;
    return this.#call(node, request, consentOf);
  }

  /** Closes idle connections, so that the process can end. */
  close(): void {
    this.#agent.destroy();
  }

  async #call<T>(
    node: NodeAddress,
    request: AdminRequest,
    parse: (body: unknown, status: number) => T,
  ): Promise<T> {
    const { method, path, body, mayDecline = false, timeoutMs = CALL_TIMEOUT_MS } = request;
    try {
      const response = await this.#http.request<unknown>({
        method,
        url: `http://${node.address}${path}`,
        headers: { authorization: `Bearer ${node.token}` },
        data: body,
        validateStatus: (status) =>
          (status >= 200 && status < 300) || (mayDecline && status === CONFLICT),
        timeout: timeoutMs,
        // The timeout above starts with the connection; this one covers connecting too.
        signal: AbortSignal.timeout(timeoutMs),
      });
      return parse(response.data, response.status);
    } catch (error) {
      throw unreadable(node.name, error);
    }
  }
}
