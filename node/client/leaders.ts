/**
 * Who leads which partition, and which nodes can be reached from here.
 *
 * The map is a hint: any node answers every request, so a wrong guess costs a detour. A node's own
 * address is used only after a node there said that it is the one meant, since from outside a
 * cluster the address leads nowhere, or to somebody else. That is found out beside the operations,
 * which never wait for it.
 */
import { createHash } from "node:crypto";
import { type Answer, exchange, jsonOf } from "./exchange.ts";

const REFRESH_MS = 10_000;
/** Between two refreshes for a reason, such as a failure. */
const REFRESH_SOON_MS = 250;
const PROBE_TIMEOUT_MS = 1_000;
/** How long an address is left alone at which a request failed, or nobody was found. */
const AVOID_MS = 5_000;
const AVOID_STRANGER_MS = 30_000;
const LOOK_TIMEOUT_MS = 2_000;

interface PartitionMap {
  readonly addresses: ReadonlyMap<string, string>;
  /** Partition → name; changed by what answers tell. */
  readonly leaders: (string | null)[];
}

/** Where to send an operation. */
export interface Target {
  /** With a slash at its end. */
  readonly base: string;
  /** The node whose own address is used; null for one of the given addresses. */
  readonly node: { readonly name: string; readonly address: string } | null;
}

export class Leaders {
  readonly #urls: readonly string[];
  /** Nodes speak plain HTTP: who came by TLS is not led around it. */
  readonly #direct: boolean;
  readonly #headers: Readonly<Record<string, string>>;
  #map: PartitionMap | null = null;
  #ringName: string | null = null;
  #askedMs = -Infinity;
  #asking = false;
  #turn = 0;
  /** Addresses at which the node of this name answered. */
  readonly #reached = new Map<string, string>();
  /** Address → when it may be tried again. */
  readonly #avoided = new Map<string, number>();

  constructor(urls: readonly string[], headers: Readonly<Record<string, string>>) {
    this.#urls = urls;
    this.#direct = urls.every((url) => url.startsWith("http:"));
    this.#headers = headers;
  }

  /** The leader of the key's partition if it can be reached, else the present one of the urls. */
  target(key: string): Target {
    if (performance.now() - this.#askedMs > REFRESH_MS) void this.#refresh();
    const name = this.#leaderOf(key);
    const address = name === null ? undefined : this.#map?.addresses.get(name);
    if (name !== null && address !== undefined && this.#isReached(name, address)) {
      return { base: `http://${address}/`, node: { name, address } };
    }
    return this.#given();
  }

  /** An answer tells who leads: the next operation goes there. */
  learn(key: string, asked: Target, { headers }: Answer): void {
    const owner = headers.get("x-chord-owner");
    if (owner === null || owner === asked.node?.name || this.#map === null) return;
    const { leaders, addresses } = this.#map;
    const partition = partitionOf(key, leaders.length);
    const known = leaders[partition] === owner && addresses.has(owner);
    leaders[partition] = owner;
    if (!known) this.#refreshSoon();
  }

  /** A request to this target failed: others are asked for a while. */
  failed({ node }: Target): void {
    if (node === null) this.#turn += 1;
    else {
      this.#reached.delete(node.address);
      this.#avoided.set(node.address, performance.now() + AVOID_MS);
    }
    this.#refreshSoon();
  }

  #given(): Target {
    return { base: this.#urls[this.#turn % this.#urls.length] ?? "", node: null };
  }

  #leaderOf(key: string): string | null {
    if (this.#map === null || !this.#direct) return null;
    const { leaders } = this.#map;
    return leaders[partitionOf(key, leaders.length)] ?? null;
  }

  #isReached(name: string, address: string): boolean {
    if (this.#reached.get(address) === name) return true;
    const avoidedUntil = this.#avoided.get(address) ?? -Infinity;
    if (performance.now() < avoidedUntil) return false;
    // One probe at a time: until it is answered, the address counts as not to be reached.
    this.#avoided.set(address, performance.now() + AVOID_STRANGER_MS);
    void this.#probe(name, address);
    return false;
  }

  /** No token goes to an address of which nobody knows who answers there. */
  async #probe(name: string, address: string): Promise<void> {
    const ask = { method: "GET", path: "v1/ring", headers: {} } as const;
    const answer = await exchange(`http://${address}/`, ask, PROBE_TIMEOUT_MS);
    if (!("status" in answer) || answer.status !== 200) return;
    const view = jsonOf(answer) as { ring?: unknown; self?: { name?: unknown } } | null;
    if (view?.self?.name !== name || view.ring !== this.#ringName) return;
    this.#reached.set(address, name);
    this.#avoided.delete(address);
  }

  #refreshSoon(): void {
    if (performance.now() - this.#askedMs > REFRESH_SOON_MS) void this.#refresh();
  }

  async #refresh(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#askedMs = performance.now();
    const target = this.#given();
    if (this.#ringName === null) {
      const view = (await this.#look(target, "v1/ring")) as { ring?: unknown } | null;
      if (typeof view?.ring === "string") this.#ringName = view.ring;
    }
    const map = readMap(await this.#look(target, "v1/partitions"));
    if (map !== null) this.#map = map;
    this.#asking = false;
  }

  async #look(target: Target, path: string): Promise<unknown> {
    const ask = { method: "GET", path, headers: this.#headers } as const;
    const answer = await exchange(target.base, ask, LOOK_TIMEOUT_MS);
    if ("status" in answer) return answer.status === 200 ? jsonOf(answer) : null;
    // The operations find another way by themselves; the next look goes there too.
    if (target.base === this.#given().base) this.#turn += 1;
    return null;
  }
}

/** Null for anything that is no map, such as the answer of a node that has none yet. */
function readMap(body: unknown): PartitionMap | null {
  const { nodes, views } = (body ?? {}) as { readonly nodes?: unknown; readonly views?: unknown };
  if (!Array.isArray(nodes) || !Array.isArray(views) || views.length === 0) return null;
  const addresses = new Map<string, string>();
  for (const { name, api } of nodes as { name?: unknown; api?: unknown }[]) {
    if (typeof name === "string" && typeof api === "string") addresses.set(name, api);
  }
  const leaders = (views as { leader?: unknown }[]).map(({ leader }) =>
    typeof leader === "string" ? leader : null,
  );
  return { addresses, leaders };
}

/** The partition of a key: by the first 32 bits of its SHA-1. */
export function partitionOf(key: string, count: number): number {
  const head = createHash("sha1").update(key, "utf8").digest().readUInt32BE(0);
  return Math.floor((head / 2 ** 32) * count);
}
