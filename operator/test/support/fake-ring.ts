/**
 * Chord nodes without Chord: real admin servers over one shared truth about who is in the ring.
 *
 * Pointers follow a change of membership only after `settleMs`, as stabilization would have it, so
 * that an operator that does not wait for the ring is caught. Removing a member without a leave is
 * recorded as a loss, and so is removing one that holds data. The nodes have a data layer or, like
 * those of earlier versions, do not speak of one.
 */
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Roster } from "../../src/ring/view.ts";
import { FakeData } from "./fake-data.ts";

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
  /**
   * Nodes whose process was ended before they had left or while they held data, with no restart to
   * follow.
   */
  readonly losses: string[] = [];
  readonly data: FakeData;
  /** Nodes that run an earlier version for now. */
  readonly silent = new Set<string>();
  /** While true, nodes are given data at the moment when they are asked to leave. */
  declines = false;
  /** While true, nodes cannot make sense of any roster. */
  refusesRosters = false;
  onChange: () => void = () => undefined;
  readonly #nodes = new Map<string, FakeNode>();
  /** What outlives a process: the state on a node's volume. */
  readonly #disks = new Map<string, { state: FakeState; founded: boolean }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  readonly #copies: () => number;
  readonly #speaksOfData: boolean;

  constructor(options: {
    token: () => string;
    founders: () => string[];
    copies: () => number;
    successors: number;
    settleMs: number;
    speaksOfData: boolean;
  }) {
    this.token = options.token;
    this.founders = options.founders;
    this.successors = options.successors;
    this.settleMs = options.settleMs;
    this.#copies = options.copies;
    this.#speaksOfData = options.speaksOfData;
    this.data = new FakeData((name) => this.#holds(name));
    if (this.#speaksOfData) this.#later(() => this.#moveData());
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
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const [status, body] = this.#answer(name, {
          route: `${request.method} ${request.url}`,
          authorization: request.headers.authorization ?? "",
          body: Buffer.concat(chunks).toString(),
        });
        if (status === 0) {
          response.destroy();
          return;
        }
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      });
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
    const inUse = node.state === "member" || node.state === "leaving";
    if (forGood && (inUse || this.data.heldBy(name) > 0)) this.losses.push(name);
    if (forGood) this.data.forget(name);
    this.#disks.set(name, { state: node.state, founded: node.founded });
    this.#nodes.delete(name);
    node.server.closeAllConnections();
    node.server.close();
    this.#later(() => this.#settle());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const node of this.#nodes.values()) {
      node.server.closeAllConnections();
      node.server.close();
    }
  }

  #later(action: () => void, factor = 1): void {
    if (this.#stopped) return;
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
    const members = this.#in("member").map((node) => node.name);
    if (this.#speaksOfData) this.data.charter(members, this.#copies());
    this.#settle();
    if (this.#in("waiting").length > 0) this.#later(() => this.#enter());
  }

  /** Whether a node takes part in the data layer: also while it is not a member, if it was one. */
  #holds(name: string): boolean {
    const node = this.#nodes.get(name);
    return node !== undefined && node.founded && node.state !== "left";
  }

  #moveData(): void {
    this.data.step(this.names);
    this.#later(() => this.#moveData());
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
      ...(this.#speaksOfData && !this.silent.has(node.name)
        ? { data: this.data.reportOf(node.name, isMember) }
        : {}),
    };
  }

  #answer(
    name: string,
    request: { route: string; authorization: string; body: string },
  ): [number, object] {
    const node = this.#nodes.get(name);
    if (!node || node.unreachable) return [0, {}];
    if (request.authorization !== `Bearer ${this.token()}`) return [401, {}];
    const routes: Record<string, () => [number, object]> = {
      "GET /admin/view": () => [200, this.#view(node)],
      "GET /admin/ring": () => [200, this.#crawl(node)],
      "POST /admin/leave": () => this.#leave(node),
      "POST /admin/rejoin": () => [200, this.#rejoin(node)],
      "PUT /admin/roster": () => this.#takeRoster(name, request.body),
    };
    const known = this.#speaksOfData || request.route !== "PUT /admin/roster";
    return (known ? routes[request.route]?.() : undefined) ?? [404, {}];
  }

  #takeRoster(name: string, body: string): [number, object] {
    if (this.refusesRosters) return [400, { error: { code: "bad_roster", message: "no" } }];
    const taken = this.data.take(name, JSON.parse(body) as Roster);
    return taken ? [200, {}] : [409, { error: { code: "outdated", message: "there is a newer" } }];
  }

  #crawl(node: FakeNode): object {
    const nodes = node.sees.flatMap((name) => {
      const seen = this.#nodes.get(name);
      return seen ? [this.#view(seen)] : [];
    });
    return { nodes, ideal: true };
  }

  #leave(node: FakeNode): [number, object] {
    if (this.declines || this.data.heldBy(node.name) > 0) {
      return [409, { error: { code: "holds_data", message: "it holds partitions" } }];
    }
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
    return [200, { state: node.state }];
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
