/**
 * HTTP as bytes: paths go out exactly as given, because a URL parser would fold the very keys that
 * the tests are about, and bodies come back as they came.
 */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Exchange {
  readonly method?: string;
  /** The raw request target, percent-encoded by the caller. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const TIMEOUT_DEFAULT_MS = 10_000;
const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 30_000 });

/** One request and its whole reply. A kept connection that the server closed is replaced once. */
export async function exchange(endpoint: Endpoint, asked: Exchange): Promise<Reply> {
  try {
    return await attempt(endpoint, asked);
  } catch (error) {
    if (error instanceof StaleConnection) return await attempt(endpoint, asked);
    throw error;
  }
}

/** A kept connection was closed before it carried anything of the reply. */
class StaleConnection extends Error {}

function attempt(endpoint: Endpoint, asked: Exchange): Promise<Reply> {
  const { method = "GET", path, headers = {}, body, timeoutMs = TIMEOUT_DEFAULT_MS } = asked;
  const what = `${method} http://${endpoint.host}:${endpoint.port}${path.slice(0, 120)}`;
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...endpoint, method, path, headers, agent }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.once("error", reject);
      incoming.once("end", () => {
        clearTimeout(timer);
        const status = incoming.statusCode ?? 0;
        resolve({ status, headers: incoming.headers, body: Buffer.concat(chunks) });
      });
    });
    const timer = setTimeout(() => {
      outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    outgoing.once("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const stale = outgoing.reusedSocket && cause.code === "ECONNRESET";
      reject(stale ? new StaleConnection() : new Error(`${what}: ${cause.message}`, { cause }));
    });
    outgoing.end(body);
  });
}

/** The parsed JSON of a reply with status 200; anything else is an error that shows the reply. */
export async function getJson<T>(endpoint: Endpoint, path: string, timeoutMs?: number): Promise<T> {
  const asked = timeoutMs === undefined ? { path } : { path, timeoutMs };
  const reply = await exchange(endpoint, asked);
  if (reply.status !== 200) {
    throw new Error(`GET ${path} answered ${reply.status}: ${reply.body.toString().slice(0, 300)}`);
  }
  return JSON.parse(reply.body.toString()) as T;
}
