/**
 * One request and how it ended, as a value: an answer, or a failure with what is known of the
 * request. Nothing is repeated here.
 */

export interface Ask {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Below the node's address, such as `v1/kv/alice`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** How long one attempt may take, if not as long as usual. */
  readonly attemptMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** No whole answer came. `sent` is false if the request cannot have reached a node. */
export interface Failure {
  readonly sent: boolean;
  readonly cause: unknown;
}

export type Exchange = Answer | Failure;

/** Codes of errors that come before a connection is there. */
const NOT_CONNECTED: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Bytes that pass in the time of any operation; and the slowest at which more are waited for. */
const USUAL_BYTES = 1024 * 1024;
const BYTES_PER_MS = 1_024;

/** The time that a long value has beside that of any operation. */
export function extraMs(bytes: number): number {
  return Math.max(0, bytes - USUAL_BYTES) / BYTES_PER_MS;
}

/** Never rejects. `base` ends with a slash. An answer that is long has more time. */
export async function exchange(base: string, ask: Ask, timeoutMs: number): Promise<Exchange> {
  const { method, path, headers, body } = ask;
  const patience = new Patience(timeoutMs);
  try {
    const response = await fetch(new URL(path, base), {
      method,
      headers,
      redirect: "error",
      signal: patience.signal,
      ...(body === undefined ? {} : { body }),
    });
    patience.extend(extraMs(Number(response.headers.get("content-length") ?? 0)));
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes };
  } catch (cause) {
    return { sent: !isNotConnected(cause), cause };
  } finally {
    patience.end();
  }
}

/** A time after which its signal aborts, and which can be made longer before. */
class Patience {
  readonly #controller = new AbortController();
  #deadlineMs: number;
  #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#deadlineMs = performance.now() + ms;
    this.#timer = this.#start();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  extend(ms: number): void {
    if (ms === 0) return;
    this.#deadlineMs += ms;
    clearTimeout(this.#timer);
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #start(): NodeJS.Timeout {
    const leftMs = Math.max(1, Math.ceil(this.#deadlineMs - performance.now()));
    return setTimeout(() => this.#controller.abort(new Error("no answer in time")), leftMs);
  }
}

function isNotConnected(error: unknown): boolean {
  const { code, cause, errors } = error as {
    readonly code?: unknown;
    readonly cause?: unknown;
    readonly errors?: unknown;
  };
  if (typeof code === "string" && NOT_CONNECTED.has(code)) return true;
  // A name with several addresses fails with one error for each.
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isNotConnected);
  return typeof cause === "object" && cause !== null && isNotConnected(cause);
}

/** An answer's JSON; null if it has none. */
export function jsonOf({ bytes }: Answer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return null;
  }
}

/** The code and the message of an error answer. */
export function problemOf(answer: Answer): { readonly code: string; readonly message: string } {
  const body = jsonOf(answer) as { error?: { code?: unknown; message?: unknown } } | null;
  const { code, message } = body?.error ?? {};
  return {
    code: typeof code === "string" ? code : "http_error",
    message: typeof message === "string" ? message : `the answer was ${answer.status}`,
  };
}
