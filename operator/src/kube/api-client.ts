/**
 * Requests to the API server, one method a verb, plain JSON in and out.
 *
 * Every request has a deadline, and every refusal becomes an ApiError whose message is the API
 * server's own sentence.
 */
import { HttpMethod, type KubeConfig, RequestContext } from "@kubernetes/client-node";
import { fetch } from "undici";
import { collectionPath, type Kind, type KubeObject, type ObjectKey, objectPath } from "./kinds.ts";

/** A request that takes longer than this has failed, unless the client was made with less. */
const REQUEST_TIMEOUT_MS = 30_000;
const PAGE_SIZE = 500;
const PAGES_MAX = 1_000;

/** The name under which the operator owns the fields it sets. */
export const FIELD_MANAGER = "chordring-operator";

/** A refusal by the API server. */
export class ApiError extends Error {
  readonly status: number;
  /** What was wrong in single words, as far as the API server says. */
  readonly causes: readonly string[];

  constructor(status: number, message: string, causes: readonly string[] = []) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.causes = causes;
  }
}

/** Whether a write failed only because its namespace is being deleted, and the ring with it. */
export function isNamespaceEnding(error: unknown): boolean {
  return error instanceof ApiError && error.causes.includes("NamespaceTerminating");
}

export function isStatus(error: unknown, ...statuses: number[]): boolean {
  return error instanceof ApiError && statuses.includes(error.status);
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
}

interface ListBody<T> {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: T[];
}

interface RequestOptions {
  query?: Record<string, string | undefined>;
  body?: unknown;
  contentType?: string;
}

interface StatusBody {
  message?: string;
  details?: { causes?: { reason?: string }[] };
}

function refusal(status: number, method: string, path: string, text: string): ApiError {
  let body: StatusBody = {};
  try {
    body = JSON.parse(text) as StatusBody;
  } catch {
    body = { message: text.slice(0, 200) };
  }
  const said = body.message || `the API server answered ${status}`;
  const causes = (body.details?.causes ?? []).map((cause) => cause.reason ?? "");
  return new ApiError(status, `${method} ${path}: ${said}`, causes);
}

export class ApiClient {
  readonly #config: KubeConfig;
  readonly #timeoutMs: number;

  constructor(config: KubeConfig, timeoutMs: number = REQUEST_TIMEOUT_MS) {
    this.#config = config;
    this.#timeoutMs = timeoutMs;
  }

  #url(path: string, query: RequestOptions["query"] = {}): URL {
    const cluster = this.#config.getCurrentCluster();
    if (!cluster) {
      throw new Error("no cluster is configured: set KUBECONFIG, or run the operator in a pod");
    }
    const url = new URL(cluster.server + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    return url;
  }

  async #request<T>(method: HttpMethod, path: string, options: RequestOptions = {}): Promise<T> {
    const url = this.#url(path, options.query);
    const context = new RequestContext(url.toString(), method);
    context.setHeaderParam("Accept", "application/json");
    if (options.body !== undefined) {
      context.setHeaderParam("Content-Type", options.contentType ?? "application/json");
    }
    await this.#config.applySecurityAuthentication(context);
    const dispatcher = context.getDispatcher();
    const response = await fetch(url, {
      method,
      headers: context.getHeaders(),
      signal: AbortSignal.timeout(this.#timeoutMs),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
    });
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, method, path, text);
    return JSON.parse(text) as T;
  }

  /** Reads one object; undefined when there is none. */
  async get<T extends KubeObject>(kind: Kind, key: ObjectKey): Promise<T | undefined> {
    try {
      return await this.#request<T>(HttpMethod.GET, objectPath(kind, key));
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** Reads all objects of a kind in all namespaces, page by page. */
  async list<T extends KubeObject>(kind: Kind, labelSelector?: string): Promise<ObjectList<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const body: ListBody<T> = await this.#request(HttpMethod.GET, collectionPath(kind), {
        query: { labelSelector, limit: String(PAGE_SIZE), continue: next },
      });
      items.push(...(body.items ?? []));
      next = body.metadata?.continue || undefined;
      if (next === undefined) {
        return { items, resourceVersion: body.metadata?.resourceVersion ?? "" };
      }
    }
    throw new Error(`listing ${kind.plural} did not end after ${PAGES_MAX} pages`);
  }

  async create<T extends KubeObject>(kind: Kind, object: T): Promise<T> {
    const path = collectionPath(kind, object.metadata.namespace);
    return this.#request<T>(HttpMethod.POST, path, {
      query: { fieldManager: FIELD_MANAGER },
      body: object,
    });
  }

  /** Replaces an object; the API server answers 409 if it changed since it was read. */
  async replace<T extends KubeObject>(kind: Kind, key: ObjectKey, object: T): Promise<T> {
    return this.#request<T>(HttpMethod.PUT, objectPath(kind, key), {
      query: { fieldManager: FIELD_MANAGER },
      body: object,
    });
  }

  /** Server-side apply: sets the fields that `object` names and drops those it no longer names. */
  async apply<T extends KubeObject>(
    kind: Kind,
    object: KubeObject,
    subresource?: "status",
  ): Promise<T> {
    const { name, namespace = "" } = object.metadata;
    const suffix = subresource === undefined ? "" : `/${subresource}`;
    return this.#request<T>(HttpMethod.PATCH, objectPath(kind, { namespace, name }) + suffix, {
      query: { fieldManager: FIELD_MANAGER, force: "true" },
      body: object,
      contentType: "application/apply-patch+yaml",
    });
  }

  async mergePatch<T extends KubeObject>(kind: Kind, key: ObjectKey, patch: unknown): Promise<T> {
    return this.#request<T>(HttpMethod.PATCH, objectPath(kind, key), {
      query: { fieldManager: FIELD_MANAGER },
      body: patch,
      contentType: "application/merge-patch+json",
    });
  }

  /** Deletes an object; one that is gone already counts as deleted. */
  async delete(kind: Kind, key: ObjectKey, uid?: string): Promise<void> {
    try {
      await this.#request(HttpMethod.DELETE, objectPath(kind, key), {
        body: { preconditions: uid === undefined ? {} : { uid } },
      });
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}
