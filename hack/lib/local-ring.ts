/**
 * A ring of node processes on this machine, on loopback ports, each with its own data directory:
 * for `make ring`, the integration tests and the benchmarks. Everything lies in one temporary
 * folder, and nothing outlives `stop`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settings } from "./settings.ts";
import { waitFor } from "./wait-for.ts";

const HOST = "127.0.0.1";
const STOP_TIMEOUT_MS = 10_000;

export interface LocalRingOptions {
  readonly nodes: number;
  /** Length of the successor lists, r. */
  readonly successors?: number;
  /** Default: the first r + 1 nodes. */
  readonly founders?: readonly string[];
  readonly stabilizeIntervalMs?: number;
  readonly logLevel?: string;
  /** More variables for every node. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The first client port; the others follow. Default: free ports. */
  readonly firstPort?: number;
  /** A command that each node is started under, such as strace. */
  readonly wrapper?: readonly string[];
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
  #process: ChildProcess | undefined;
  #exit: Promise<number | null> = Promise.resolve(null);

  constructor(shared: Shared, name: string, ports: { api: number; peer: number }) {
    this.#shared = shared;
    this.name = name;
    this.apiPort = ports.api;
    this.peerPort = ports.peer;
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

  start(): void {
    const { directory, options } = this.#shared;
    const logFile = openSync(join(directory, `${this.name}.log`), "a");
    const main = join(settings.repositoryRoot, "node", "src", "main.ts");
    const command = [...(options.wrapper ?? []), process.execPath, main];
    const [program = process.execPath, ...programArguments] = command;
    this.#process = spawn(program, programArguments, {
      env: { PATH: settings.searchPath, ...this.#environment() },
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
      ...options.environment,
    };
  }
}

export class LocalRing {
  readonly nodes: readonly LocalNode[];
  readonly token: string;
  readonly directory: string;

  private constructor(nodes: readonly LocalNode[], shared: Shared) {
    this.nodes = nodes;
    this.token = shared.token;
    this.directory = shared.directory;
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
    };
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const nodes = names.map((name, index) => {
      const pair = ports[index] ?? { api: 0, peer: 0 };
      mkdirSync(join(directory, name));
      return new LocalNode(shared, name, pair);
    });
    for (const node of nodes) node.start();
    return new LocalRing(nodes, shared);
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

  /** Ends all nodes in good order, those that do not end in time at once, and removes all files. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => {
      for (const node of this.nodes) void node.end("SIGKILL");
    }, STOP_TIMEOUT_MS);
    await Promise.all(this.nodes.map((node) => node.end("SIGTERM")));
    clearTimeout(timer);
    await rm(this.directory, { recursive: true, force: true });
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
async function choosePorts({ nodes, firstPort }: LocalRingOptions): Promise<Ports[]> {
  const free = await freePorts(Array.from({ length: 2 * nodes }, () => 0));
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
