/**
 * Chord nodes without Chord: real admin servers over one shared truth about who is in the ring.
 *
 * Pointers follow a change of membership only after `settleMs`, as stabilization would have it, so
 * that an operator that does not wait for the ring is caught. Removing a member without a leave is
 * recorded as a loss.
 */
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type FakeState = "waiting" | "joining" | "member" | "leaving" | "left";

interface FakeNode {
  name: string;
  id: string;
  state: FakeState;
  founded: boolean;
  keys: number;
  unreachable: boolean;
  server: Server;
  port: number;
  /** Members as this node's pointers have them. */
  sees: string[];
}

interface Reference {
  name: string;
  id: string;
  address: string;
}

function idOf(name: string): string {
  return createHash("sha1").update(name).digest("hex");
}

export class FakeRing {
  readonly token: () => string;
  readonly founders: () => string[];
  readonly successors: number;
  readonly settleMs: number;
  readonly leaves: string[] = [];
  readonly rejoins: string[] = [];
  /** Members whose process was ended before they had left, with no restart to follow. */
  readonly losses: string[] = [];
  onChange: () => void = () => undefined;
  readonly #nodes = new Map<string, FakeNode>();
  /** What outlives a process: the state on a node's volume. */
  readonly #disks = new Map<string, { state: FakeState; founded: boolean }>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: {
    token: () => string;
    founders: () => string[];
    successors: number;
    settleMs: number;
  }) {
    this.token = options.token;
    this.founders = options.founders;
    this.successors = options.successors;
    this.settleMs = options.settleMs;
  }

  get names(): string[] {
    return [...this.#nodes.keys()];
  }

  node(name: string): FakeNode | undefined {
    return this.#nodes.get(name);
  }

  address(name: string): string | undefined {
    const port = this.#nodes.get(name)?.port;
    return port === undefined ? undefined : `127.0.0.1:${port}`;
  }

  isMember(name: string): boolean {
    return this.#nodes.get(name)?.state === "member";
  }

  async start(name: string): Promise<void> {
    const disk = this.#disks.get(name);
    const server = createServer((request, response) => {
      const [status, body] = this.#answer(name, request.method ?? "", request.url ?? "", {
        authorization: request.headers.authorization ?? "",
      });
      if (status === 0) {
        response.destroy();
        return;
      }
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    this.#nodes.set(name, {
      name,
      id: idOf(name),
      state: disk?.state === "left" ? "left" : "waiting",
      founded: disk?.founded ?? false,
      keys: 10,
      unreachable: false,
      server,
      port: (server.address() as AddressInfo).port,
      sees: [],
    });
    this.#later(() => this.#enter());
  }

  /** Ends a node's process; `forGood` when no pod of that name will come back. */
  async end(name: string, forGood: boolean): Promise<void> {
    const node = this.#nodes.get(name);
    if (!node) return;
    if (forGood && (node.state === "member" || node.state === "leaving")) this.losses.push(name);
    this.#disks.set(name, { state: node.state, founded: node.founded });
    this.#nodes.delete(name);
    node.server.closeAllConnections();
    node.server.close();
    this.#later(() => this.#settle());
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const node of this.#nodes.values()) {
      node.server.closeAllConnections();
      node.server.close();
    }
  }

  #later(action: () => void, factor = 1): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, this.settleMs * factor);
    this.#timers.add(timer);
  }

  #in(state: FakeState): FakeNode[] {
    return [...this.#nodes.values()].filter((node) => node.state === state);
  }

  /** Waiting nodes found the ring together, or join it if there is one. */
  #enter(): void {
    const founders = this.founders();
    const waiting = this.#in("waiting");
    const complete = founders.every((name) => waiting.some((node) => node.name === name));
    const hasRing = this.#in("member").length > 0;
    for (const node of waiting) {
      const mayFound = !hasRing && complete && founders.includes(node.name);
      if (mayFound || hasRing || node.founded) this.#become(node, "member");
    }
    this.#settle();
    if (this.#in("waiting").length > 0) this.#later(() => this.#enter());
  }

  #become(node: FakeNode, state: FakeState): void {
    node.state = state;
    if (state === "member") node.founded = true;
    this.onChange();
  }

  #settle(): void {
    const members = this.#in("member").toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const node of members) node.sees = members.map((member) => member.name);
    this.onChange();
  }

  #reference(name: string): Reference {
    return { name, id: idOf(name), address: this.address(name) ?? "127.0.0.1:1" };
  }

  #view(node: FakeNode): object {
    const order = node.sees.filter((name) => name !== node.name);
    const after = order.filter((name) => idOf(name) > node.id);
    const round = [...after, ...order.filter((name) => idOf(name) < node.id)];
    const successors = round.slice(0, this.successors);
    const isMember = node.state === "member";
    const list = isMember ? (successors.length > 0 ? successors : [node.name]) : [];
    return {
      ring: "test",
      self: this.#reference(node.name),
      state: node.state,
      epoch: 1,
      predecessor: isMember ? this.#reference(round.at(-1) ?? node.name) : null,
      successors: list.map((name) => this.#reference(name)),
      fingers: [],
      keys: node.keys,
      bytes: 0,
      founded: node.founded,
      split: false,
      detail: node.state === "waiting" ? "waiting for founders" : "",
    };
  }

  #answer(
    name: string,
    method: string,
    path: string,
    headers: { authorization: string },
  ): [number, object] {
    const node = this.#nodes.get(name);
    if (!node || node.unreachable) return [0, {}];
    if (headers.authorization !== `Bearer ${this.token()}`) return [401, {}];
    const routes: Record<string, () => object> = {
      "GET /admin/view": () => this.#view(node),
      "GET /admin/ring": () => this.#crawl(node),
      "POST /admin/leave": () => this.#leave(node),
      "POST /admin/rejoin": () => this.#rejoin(node),
    };
    const route = routes[`${method} ${path}`];
    return route ? [200, route()] : [404, {}];
  }

  #crawl(node: FakeNode): object {
    const nodes = node.sees.flatMap((name) => {
      const seen = this.#nodes.get(name);
      return seen ? [this.#view(seen)] : [];
    });
    return { nodes, ideal: true };
  }

  #leave(node: FakeNode): object {
    if (node.state === "member") {
      this.leaves.push(node.name);
      this.#become(node, "leaving");
      this.#later(() => {
        this.#become(node, "left");
        // The others notice a little later than the node itself is done.
        this.#later(() => this.#settle());
      });
    } else if (node.state !== "leaving") {
      this.#become(node, "left");
    }
    return { state: node.state };
  }

  #rejoin(node: FakeNode): object {
    if (node.state === "left") {
      this.rejoins.push(node.name);
      this.#become(node, "joining");
      this.#later(() => {
        this.#become(node, "member");
        this.#settle();
      });
    }
    return { state: node.state };
  }
}
