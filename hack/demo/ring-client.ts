/**
 * A client of the ring's public interface, as any application would be.
 */

export interface NodeReference {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

export interface NodeView {
  readonly self: NodeReference;
  readonly state: string;
  readonly predecessor: NodeReference | null;
  readonly successors: readonly NodeReference[];
  readonly keys: number;
}

export interface RingCrawl {
  readonly nodes: readonly NodeView[];
  readonly ideal: boolean;
}

export interface Lookup {
  readonly id: string;
  readonly owner: NodeReference;
  readonly hops: number;
  readonly path: readonly { readonly node: NodeReference; readonly ms: number }[];
}

export interface StoredValue {
  readonly value: string;
  readonly owner: string;
  readonly version: string;
}

const REQUEST_TIMEOUT_MS = 15_000;

async function request(url: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, {
    ...options,
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  if (response.ok) return response;
  const body = (await response.text()).slice(0, 300);
  throw new Error(`${options.method ?? "GET"} ${url} answered ${response.status}: ${body}`);
}

/** Talks to the ring through one node, or through the Service. */
export class RingClient {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async put(key: string, value: string): Promise<StoredValue> {
    const headers = { "Content-Type": "text/plain; charset=utf-8" };
    const url = `${this.#base}/v1/kv/${encodeURIComponent(key)}`;
    const response = await request(url, { method: "PUT", body: value, headers });
    await response.arrayBuffer();
    return { value, ...said(response) };
  }

  async get(key: string): Promise<StoredValue> {
    const response = await request(`${this.#base}/v1/kv/${encodeURIComponent(key)}`);
    return { value: await response.text(), ...said(response) };
  }

  async lookup(key: string): Promise<Lookup> {
    const response = await request(`${this.#base}/v1/lookup/${encodeURIComponent(key)}`);
    return (await response.json()) as Lookup;
  }

  async crawl(): Promise<RingCrawl> {
    return (await (await request(`${this.#base}/v1/ring/nodes`)).json()) as RingCrawl;
  }
}

function said(response: Response): { owner: string; version: string } {
  return {
    owner: response.headers.get("X-Chord-Owner") ?? "",
    version: response.headers.get("ETag") ?? "",
  };
}
