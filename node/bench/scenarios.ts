/**
 * What is measured, each against its floor in the same run, interleaved, so that a change of the
 * machine's speed meets both sides alike.
 */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, LocalRing } from "../../hack/lib/local-ring.ts";
import { waitFor } from "../../hack/lib/wait-for.ts";
import { load, type LoadRequest, type LoadResult } from "./load.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface Measurement {
  readonly name: string;
  readonly rounds: readonly LoadResult[];
}

/** A server under test: where it is and whose CPU counts. */
interface Server {
  readonly url: string;
  readonly serverProcessIds: readonly number[];
}

const KEYS = 10_000;
const VALUE = "v".repeat(256);
/** Compiling the hot code takes a while, and would else count as the cost of what runs first. */
const WARM_UP_SECONDS = 4;
const LOOKUP_NODES = 5;
const CALM_STABILIZE_INTERVAL_MS = 3_000;
const FILL_AT_ONCE = 64;
const LOOKUP_KEYS_MAX = 400;

const keyPaths = Array.from({ length: KEYS }, (_, index) => `/v1/kv/key-${index}`);

/** Reads and writes of keys that the asked node owns, beside the floor. */
export async function localOperations(options: BenchOptions): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), "chordring-bench-"));
  const floor = await startFloor(directory);
  const ring = await LocalRing.start({ nodes: 1 });
  try {
    await ring.converged();
    const node = serverOf(ring, [0]);
    const common = { ...options, directory, paths: keyPaths };
    const put = (server: Server): LoadRequest => {
      return { ...server, ...common, method: "PUT", body: VALUE };
    };
    const get = (server: Server): LoadRequest => ({ ...server, ...common, method: "GET" });
    for (const server of [floor.server, node]) {
      await fill(server, keyPaths);
      await load({ ...put(server), seconds: WARM_UP_SECONDS });
      await load({ ...get(server), seconds: WARM_UP_SECONDS });
    }
    return await interleave(options.rounds, {
      "floor put": put(floor.server),
      "node put": put(node),
      "floor get": get(floor.server),
      "node get": get(node),
    });
  } finally {
    floor.stop();
    await ring.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Lookups and reads by how many other nodes they need. */
export async function routedOperations(options: BenchOptions): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), "chordring-bench-"));
  // Short successor lists, so that a small ring has something to route.
  const ring = await LocalRing.start({
    nodes: LOOKUP_NODES,
    successors: 1,
    // Maintenance costs CPU too, and shall not be counted as that of lookups.
    stabilizeIntervalMs: CALM_STABILIZE_INTERVAL_MS,
  });
  try {
    await ring.converged(LOOKUP_NODES, 120_000);
    const server = serverOf(ring, [...ring.nodes.keys()]);
    const paths = await pathsByCost(ring);
    const get = (some: readonly string[]): LoadRequest => {
      return { ...server, ...options, directory, method: "GET", paths: some };
    };
    const forwarded = (paths.get("lookup 0 hops") ?? []).map(keyPathOf);
    await fill(server, forwarded);
    const scenarios: [string, LoadRequest][] = [
      ...[...paths].map(([name, some]): [string, LoadRequest] => [name, get(some)]),
      ["get, forwarded", get(forwarded)],
      ["put, forwarded", { ...get(forwarded), method: "PUT", body: VALUE }],
    ];
    for (const [, request] of scenarios) await load({ ...request, seconds: WARM_UP_SECONDS });
    return await interleave(options.rounds, Object.fromEntries(scenarios));
  } finally {
    await ring.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Stores every key once, so that each read finds a value. */
async function fill({ url }: Server, paths: readonly string[]): Promise<void> {
  for (let start = 0; start < paths.length; start += FILL_AT_ONCE) {
    const some = paths.slice(start, start + FILL_AT_ONCE);
    await Promise.all(
      some.map(async (path) => {
        const response = await fetch(`${url}${path}`, { method: "PUT", body: VALUE });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(`PUT ${path}: status ${response.status}`);
      }),
    );
  }
}

function keyPathOf(lookupPath: string): string {
  return lookupPath.replace("/v1/lookup/", "/v1/kv/");
}

/** Keys sorted by what a lookup of them costs: nothing, the owner's answer, or hops before it. */
async function pathsByCost(ring: LocalRing): Promise<Map<string, string[]>> {
  const groups = new Map<string, string[]>([
    ["lookup own key", []],
    ["lookup 0 hops", []],
    ["lookup 1 hop", []],
    ["lookup 2 hops", []],
  ]);
  const self = ring.node(0);
  for (let index = 0; index < LOOKUP_KEYS_MAX; index += 1) {
    const path = `/v1/lookup/key-${index}`;
    const response = await fetch(`${self.api}${path}`);
    const { hops, owner } = (await response.json()) as { hops: number; owner: { name: string } };
    const remote = hops === 1 ? "lookup 1 hop" : `lookup ${hops} hops`;
    groups.get(owner.name === self.name ? "lookup own key" : remote)?.push(path);
  }
  for (const [name, paths] of groups) if (paths.length === 0) groups.delete(name);
  return groups;
}

/** Every scenario once, then all again: ABAB. */
async function interleave(
  rounds: number,
  scenarios: Readonly<Record<string, LoadRequest>>,
): Promise<Measurement[]> {
  const results = new Map<string, LoadResult[]>(Object.keys(scenarios).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, request] of Object.entries(scenarios)) {
      results.get(name)?.push(await load(request));
    }
  }
  return [...results].map(([name, all]) => ({ name, rounds: all }));
}

function serverOf(ring: LocalRing, counted: readonly number[]): Server {
  const serverProcessIds = counted.map((index) => ring.node(index).processId);
  return { url: ring.node(0).api, serverProcessIds };
}

async function startFloor(directory: string): Promise<{ server: Server; stop: () => void }> {
  const [port = 0] = await freePorts([0]);
  const main = join(import.meta.dirname, "floor-server.ts");
  const child = spawn(process.execPath, [main, directory, String(port)], { stdio: "inherit" });
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => (await fetch(`${url}/v1/kv/none`)).status === 404;
  await waitFor("the floor server", answers, { timeoutMs: 10_000, intervalMs: 50 });
  return { server: { url, serverProcessIds: [child.pid ?? 0] }, stop: () => child.kill() };
}
