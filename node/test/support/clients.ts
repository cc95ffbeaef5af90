/** Clients for integration tests: fetch for what is well-formed, a bare socket for what is not. */
import { connect } from "node:net";
import type { LocalNode } from "../../../hack/lib/local-ring.ts";

const TIMEOUT_MS = 15_000;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** One request; redirects are not followed. */
export async function ask(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, {
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...init,
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

export function keyUrl(node: LocalNode, key: string): string {
  return `${node.api}/v1/kv/${encodeURIComponent(key)}`;
}

export function put(
  node: LocalNode,
  key: string,
  value: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return ask(keyUrl(node, key), { method: "PUT", body: value, headers });
}

export function get(
  node: LocalNode,
  key: string,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return ask(keyUrl(node, key), { headers });
}

/** The body as JSON, with fields still to be checked. */
export function json(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.bytes.toString()) as Record<string, unknown>;
}

/** The code of an error in the documented form; anything else is the empty text. */
export function errorCode(reply: Reply): string {
  const { error } = json(reply) as { error?: { code?: unknown; message?: unknown } };
  return typeof error?.code === "string" && typeof error.message === "string" ? error.code : "";
}

export interface RawExchange {
  readonly port: number;
  /** Sent piece by piece. */
  readonly pieces: readonly (string | Uint8Array)[];
  /** Closes this side after the last piece, as a client that stops in the middle. */
  readonly halfClose?: boolean;
}

/** Sends bytes as they are; resolves with everything that came until the server closed. */
export function exchange({ port, pieces, halfClose = false }: RawExchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      for (const piece of pieces) socket.write(piece);
      if (halfClose) socket.end();
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error("the server said nothing more")));
    socket.on("data", (chunk) => chunks.push(chunk));
    // The server may close while the rest is still being sent; what it said before counts.
    socket.on("error", (error) => {
      if (chunks.length === 0) reject(error);
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
  });
}

/** Sends bytes and goes away without waiting for anything. */
export function sendAndVanish(port: number, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.write(bytes, () => socket.resetAndDestroy());
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}
