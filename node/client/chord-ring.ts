/**
 * The operations on a ring's keys. Each write has an id of its own, by which the service knows a
 * repetition; each value has a version, which makes compare-and-set and `update` of it.
 */
import { randomInt, randomUUID } from "node:crypto";
import { pause, run } from "./attempts.ts";
import { ChordRingError } from "./errors.ts";
import { type Answer, type Ask, jsonOf, problemOf } from "./exchange.ts";
import { Leaders } from "./leaders.ts";

export interface ChordRingOptions {
  /** Where any node answers: a Service, a port-forward. This or `urls`. */
  readonly url?: string;
  readonly urls?: readonly string[];
  /** Sent as a bearer token, for a proxy in front of the ring. */
  readonly token?: string;
  /**
   * For one operation with all its attempts. Default 5,000. A value above 1 MiB has a second more
   * for each further one.
   */
  readonly timeoutMs?: number;
}

export interface Value {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Names the write that made it. */
  readonly version: string;
  /** When the ring will delete it; null: it stays. */
  readonly expires: Date | null;
}

export type Content = Uint8Array | string;

export interface GetOptions {
  /** A version that the caller has: if it is still the present one, the answer is "unchanged". */
  readonly ifNoneMatch?: string;
  /** `one` asks no majority: it is there when the majority is not, and may be old. */
  readonly consistency?: "one";
}

export interface WriteOptions {
  /** Default: text/plain for a string, application/octet-stream for bytes. */
  readonly contentType?: string;
  /** The version that must be the present one; `*` for any. */
  readonly ifMatch?: string;
  /** A version that must not be the present one; `*` for any: the key must be new. */
  readonly ifNoneMatch?: string;
  /** Seconds until the ring deletes the value, 1 to ten years. Default: it stays. */
  readonly ttl?: number;
  /** Default: a new one for each call. */
  readonly idempotencyKey?: string;
}

export interface Stored {
  readonly version: string;
  readonly created: boolean;
}

export interface ListOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string;
  /** Keys asked for at once, 1 to 1,000, which is the default. */
  readonly pageSize?: number;
}

export interface ListedKey {
  readonly key: string;
  /** Of its value. */
  readonly bytes: number;
}

/** `version` is the one that was made, or the present one that was not as expected. */
export type CompareAndSet =
  | { readonly done: true; readonly version: string }
  | { readonly done: false; readonly version: string | null };

/** Undefined leaves the key as it is. */
type Change = Content | undefined;

const TIMEOUT_DEFAULT_MS = 5_000;
const KEY_BYTES_MAX = 1_024;
const PAGE_SIZE_DEFAULT = 1_000;
/** A page with few keys may cost a question to each partition. */
const PAGE_ATTEMPT_MS = 2_500;
/** Between two rounds of an update that others were faster than. */
const CONTENTION_MAX_MS = 100;

