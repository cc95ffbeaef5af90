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

/** Never rejects. `base` ends with a slash. */
export async function exchange(base: string, ask: Ask, timeoutMs: number): Promise<Exchange> {
  const { method, path, headers, body } = ask;
  try {
    const response = await fetch(new URL(path, base), {
      method,
      headers,
      redirect: "error",
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs))),
      ...(body === undefined ? {} : { body }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes };
  } catch (cause) {
    return { sent: !isNotConnected(cause), cause };
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
