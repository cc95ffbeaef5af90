/**
 * Sends a client's operation to the owner of its key, over the same HTTP form as the client used.
 *
 * The one thing that matters here is which failures prove that nothing happened: a connection that
 * could not be made, or an owner that says it is none. After anything else the owner may have
 * acted.
 */
import type { AxiosResponse } from "axios";
import { ChordError, type NodeRef } from "../chord/index.ts";
import { HttpError } from "../http/errors.ts";
import type { Operation, Outcome } from "../kv/operation.ts";
import { formatPreconditions } from "../kv/preconditions.ts";
import type { Owners } from "../kv/router.ts";
import type { PeerHttp } from "./peer-http.ts";
import { mayHaveActed } from "./rpc-client.ts";

/** Carries the ring's identity, as addresses of pods are used again by pods of other rings. */
export const RING_HEADER = "x-chord-ring";

export interface OwnerClientOptions {
  readonly ringId: string;
}

export class OwnerClient implements Owners {
  readonly #http: PeerHttp;
  readonly #ringId: string;

  constructor(http: PeerHttp, options: OwnerClientOptions) {
    this.#http = http;
    this.#ringId = options.ringId;
  }

  async send(owner: NodeRef, operation: Operation, timeoutMs: number): Promise<Outcome> {
    const { key, preconditions } = operation;
    const headers = formatPreconditions(preconditions);
    headers[RING_HEADER] = this.#ringId;
    if (operation.type === "put") headers["content-type"] = operation.content.contentType;
    let response: AxiosResponse<Buffer>;
    try {
      response = await this.#http.request({
        address: owner.address,
        method: methodOf(operation),
        path: `/kv/${encodeURIComponent(key.text)}`,
        timeoutMs: Math.max(1, Math.ceil(timeoutMs)),
        body: operation.type === "put" ? operation.content.bytes : undefined,
        headers,
      });
    } catch (cause) {
      const code = mayHaveActed(cause) ? "timeout" : "unreachable";
      throw new ChordError(code, `${owner.name} did not answer`, { cause });
    }
    return outcomeOf(response, owner);
  }
}

function methodOf(operation: Operation): "GET" | "HEAD" | "PUT" | "DELETE" {
  if (operation.type === "put") return "PUT";
  if (operation.type === "delete") return "DELETE";
  return operation.head ? "HEAD" : "GET";
}

type Headers = Readonly<Record<string, string | undefined>>;

function outcomeOf(response: AxiosResponse<Buffer>, owner: NodeRef): Outcome {
  const { status, data } = response;
  const headers = response.headers as Headers;
  const version = headers["etag"]?.slice(1, -1) ?? "";
  const stored = response.config.method === "put" && (status === 200 || status === 201);
  if (stored) return { type: "stored", version, created: status === 201 };
  if (status === 200) return valueOf(data, version, headers);
  if (status === 412) return { type: "precondition-failed", version: version || null };
  const outcome = emptyOutcome(status, version);
  if (outcome === undefined) throw failureOf(response, owner);
  return outcome;
}

function emptyOutcome(status: number, version: string): Outcome | undefined {
  if (status === 204) return { type: "deleted" };
  if (status === 304) return { type: "not-modified", version };
  return status === 404 ? { type: "not-found" } : undefined;
}

function valueOf(bytes: Buffer, version: string, headers: Headers): Outcome {
  const { "content-type": contentType = "", "content-length": length = bytes.length } = headers;
  return { type: "value", version, contentType, bytes, length: Number(length) };
}

/** A refusal before anything was done lets the caller look again; the rest is the owner's word. */
function failureOf({ status, data }: AxiosResponse<Buffer>, owner: NodeRef): Error {
  const { code, message } = parseError(data);
  if (status === 421) return new ChordError("not-owner", `${owner.name}: ${message}`);
  if (status === 401) return new ChordError("unauthorized", `${owner.name}: ${message}`);
  const headers: Record<string, string> = status === 503 ? { "Retry-After": "1" } : {};
  if (status === 503 || status === 504 || (status >= 400 && status < 500)) {
    return new HttpError(status, code, message, { headers });
  }
  return new HttpError(502, "owner_failed", `the owner of the key failed: ${message}`);
}

function parseError(data: Buffer): { code: string; message: string } {
  try {
    const { error } = JSON.parse(data.toString()) as { error: Record<string, unknown> };
    return { code: String(error["code"]), message: String(error["message"]) };
  } catch {
    return { code: "internal", message: "its answer has not the documented form" };
  }
}
