/**
 * The node's HTTP interface, as the page uses it. Every failure becomes an `ApiError` whose
 * message can be shown as it is: the node's own sentence where it gave one.
 *
 * Addresses are relative to this module, so the page also works behind a path prefix such as that
 * of `kubectl proxy`.
 */

/**
 * @typedef {import("./ring-model.js").View} View
 * @typedef {import("./ring-model.js").Crawl} Crawl
 * @typedef {import("./partition-model.js").PartitionAnswer} PartitionAnswer
 * @typedef {import("./ring-model.js").NodeRef} NodeRef
 * @typedef {"finger" | "walk"} Mode
 * @typedef {{
 *   key: string, id: string, owner: NodeRef, hops: number, timeouts: number, mode: Mode,
 *   path: {node: NodeRef, ms: number}[],
 * }} Lookup
 * @typedef {{
 *   status: number, etag: string | null, owner: string | null, hops: string | null,
 *   contentType: string | null, expires: string | null, bytes: Uint8Array, ms: number,
 * }} ValueAnswer
 */

const ROOT = new URL("../", import.meta.url);
const TIMEOUT_MS = 10_000;

/** A request that did not end well; `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{status: number, code: string, headers?: Headers}} details
   */
  constructor(message, { status, code, headers = new Headers() }) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** @returns {Promise<View>} */
export async function getView() {
  return (await request("v1/ring")).json();
}

/** @returns {Promise<Crawl>} */
export async function crawlRing() {
  return (await request("v1/ring/nodes")).json();
}

/** @returns {Promise<PartitionAnswer>} */
export async function getPartitions() {
  return (await request("v1/partitions")).json();
}

/**
 * @param {string} key
 * @param {Mode} mode
 * @returns {Promise<Lookup>}
 */
export async function lookUp(key, mode) {
  const query = mode === "walk" ? "?mode=walk" : "";
  return (await request(`v1/lookup/${encodeURIComponent(key)}${query}`)).json();
}

/**
 * @param {string} key
 * @param {RequestInit} [init]
 * @returns {Promise<ValueAnswer>}
 */
export async function requestValue(key, init) {
  const startedAt = performance.now();
  const response = await request(`v1/kv/${encodeURIComponent(key)}`, init);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    etag: response.headers.get("etag"),
    owner: response.headers.get("x-chord-owner"),
    hops: response.headers.get("x-chord-hops"),
    contentType: response.headers.get("content-type"),
    expires: response.headers.get("x-chord-expires"),
    bytes,
    ms: performance.now() - startedAt,
  };
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function request(path, init = {}) {
  const response = await fetch(new URL(path, ROOT), {
    ...init,
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((/** @type {unknown} */ cause) => {
    throw noAnswer(cause);
  });
  if (!response.ok) throw await failure(response);
  return response;
}

/** @param {unknown} cause */
function noAnswer(cause) {
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    const seconds = TIMEOUT_MS / 1000;
    return new ApiError(`No answer within ${seconds} s.`, { status: 0, code: "timeout" });
  }
  const message =
    "The node cannot be reached. If this page goes through a port-forward, start it again.";
  return new ApiError(message, { status: 0, code: "unreachable" });
}

/** @param {Response} response */
async function failure(response) {
  const { status, statusText, headers } = response;
  const body = await response.json().catch(() => null);
  const code = String(body?.error?.code ?? "http_error");
  const message = String(body?.error?.message ?? `The node answered ${status} ${statusText}.`);
  return new ApiError(message, { status, code, headers });
}