export class ChordRing {
  readonly #leaders: Leaders;
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ url, urls = [], token, timeoutMs = TIMEOUT_DEFAULT_MS }: ChordRingOptions) {
    const given = [...(url === undefined ? [] : [url]), ...urls];
    if (given.length === 0) throw new TypeError("give the address of the ring: url or urls");
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#leaders = new Leaders(given.map(withSlash), this.#headers);
    this.#timeoutMs = timeoutMs;
  }

  /** Null if there is no value. */
  get(key: string, options?: Omit<GetOptions, "ifNoneMatch">): Promise<Value | null>;
  get(key: string, options: GetOptions): Promise<Value | "unchanged" | null>;
  async get(key: string, options: GetOptions = {}): Promise<Value | "unchanged" | null> {
    const { ifNoneMatch, consistency } = options;
    const headers = { ...this.#headers, ...preconditions({ ifNoneMatch }) };
    const query = consistency === undefined ? "" : `?consistency=${consistency}`;
    const ask: Ask = { method: "GET", path: `${pathOf(key)}${query}`, headers };
    const answer = await this.#run(key, ask);
    if (isMissing(answer)) return null;
    if (answer.status === 304) return "unchanged";
    if (answer.status !== 200) throw refused(answer);
    const contentType = answer.headers.get("content-type") ?? "application/octet-stream";
    const expires = expiryOf(answer);
    return { bytes: answer.bytes, contentType, version: versionOf(answer), expires };
  }

  /**
   * All keys that hold something, in the ring's order, a page at a time. One that is there all the
   * while comes once; one that is stored or deleted meanwhile comes or not.
   */
  async *keys(options: ListOptions = {}): AsyncGenerator<ListedKey, void, undefined> {
    const { prefix = "", pageSize = PAGE_SIZE_DEFAULT } = options;
    const query = new URLSearchParams({ prefix, limit: String(pageSize) });
    for (;;) {
      const path = `v1/kv?${query.toString()}`;
      const ask = {
        method: "GET",
        path,
        headers: this.#headers,
        attemptMs: PAGE_ATTEMPT_MS,
      } as const;
      // Any node can list: which partition stands for the request does not matter.
      const answer = await this.#run("", ask);
      if (answer.status !== 200) throw refused(answer);
      const page = pageOf(answer);
      yield* page.keys;
      if (page.cursor === null) return;
      query.set("cursor", page.cursor);
    }
  }

  /** Rejects with `precondition_failed` if a condition does not hold. */
  async put(key: string, content: Content, options: WriteOptions = {}): Promise<Stored> {
    const answer = await this.#put(key, content, options);
    if (answer.status !== 200 && answer.status !== 201) throw refused(answer);
    return { version: versionOf(answer), created: answer.status === 201 };
  }

  /** False if there was no value. Rejects with `precondition_failed` as `put` does. */
  async delete(
    key: string,
    options: Omit<WriteOptions, "contentType" | "ttl"> = {},
  ): Promise<boolean> {
    const headers = this.#writeHeaders(options);
    const answer = await this.#run(key, { method: "DELETE", path: pathOf(key), headers });
    if (answer.status === 204) return true;
    if (isMissing(answer)) return false;
    throw refused(answer);
  }

  /** Stores if the present version is this one; null: if there is no value. */
  async compareAndSet(
    key: string,
    version: string | null,
    content: Content,
    options: Pick<WriteOptions, "contentType" | "idempotencyKey" | "ttl"> = {},
  ): Promise<CompareAndSet> {
    const condition = version === null ? { ifNoneMatch: "*" } : { ifMatch: version };
    const answer = await this.#put(key, content, { ...options, ...condition });
    if (answer.status === 412) {
      const present = answer.headers.get("etag");
      return { done: false, version: present === null ? null : unquoted(present) };
    }
    if (answer.status !== 200 && answer.status !== 201) throw refused(answer);
    return { done: true, version: versionOf(answer) };
  }

  /**
   * Reads, changes, and compares-and-sets, until nobody else was faster. `change` may be called
   * many times; if it returns undefined the key stays as it is. The content type stays, too, while
   * the time to live is the one given here; without one the new value stays for good. Returns the
   * version that it leaves, null for no value.
   */
  async update(
    key: string,
    change: (value: Value | null) => Change | Promise<Change>,
    options: Pick<WriteOptions, "ttl"> = {},
  ): Promise<string | null> {
    for (let round = 0; ; round += 1) {
      const value = await this.get(key);
      const content = await change(value);
      const version = value?.version ?? null;
      if (content === undefined) return version;
      const type = value === null ? {} : { contentType: value.contentType };
      const outcome = await this.compareAndSet(key, version, content, { ...options, ...type });
      if (outcome.done) return outcome.version;
      await pause(randomInt(1 + Math.min(CONTENTION_MAX_MS, 2 ** round)));
    }
  }

  #put(key: string, content: Content, options: WriteOptions): Promise<Answer> {
    const text = typeof content === "string";
    const body = text ? new TextEncoder().encode(content) : new Uint8Array(content);
    const usual = text ? "text/plain; charset=utf-8" : "application/octet-stream";
    const contentType = options.contentType ?? usual;
    const { ttl } = options;
    const headers = {
      ...this.#writeHeaders(options),
      "content-type": contentType,
      ...(ttl === undefined ? {} : { "x-chord-ttl": String(ttl) }),
    };
    return this.#run(key, { method: "PUT", path: pathOf(key), headers, body });
  }

  #writeHeaders(options: WriteOptions): Record<string, string> {
    const idempotencyKey = options.idempotencyKey ?? randomUUID();
    const id = { "idempotency-key": idempotencyKey };
    return { ...this.#headers, ...preconditions(options), ...id };
  }

  #run(key: string, ask: Ask): Promise<Answer> {
    return run(this.#leaders, { key, ask }, this.#timeoutMs);
  }
}

interface Conditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

function preconditions({ ifMatch, ifNoneMatch }: Conditions): Record<string, string> {
  return {
    ...(ifMatch === undefined ? {} : { "if-match": quoted(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { "if-none-match": quoted(ifNoneMatch) }),
  };
}

function quoted(version: string): string {
  return version === "*" ? version : `"${version}"`;
}

function unquoted(tag: string): string {
  return tag.replace(/^(W\/)?"(.*)"$/, "$2");
}

function versionOf(answer: Answer): string {
  const tag = answer.headers.get("etag");
  if (tag === null) throw badAnswer(answer, "has no version");
  return unquoted(tag);
}

interface Page {
  readonly keys: readonly ListedKey[];
  readonly cursor: string | null;
}

function pageOf(answer: Answer): Page {
  const page = jsonOf(answer) as Page | null;
  if (Array.isArray(page?.keys) && page.cursor !== undefined) return page;
  throw badAnswer(answer, "is no list of keys");
}

function badAnswer({ status }: Answer, problem: string): ChordRingError {
  const details = { code: "bad_answer", status, outcome: "unknown" } as const;
  return new ChordRingError(`the answer ${problem}: is this the address of a ring?`, details);
}

function expiryOf(answer: Answer): Date | null {
  const time = answer.headers.get("x-chord-expires");
  return time === null ? null : new Date(time);
}

/** Another 404 than that of a key comes from something that is no ring. */
function isMissing(answer: Answer): boolean {
  return answer.status === 404 && problemOf(answer).code === "not_found";
}

function refused(answer: Answer): ChordRingError {
  const { code, message } = problemOf(answer);
  const { status } = answer;
  return new ChordRingError(message, { code, status, outcome: "nothing-happened" });
}

function withSlash(url: string): string {
  const { href } = new URL(url);
  return href.endsWith("/") ? href : `${href}/`;
}

/** The path of a key. `fetch` shortens paths that end in dots, so it cannot address these two. */
function pathOf(key: string): string {
  const length = new TextEncoder().encode(key).length;
  if (length === 0 || length > KEY_BYTES_MAX) throw badKey(`has ${length} bytes`);
  if (key === "." || key === "..") throw badKey("cannot be addressed with fetch");
  if (!key.isWellFormed()) throw badKey("is no well-formed text");
  return `v1/kv/${encodeURIComponent(key)}`;
}

function badKey(problem: string): ChordRingError {
  const details = { code: "bad_key", status: 0, outcome: "nothing-happened" } as const;
  return new ChordRingError(`a key is 1 to ${KEY_BYTES_MAX} bytes; this one ${problem}`, details);
}
