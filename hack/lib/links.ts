/**
 * The links between the nodes of a local ring, one for each ordered pair, as TCP proxies of this
 * process: a link can be silent, slow or refused in each direction alone, and be healed again.
 *
 * A node's outgoing connections go through its links by link-hook.ts, which runs in the node's
 * process before its own code; addresses stay what they are, and clients are not affected.
 *
 * What is sent into a silent direction is kept and arrives once it is healed, as TCP's repetitions
 * would, late and in order; an opened connection that is silent looks like one whose packets are
 * lost. The order of bytes within a connection never changes.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const HOST = "127.0.0.1";
/** Beyond this many kept bytes a connection is read no further, as a full window would do. */
const KEPT_BYTES_MAX = 1024 * 1024;

export interface LinkCondition {
  /** `refused`: connections that use this direction are reset, and new ones too. */
  readonly state: "open" | "silent" | "refused";
  /** How much later everything arrives. */
  readonly delayMs: number;
}

const healthy: LinkCondition = { state: "open", delayMs: 0 };

export class Links {
  readonly #nodes: number;
  /** By `from * nodes + to`. */
  readonly #conditions: LinkCondition[];
  readonly #tunnels = new Map<number, Set<Tunnel>>();
  readonly #servers: Server[] = [];
  /** By the dialling node: the peer port that it dials, and where the link to it begins. */
  readonly #detours: [port: number, linkPort: number][][];

  private constructor(nodes: number) {
    this.#nodes = nodes;
    this.#conditions = Array.from({ length: nodes * nodes }, () => healthy);
    this.#detours = Array.from({ length: nodes }, () => []);
  }

  /** Opens the links between nodes with these peer ports. */
  static async open(peerPorts: readonly number[]): Promise<Links> {
    const links = new Links(peerPorts.length);
    for (const from of peerPorts.keys()) {
      for (const [to, port] of peerPorts.entries()) {
        if (from !== to) await links.#listen(from, to, port);
      }
    }
    return links;
  }

  /** The module that node number `from` has to import before anything else. */
  importOf(from: number): string {
    const url = pathToFileURL(join(import.meta.dirname, "link-hook.ts"));
    url.searchParams.set("detours", JSON.stringify(this.#detours[from] ?? []));
    return url.href;
  }

  /** What becomes of everything that `from` sends to `to`, requests and answers. */
  set(from: number, to: number, condition: Partial<LinkCondition>): void {
    this.#conditions[this.#pair(from, to)] = { ...healthy, ...condition };
    // Answers travel on the connections that the other side opened.
    for (const pair of [this.#pair(from, to), this.#pair(to, from)]) {
      for (const tunnel of this.#tunnels.get(pair) ?? []) tunnel.conditionChanged();
    }
  }

  heal(): void {
    for (let from = 0; from < this.#nodes; from += 1) {
      for (let to = 0; to < this.#nodes; to += 1) this.set(from, to, healthy);
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const tunnels of this.#tunnels.values()) for (const tunnel of tunnels) tunnel.reset();
  }

  #pair(from: number, to: number): number {
    return from * this.#nodes + to;
  }

  async #listen(from: number, to: number, port: number): Promise<void> {
    const [there, back] = [this.#pair(from, to), this.#pair(to, from)];
    const tunnels = new Set<Tunnel>();
    this.#tunnels.set(there, tunnels);
    const server = createServer({ allowHalfOpen: true }, (near) => {
      const tunnel = new Tunnel(near, {
        port,
        there: () => this.#conditions[there] ?? healthy,
        back: () => this.#conditions[back] ?? healthy,
        ended: () => tunnels.delete(tunnel),
      });
      tunnels.add(tunnel);
    });
    this.#servers.push(server);
    this.#detours[from]?.push([port, await listening(server)]);
  }
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: HOST, port: 0 }, () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no port"));
      else resolve(address.port);
    });
  });
}

interface TunnelOptions {
  /** Where the link ends. */
  readonly port: number;
  readonly there: () => LinkCondition;
  readonly back: () => LinkCondition;
  readonly ended: () => void;
}

/** One connection of one node to another. */
class Tunnel {
  readonly #options: TunnelOptions;
  readonly #near: Socket;
  readonly #there: Pipe;
  readonly #back: Pipe;
  #far: Socket | undefined;

  constructor(near: Socket, options: TunnelOptions) {
    this.#options = options;
    this.#near = near;
    this.#back = new Pipe(options.back, (item) => pass(item, near));
    this.#there = new Pipe(options.there, (item) => {
      this.#far ??= this.#dial();
      if (item !== "dial") pass(item, this.#far);
    });
    near.setNoDelay(true);
    this.#there.readFrom(near);
    near.once("close", () => options.ended());
    this.#there.add("dial");
    this.conditionChanged();
  }

  conditionChanged(): void {
    const { there, back } = this.#options;
    if (there().state === "refused" || back().state === "refused") {
      this.reset();
      return;
    }
    this.#there.pump();
    this.#back.pump();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far?.resetAndDestroy();
  }

  #dial(): Socket {
    const { port } = this.#options;
    const far = connect({ host: HOST, port, allowHalfOpen: true, noDelay: true });
    this.#back.readFrom(far);
    return far;
  }
}

/** What goes through a pipe, in order. */
type Item = Buffer | "dial" | "end" | "reset";

function pass(item: Exclude<Item, "dial"> | "dial", socket: Socket): void {
  if (item === "dial" || socket.destroyed) return;
  if (item === "end") socket.end();
  else if (item === "reset") socket.resetAndDestroy();
  else socket.write(item);
}

/** One direction of one connection. */
class Pipe {
  readonly #condition: () => LinkCondition;
  readonly #deliver: (item: Item) => void;
  readonly #queue: { readonly item: Item; readonly dueMs: number }[] = [];
  #source: Socket | undefined;
  #keptBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(condition: () => LinkCondition, deliver: (item: Item) => void) {
    this.#condition = condition;
    this.#deliver = deliver;
  }

  readFrom(source: Socket): void {
    this.#source = source;
    let ended = false;
    source.on("data", (chunk) => this.add(chunk));
    source.on("end", () => {
      ended = true;
      this.add("end");
    });
    source.on("error", () => undefined);
    source.on("close", (failed) => {
      if (failed || !ended) this.add("reset");
    });
  }

  add(item: Item): void {
    const dueMs = Math.max(this.#lastDueMs, performance.now() + this.#condition().delayMs);
    this.#lastDueMs = dueMs;
    this.#queue.push({ item, dueMs });
    if (item instanceof Buffer) this.#keptBytes += item.length;
    this.pump();
    if (this.#keptBytes > KEPT_BYTES_MAX) this.#source?.pause();
  }

  /** Delivers what is due, unless the direction is silent. */
  pump(): void {
    clearTimeout(this.#timer);
    if (this.#condition().state !== "open") return;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.pump(), waitMs).unref();
        return;
      }
      this.#queue.shift();
      if (first.item instanceof Buffer) this.#keptBytes -= first.item.length;
      this.#deliver(first.item);
    }
    this.#source?.resume();
  }
}
