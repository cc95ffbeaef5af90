/**
 * A small API server on loopback, as true as the operator's runtime needs it: resource versions,
 * list and watch with label selectors, server-side apply for one field manager, the status
 * subresource, optimistic locking, owner references. It keeps a log of requests and can be told to
 * misbehave in the ways real ones do.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import { KubeConfig } from "@kubernetes/client-node";
import { sharePool } from "../../src/kube/connection.ts";
import type { KubeObject } from "../../src/kube/kinds.ts";

export interface RequestRecord {
  method: string;
  path: string;
  watch: boolean;
  body: unknown;
}

interface Fault {
  matches: (request: RequestRecord) => boolean;
  status: number | "hang" | "destroy";
  times: number;
  causes: readonly string[];
}

interface Change {
  version: number;
  type: "ADDED" | "MODIFIED" | "DELETED";
  path: string;
  object: Stored;
}

interface Watcher {
  collection: Collection;
  selector: string | null;
  response: ServerResponse;
}

interface Collection {
  root: string;
  namespace: string | undefined;
  plural: string;
}

interface Target extends Collection {
  name: string | undefined;
  subresource: string | undefined;
}

export type Stored = KubeObject & { spec?: Record<string, unknown>; [field: string]: unknown };

/** Group and version, perhaps a namespace, the plural, perhaps a name and a subresource. */
const objectPath = new RegExp(
  "^(/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([^/]+)(?:/([^/]+))?(?:/([^/]+))?$",
);

function parsePath(path: string): Target | undefined {
  const match = objectPath.exec(path);
  if (!match) return undefined;
  const [, root = "", namespace, plural = "", name, subresource] = match;
  return { root, namespace, plural, name, subresource };
}

function storageKey(target: Collection, name: string, namespace: string | undefined): string {
  return [target.root, target.plural, namespace ?? "", name].join("|");
}

function inCollection(key: string, collection: Collection): boolean {
  const [root, plural, namespace] = key.split("|");
  const sameNamespace = collection.namespace === undefined || collection.namespace === namespace;
  return root === collection.root && plural === collection.plural && sameNamespace;
}

