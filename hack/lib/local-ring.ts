/**
 * A ring of node processes on this machine, on loopback ports, each with its own data directory:
 * for `make ring`, the integration tests and the benchmarks. Everything lies in one temporary
 * folder, and nothing outlives `stop`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Links } from "./links.ts";
import { settings } from "./settings.ts";
import { waitFor } from "./wait-for.ts";

const HOST = "127.0.0.1";
const STOP_TIMEOUT_MS = 10_000;
const STEADY_PORT_MIN = 12_000;
const STEADY_PORT_MAX = 32_000;
/** Of every ring. */
export const PARTITIONS = 256;

export interface LocalRingOptions {
  readonly nodes: number;
  /** How many of them run from the start. Default: all. */
  readonly started?: number;
  /** Length of the successor lists, r. */
  readonly successors?: number;
  /** Default: the first r + 1 nodes. */
  readonly founders?: readonly string[];
  readonly stabilizeIntervalMs?: number;
  /** Of each value. Default 3. */
  readonly copies?: number;
  readonly logLevel?: string;
  /** More variables for every node. */
  readonly environment?: Environment;
  /** The first client port; the others follow. Default: free ports. */
  readonly firstPort?: number;
  /**
   * Ports that no outgoing connection takes meanwhile, so that a node which was down for a while
   * gets its own again.
   */
  readonly steadyPorts?: boolean;
  /** A command that each node is started under, such as strace. */
  readonly wrapper?: readonly string[];
  /** Modules that each node imports before its own code, as paths or URLs. */
  readonly imports?: readonly string[];
  /** Nodes reach each other through links that can be cut; see `LocalRing.links`. */
  readonly links?: boolean;
}

type Environment = Readonly<Record<string, string>>;

/** What a node has for itself. */
interface Place {
  readonly name: string;
  readonly api: number;
  readonly peer: number;
  readonly imports: readonly string[];
}

/** What all nodes of a ring share. */
interface Shared {
  readonly directory: string;
  readonly token: string;
  readonly options: LocalRingOptions;
  readonly peerAddresses: readonly string[];
}

export class LocalNode {
  readonly name: string;
  readonly apiPort: number;
  readonly peerPort: number;
  readonly #shared: Shared;
  readonly #imports: readonly string[];
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);

  constructor(shared: Shared, place: Place) {
    this.#shared = shared;
    this.#imports = place.imports;
    this.name = place.name;
    this.apiPort = place.api;
    this.peerPort = place.peer;
  }

  /** Where clients go. */
  get api(): string {
    return `http://${HOST}:${this.apiPort}`;
  }

  /** Where other nodes and the operator go. */
  get peer(): string {
    return `http://${HOST}:${this.peerPort}`;
  }

  get processId(): number {
    const processId = this.#process?.pid;
    if (processId === undefined) throw new Error(`${this.name} does not run`);
    return processId;
  }

  get dataDirectory(): string {
    return join(this.#shared.directory, this.name);
  }

  /** Starts the process, with more variables for this one if given. */
  start(environment: Environment = {}): void {
    const { directory, options } = this.#shared;
    const logFile = openSync(join(directory, `${this.name}.log`), "a");
    const main = join(settings.repositoryRoot, "node", "src", "main.ts");
    const imports = this.#imports.flatMap((one) => ["--import", one]);
    const command = [...(options.wrapper ?? []), process.execPath, ...imports, main];
    const [program = process.execPath, ...programArguments] = command;
    this.#process = spawn(program, programArguments, {
      env: { PATH: settings.searchPath, ...this.#environment(), ...environment },
      stdio: ["ignore", logFile, logFile],
      // Ctrl-C in a terminal goes to the whole group; the nodes are ended in order instead.
      detached: true,
    });
    closeSync(logFile);
    const child = this.#process;
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code));
      child.once("error", () => resolve(null));
    });
  }

  /** Resolves with the exit code, null after a signal that was not handled. */
  end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.#process?.kill(signal);
    return this.#exit;
  }

  /** Sends a signal that need not end the process, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Empties the disk of a node that does not run. */
  async wipe(): Promise<void> {
    await rm(this.dataDirectory, { recursive: true, force: true });
    mkdirSync(this.dataDirectory);
  }

  /** Resolves when the process has ended, by whatever cause. */
  ended(): Promise<number | null> {
    return this.#exit;
  }

  log(): string {
    return readFileSync(join(this.#shared.directory, `${this.name}.log`), "utf8");
  }

  #environment(): Record<string, string> {
    const { directory, options, peerAddresses } = this.#shared;
    const [seed = ""] = peerAddresses;
    return {
      CHORD_NODE_NAME: this.name,
      CHORD_RING: "local",
      CHORD_RING_ID: "local/ring",
      CHORD_ADVERTISE_HOST: HOST,
      CHORD_LISTEN_HOST: HOST,
      CHORD_API_PORT: String(this.apiPort),
      CHORD_PEER_PORT: String(this.peerPort),
      CHORD_DATA_DIR: this.dataDirectory,
      // One node of many stands in for the Service that offers any member.
      CHORD_SEED: seed,
      CHORD_DISCOVERY: `static:${peerAddresses.join(",")}`,
      CHORD_PEER_TOKEN_FILE: join(directory, "token"),
      CHORD_CONFIG_FILE: join(directory, "config.json"),
      CHORD_LOG_LEVEL: options.logLevel ?? "info",
      // As in the image: half the work of a start is compiling what has not changed.
      NODE_COMPILE_CACHE: join(settings.cacheDirectory, "compiled"),
      ...options.environment,
    };
  }
}