function selected(object: KubeObject, selector: string | null): boolean {
  if (!selector) return true;
  const [name = "", value] = selector.split("=");
  const label = object.metadata.labels?.[name];
  return label !== undefined && (value === undefined || value === label);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Server-side apply for one manager: sets what is applied, drops what was applied before only. */
function applyFields(live: unknown, before: unknown, wanted: unknown): unknown {
  if (!isMap(wanted)) return wanted;
  const result: Record<string, unknown> = isMap(live) ? { ...live } : {};
  const old = isMap(before) ? before : {};
  for (const name of Object.keys(old)) {
    if (!(name in wanted)) delete result[name];
  }
  for (const [name, value] of Object.entries(wanted)) {
    result[name] = applyFields(result[name], old[name], value);
  }
  return result;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}

export class FakeApiServer {
  readonly requests: RequestRecord[] = [];
  /** Told of every change, so that fake controllers can react; called after the answer is sent. */
  onChange: (type: Change["type"], plural: string, object: Stored) => void = () => undefined;
  /** What a real API server would add to an object before storing it. */
  defaults: (plural: string, object: Stored) => void = () => undefined;
  /** Connections that clients have opened so far. */
  connections = 0;
  /** While true, watches stay open and say nothing. */
  muted = false;
  readonly #server: Server;
  readonly #objects = new Map<string, Stored>();
  readonly #applied = new Map<string, unknown>();
  readonly #history: Change[] = [];
  readonly #watchers = new Set<Watcher>();
  readonly #faults: Fault[] = [];
  #version = 1;
  #oldestVersion = 0;
  #uid = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        this.#fail(response, 500, "InternalError", String(error));
      });
    });
  }

  async start(): Promise<void> {
    this.#server.on("connection", () => {
      this.connections += 1;
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  kubeConfig(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "fake", server: this.url, skipTLSVerify: true },
      { name: "fake", token: "fake" },
    );
    return sharePool(config);
  }

  /** Requests that would change something in a real API server. */
  writes(): RequestRecord[] {
    return this.requests.filter((request) => request.method !== "GET");
  }

  get openWatches(): number {
    return this.#watchers.size;
  }

  failNext(
    status: Fault["status"],
    matches: Fault["matches"],
    times = 1,
    causes: readonly string[] = [],
  ): void {
    this.#faults.push({ matches, status, times, causes });
  }

  clearFaults(): void {
    this.#faults.length = 0;
  }

  /** Ends every watch: by closing it, or by cutting the connection. */
  endWatches(how: "close" | "cut"): void {
    for (const watcher of this.#watchers) {
      if (how === "close") watcher.response.end();
      else watcher.response.destroy();
    }
    this.#watchers.clear();
  }

  /** Forgets the history, so that watches from earlier versions answer 410. */
  compact(): void {
    this.#oldestVersion = this.#version;
    this.#history.length = 0;
  }

  list(plural: string): Stored[] {
    return [...this.#objects].filter(([key]) => key.split("|")[1] === plural).map(([, o]) => o);
  }

  find(plural: string, name: string): Stored | undefined {
    return this.list(plural).find((object) => object.metadata.name === name);
  }

  /** Creates or replaces an object from outside: a user, or another controller. */
  put(root: string, plural: string, object: Stored): Stored {
    const { name, namespace } = object.metadata;
    return this.#save(storageKey({ root, namespace, plural }, name, namespace), plural, object);
  }

  remove(root: string, plural: string, namespace: string, name: string): void {
    this.#delete(storageKey({ root, namespace, plural }, name, namespace));
  }

  #save(key: string, plural: string, object: Stored): Stored {
    const before = this.#objects.get(key);
    const next: Stored = structuredClone(object);
    this.defaults(plural, next);
    this.#stamp(before, next);
    if (isDeepStrictEqual(before, next)) return next;
    this.#version += 1;
    next.metadata.resourceVersion = String(this.#version);
    this.#objects.set(key, next);
    this.#publish(before ? "MODIFIED" : "ADDED", key, next);
    return next;
  }

  #stamp(before: Stored | undefined, next: Stored): void {
    const old = before?.metadata ?? { uid: `uid-${(this.#uid += 1)}`, generation: 0 };
    const changedSpec = !isDeepStrictEqual(before?.spec, next.spec);
    Object.assign(next.metadata, {
      uid: old.uid,
      creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
      generation: (old.generation ?? 0) + (changedSpec ? 1 : 0),
      resourceVersion: before?.metadata.resourceVersion ?? "0",
    });
  }

  #delete(key: string): void {
    const object = this.#objects.get(key);
    if (!object) return;
    this.#objects.delete(key);
    this.#applied.delete(key);
    this.#version += 1;
    const last = structuredClone(object);
    last.metadata.resourceVersion = String(this.#version);
    this.#publish("DELETED", key, last);
    for (const [childKey, child] of this.#objects) {
      const owners = child.metadata.ownerReferences ?? [];
      const owned = owners.some((owner) => owner.uid === object.metadata.uid);
      if (owned) this.#delete(childKey);
    }
  }

  #publish(type: Change["type"], key: string, object: Stored): void {
    const change: Change = { version: this.#version, type, path: key, object };
    this.#history.push(change);
    for (const watcher of this.#watchers) this.#send(watcher, change);
    const plural = key.split("|")[1] ?? "";
    setImmediate(() => this.onChange(type, plural, structuredClone(object)));
  }

  #send(watcher: Watcher, change: Change): void {
    if (this.muted || !inCollection(change.path, watcher.collection)) return;
    if (!selected(change.object, watcher.selector)) return;
    watcher.response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
  }

  #fault(record: RequestRecord): Fault | undefined {
    const fault = this.#faults.find((entry) => entry.times > 0 && entry.matches(record));
    if (fault) fault.times -= 1;
    return fault;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const watch = url.searchParams.get("watch") === "true";
    const method = request.method ?? "GET";
    const record = { method, path: url.pathname, watch, body: await readBody(request) };
    this.requests.push(record);
    const fault = this.#fault(record);
    if (fault) return this.#misbehave(fault, response);
    const target = parsePath(url.pathname);
    if (!target) return this.#fail(response, 404, "NotFound", "no such path");
    if (watch) return this.#watch(target, url, response);
    this.#route(target, record, { url, response, type: request.headers["content-type"] ?? "" });
  }

  #misbehave(fault: Fault, response: ServerResponse): void {
    if (fault.status === "hang") return;
    if (fault.status === "destroy") {
      response.destroy();
      return;
    }
    const details = { causes: fault.causes.map((reason) => ({ reason })) };
    this.#reply(response, fault.status, { kind: "Status", message: "injected fault", details });
  }

  #route(
    target: Target,
    record: RequestRecord,
    call: { url: URL; response: ServerResponse; type: string },
  ): void {
    const { response, url } = call;
    if (target.name === undefined) {
      if (record.method === "GET") return this.#list(target, url, response);
      return this.#create(target, record.body as Stored, response);
    }
    const key = storageKey(target, target.name, target.namespace);
    const live = this.#objects.get(key);
    const apply = call.type.startsWith("application/apply-patch");
    if (!live && !(apply && target.subresource === undefined)) {
      return this.#fail(response, 404, "NotFound", `${target.plural} "${target.name}" not found`);
    }
    if (record.method === "GET") return this.#reply(response, 200, live);
    if (record.method === "DELETE") {
      this.#delete(key);
      return this.#reply(response, 200, { kind: "Status", status: "Success" });
    }
    if (record.method === "PUT") return this.#replace(key, target, record.body as Stored, response);
    const patched = apply
      ? this.#apply(key, target, live, record.body as Stored)
      : { ...live, ...(record.body as object) };
    this.#reply(response, 200, this.#save(key, target.plural, patched as Stored));
  }

  #apply(key: string, target: Target, live: Stored | undefined, body: Stored): unknown {
    const memory = `${key}|${target.subresource ?? ""}`;
    const before = this.#applied.get(memory);
    this.#applied.set(memory, structuredClone(body));
    const { uid: _uid, ...metadata } = body.metadata;
    if (target.subresource === "status") {
      const old = isMap(before) ? before["status"] : undefined;
      return { ...live, status: applyFields(live?.["status"], old, body["status"]) };
    }
    return applyFields(live, before, { ...body, metadata });
  }

  #create(target: Target, body: Stored, response: ServerResponse): void {
    const key = storageKey(target, body.metadata.name, target.namespace);
    if (this.#objects.has(key)) {
      return this.#fail(response, 409, "AlreadyExists", `${body.metadata.name} already exists`);
    }
    const metadata = { ...body.metadata, namespace: target.namespace ?? "" };
    this.#reply(response, 201, this.#save(key, target.plural, { ...body, metadata }));
  }

  #replace(key: string, target: Target, body: Stored, response: ServerResponse): void {
    const live = this.#objects.get(key);
    if (body.metadata.resourceVersion !== live?.metadata.resourceVersion) {
      return this.#fail(response, 409, "Conflict", "the object has been modified");
    }
    this.#reply(response, 200, this.#save(key, target.plural, body));
  }

  #list(target: Target, url: URL, response: ServerResponse): void {
    const selector = url.searchParams.get("labelSelector");
    const limit = Number(url.searchParams.get("limit") ?? "500");
    const from = Number(url.searchParams.get("continue") ?? "0");
    const found = [...this.#objects]
      .filter(([key, object]) => inCollection(key, target) && selected(object, selector))
      .map(([, object]) => object);
    const rest = from + limit < found.length ? String(from + limit) : "";
    const metadata = { resourceVersion: String(this.#version), continue: rest };
    // Like a real API server, a list leaves kind and apiVersion out of its items.
    const items = found.slice(from, from + limit).map(({ kind: _k, apiVersion: _v, ...o }) => o);
    this.#reply(response, 200, { kind: "List", metadata, items });
  }

  #watch(target: Target, url: URL, response: ServerResponse): void {
    const since = Number(url.searchParams.get("resourceVersion") ?? "0");
    const selector = url.searchParams.get("labelSelector");
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (since < this.#oldestVersion) {
      const object = { kind: "Status", code: 410, reason: "Expired", message: "too old" };
      response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
      return;
    }
    const watcher: Watcher = { collection: target, selector, response };
    for (const change of this.#history) {
      if (change.version > since) this.#send(watcher, change);
    }
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
  }

  #reply(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  #fail(response: ServerResponse, status: number, reason: string, message: string): void {
    this.#reply(response, status, { kind: "Status", status: "Failure", reason, message });
  }
}