export class LocalRing {
  readonly nodes: readonly LocalNode[];
  readonly token: string;
  readonly directory: string;
  readonly #links: Links | undefined;
  readonly #copies: number;
  #generation = 0;

  private constructor(nodes: readonly LocalNode[], shared: Shared, links: Links | undefined) {
    this.nodes = nodes;
    this.token = shared.token;
    this.directory = shared.directory;
    this.#links = links;
    this.#copies = shared.options.copies ?? 3;
  }

  /** Starts the processes; `converged` tells when they are a ring. */
  static async start(options: LocalRingOptions): Promise<LocalRing> {
    const ports = await choosePorts(options);
    const directory = mkdtempSync(join(tmpdir(), "chordring-"));
    const names = ports.map((_, index) => `node-${index}`);
    const successors = options.successors ?? 4;
    const shared: Shared = {
      directory,
      token: randomBytes(24).toString("base64url"),
      options,
      peerAddresses: ports.map(({ peer }) => `${HOST}:${peer}`),
    };
    writeFileSync(join(directory, "token"), shared.token, { mode: 0o600 });
    const config = {
      founders: options.founders ?? names.slice(0, Math.min(options.nodes, successors + 1)),
      successors,
      stabilizeIntervalMs: options.stabilizeIntervalMs ?? 500,
      copies: options.copies ?? 3,
    };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const links =
      options.links === true ? await Links.open(ports.map(({ peer }) => peer)) : undefined;
    const nodes = names.map((name, index) => {
      const pair = ports[index] ?? { api: 0, peer: 0 };
      mkdirSync(join(directory, name));
      const first = links === undefined ? [] : [links.importOf(index)];
      const imports = [...first, ...(options.imports ?? [])];
      return new LocalNode(shared, { ...pair, name, imports });
    });
    for (const node of nodes.slice(0, options.started)) node.start();
    return new LocalRing(nodes, shared, links);
  }

  /** The links of a ring that was started with them. */
  get links(): Links {
    if (this.#links === undefined) throw new Error("the ring was started without links");
    return this.#links;
  }

  node(index: number): LocalNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`there is no node ${index}`);
    return node;
  }

  /** The nodes that say that they are ready. */
  async ready(): Promise<readonly LocalNode[]> {
    const answers = await Promise.all(this.nodes.map((node) => isReady(node)));
    return this.nodes.filter((_, index) => answers[index]);
  }

  /** Says which nodes shall hold the data from now on, as the operator does. */
  async setRoster(nodes: readonly LocalNode[], copies = this.#copies): Promise<void> {
    this.#generation += 1;
    const pods = nodes.map(({ name }) => ({ name, zone: null }));
    const body = JSON.stringify({ generation: this.#generation, copies, pods });
    const headers = { authorization: `Bearer ${this.token}` };
    const taken = await Promise.all(
      nodes.map(async ({ peer }) => {
        const sent = fetch(`${peer}/admin/roster`, { method: "PUT", headers, body });
        return (await sent.catch(() => undefined))?.ok === true;
      }),
    );
    if (!taken.includes(true)) throw new Error("no node took the roster");
  }

  /** A node that the roster does not name any more leaves once it holds nothing, and ends. */
  async leave(node: LocalNode, timeoutMs = 60_000): Promise<void> {
    const headers = { authorization: `Bearer ${this.token}` };
    const leaves = async (): Promise<boolean> => {
      const response = await fetch(`${node.peer}/admin/leave`, { method: "POST", headers });
      if (!response.ok) throw new Error(await response.text());
      return true;
    };
    await waitFor(`${node.name} to leave`, leaves, { timeoutMs });
    await node.end();
  }

  /**
   * Waits until every value has all its copies where the roster wants them, as far as the nodes
   * that are ready know.
   */
  async placed(timeoutMs = 60_000, intervalMs = 100): Promise<void> {
    await waitFor(
      `every partition to be whole and in its place (logs in ${this.directory})`,
      async () => {
        const views = await Promise.all((await this.ready()).map((node) => dataOf(node)));
        const led = views.reduce((sum, view) => sum + (view?.led ?? 0), 0);
        return (
          led === PARTITIONS && views.every((view) => view?.degraded === 0 && view.misplaced === 0)
        );
      },
      { timeoutMs, intervalMs },
    );
  }

  /** Waits until `count` nodes (default all) are ready and each of them sees one ideal ring. */
  async converged(count = this.nodes.length, timeoutMs = 30_000): Promise<void> {
    await waitFor(
      `a ring of ${count} nodes (logs in ${this.directory})`,
      async () => {
        const ready = await this.ready();
        if (ready.length !== count) return false;
        const views = await Promise.all(ready.map((node) => crawl(node)));
        return views.every((view) => view?.ideal === true && view.nodes.length === count);
      },
      { timeoutMs, intervalMs: 100 },
    );
  }

  /**
   * Ends all nodes in good order, those that do not end in time at once, and removes all files;
   * the nodes' logs are copied to the folder `keepLogs` before, if there is one.
   */
  async stop({ keepLogs }: { readonly keepLogs?: string } = {}): Promise<void> {
    const timer = setTimeout(() => {
      for (const node of this.nodes) void node.end("SIGKILL");
    }, STOP_TIMEOUT_MS);
    await Promise.all(this.nodes.map((node) => node.end("SIGTERM")));
    clearTimeout(timer);
    this.#links?.close();
    if (keepLogs !== undefined) {
      for (const { name } of this.nodes) {
        copyFileSync(join(this.directory, `${name}.log`), join(keepLogs, `${name}.log`));
      }
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** What a node shows of its part of the data. */
export interface NodeData {
  readonly led: number;
  readonly held: number;
  readonly degraded: number;
  readonly misplaced: number;
}

async function dataOf(node: LocalNode): Promise<NodeData | undefined> {
  try {
    const signal = AbortSignal.timeout(2_000);
    const response = await fetch(`${node.api}/v1/ring`, { signal });
    return ((await response.json()) as { data?: NodeData }).data;
  } catch {
    return undefined;
  }
}

interface Crawled {
  readonly ideal: boolean;
  readonly nodes: readonly unknown[];
}

async function crawl(node: LocalNode): Promise<Crawled | undefined> {
  try {
    const response = await fetch(`${node.api}/v1/ring/nodes`, {
      signal: AbortSignal.timeout(5_000),
    });
    return (await response.json()) as Crawled;
  } catch {
    return undefined;
  }
}

async function isReady(node: LocalNode): Promise<boolean> {
  try {
    const response = await fetch(`${node.api}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

interface Ports {
  readonly api: number;
  readonly peer: number;
}

/** Free ports for all; the wanted client ports in a row if all of them are free. */
async function choosePorts(options: LocalRingOptions): Promise<Ports[]> {
  const { nodes, firstPort, steadyPorts = false } = options;
  const free = steadyPorts
    ? await findSteadyPorts(2 * nodes)
    : await freePorts(Array.from({ length: 2 * nodes }, () => 0));
  const wanted =
    firstPort === undefined
      ? []
      : await freePorts(Array.from({ length: nodes }, (_, index) => firstPort + index)).catch(
          () => [],
        );
  return Array.from({ length: nodes }, (_, index) => ({
    api: wanted[index] ?? free[2 * index] ?? 0,
    peer: free[2 * index + 1] ?? 0,
  }));
}

/** Free ports from below the ranges that systems take for outgoing connections. */
async function findSteadyPorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let attempt = 0; found.size < count && attempt < 100 * count; attempt += 1) {
    const port = randomInt(STEADY_PORT_MIN, STEADY_PORT_MAX);
    const [free] = await freePorts([port]).catch(() => []);
    if (free !== undefined) found.add(free);
  }
  if (found.size < count) throw new Error(`fewer than ${count} ports are free`);
  return [...found];
}

/** Ports (0: any) that were free a moment ago, all different as they are held together. */
export async function freePorts(ports: readonly number[]): Promise<number[]> {
  const opened = await Promise.allSettled(ports.map((port) => openServer(port)));
  const servers = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const numbers = await Promise.all(servers.map((server) => closeServer(server)));
  if (numbers.length < ports.length) throw new Error("not all of the wanted ports are free");
  return numbers;
}

async function closeServer(server: Server): Promise<number> {
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

function openServer(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: HOST, port }, () => resolve(server));
  });
}
