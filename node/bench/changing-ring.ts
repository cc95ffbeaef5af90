/**
 * Rings that change while clients go on: what they notice of it, how long it takes, and how much is
 * moved beside what must be. Everything is one run on one machine, so that the calm phases are what
 * the others are compared with.
 */
import { setTimeout } from "node:timers/promises";
import { LocalRing, type NodeData } from "../../hack/lib/local-ring.ts";
import { waitFor } from "../../hack/lib/wait-for.ts";
import { place, type Pod } from "../src/replication/index.ts";
import { partitionOf } from "../src/replication/record.ts";
import { sha1Hash } from "../src/platform/hash.ts";
import { figure } from "./report.ts";
import { keyNamed, type PhaseResult, SteadyLoad } from "./steady-load.ts";

export interface ChangeOptions {
  readonly keys: number;
  readonly perSecond: number;
  /** Of a calm phase. */
  readonly seconds: number;
  readonly report: (text: string) => void;
}

const COPIES = 3;
const PARTITIONS = 256;
const SMALL = 3;
const LARGE = 9;
const REPLACED = 5;
const MOVED_MS_MAX = 900_000;
const PROBES = 24;
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_PAUSE_MS = 50;

interface Phase extends PhaseResult {
  readonly name: string;
  readonly seconds: number;
}

/** 3 → 9 → 3 nodes under load. */
export async function scaling(options: ChangeOptions): Promise<string> {
  const { report } = options;
  report("starts three nodes");
  const ring = await LocalRing.start({
    nodes: LARGE,
    started: SMALL,
    copies: COPIES,
    stabilizeIntervalMs: 1_000,
    founders: Array.from({ length: SMALL }, (_, index) => `node-${index}`),
  });
  const load = loadOf(ring, options);
  try {
    const few = ring.nodes.slice(0, SMALL);
    await fill(ring, SMALL, load, options);
    const phases: Phase[] = [];
    const phase = async (name: string, change: () => Promise<unknown>): Promise<void> => {
      report(name);
      const startedMs = performance.now();
      load.phase();
      await change();
      phases.push({ name, seconds: (performance.now() - startedMs) / 1_000, ...load.phase() });
    };
    const calm = (): Promise<unknown> => pause(options.seconds);
    const moved: number[] = [];
    const moving = async (name: string, nodes: typeof few): Promise<void> => {
      const before = await movedKeys(ring);
      await phase(name, async () => {
        await ring.setRoster(nodes);
        await ring.placed(MOVED_MS_MAX);
      });
      moved.push((await movedKeys(ring)) - before);
    };
    load.start();
    await pause(options.seconds);
    await phase("calm, 3 nodes", calm);
    await phase("6 nodes start", async () => {
      for (const node of ring.nodes.slice(SMALL)) node.start();
      await ring.converged(LARGE, MOVED_MS_MAX);
    });
    await moving("3 to 9", [...ring.nodes]);
    await phase("calm, 9 nodes", calm);
    await moving("9 to 3", few);
    await phase("6 nodes leave", async () => {
      for (const node of ring.nodes.slice(SMALL)) await ring.leave(node);
    });
    await phase("calm again", calm);
    await load.stop();
    report("reads every key");
    await load.checkAll();
    return [
      table(phases),
      `keys moved, 3 to 9: ${comparedWith(moved[0], leastMoved(options.keys, SMALL, LARGE))}`,
      `keys moved, 9 to 3: ${comparedWith(moved[1], leastMoved(options.keys, LARGE, SMALL))}`,
      outcome(load, options.keys),
    ].join("\n");
  } finally {
    await load.stop();
    await ring.stop();
  }
}

/** One of five nodes dies, and comes back with an empty disk. */
export async function replacing(options: ChangeOptions): Promise<string> {
  const { report } = options;
  report("starts five nodes");
  const ring = await LocalRing.start({
    nodes: REPLACED,
    copies: COPIES,
    stabilizeIntervalMs: 1_000,
  });
  const load = loadOf(ring, options);
  try {
    await fill(ring, REPLACED, load, options);
    load.start();
    await pause(options.seconds);
    load.phase();
    await pause(options.seconds);
    const calm = { name: "calm, 5 nodes", seconds: options.seconds, ...load.phase() };
    const victim = ring.node(REPLACED - 1);
    const probed = await keysLedBy(ring, victim.name);
    report("kills one node");
    const killedMs = performance.now();
    await victim.end("SIGKILL");
    await resumption(ring.node(0).api, probed);
    const resumedSeconds = since(killedMs);
    const killed = { name: "one is down", seconds: since(killedMs), ...load.phase() };
    await victim.wipe();
    report("starts it with an empty disk");
    const startedMs = performance.now();
    victim.start();
    await waitFor("the node to be ready", async () => (await ring.ready()).length === REPLACED, {
      timeoutMs: MOVED_MS_MAX,
      intervalMs: 100,
    });
    await ring.placed(MOVED_MS_MAX);
    const copiedSeconds = since(startedMs);
    const copied = { name: "it is filled", seconds: copiedSeconds, ...load.phase() };
    await load.stop();
    report("reads every key");
    await load.checkAll();
    return [
      table([calm, killed, copied]),
      `writes to keys that the killed node led went on after ${figure(resumedSeconds)} s`,
      `all copies whole again ${figure(copiedSeconds)} s after its start with an empty disk`,
      outcome(load, options.keys),
    ].join("\n");
  } finally {
    await load.stop();
    await ring.stop();
  }
}

function loadOf(ring: LocalRing, { keys, perSecond }: ChangeOptions): SteadyLoad {
  const urls = ring.nodes.slice(0, SMALL).map(({ api }) => api);
  return new SteadyLoad({ urls, keys, perSecond, seed: 1 });
}

async function fill(
  ring: LocalRing,
  count: number,
  load: SteadyLoad,
  { report }: ChangeOptions,
): Promise<void> {
  await ring.converged(count, 120_000);
  await ring.setRoster(ring.nodes.slice(0, count));
  await ring.placed(120_000);
  await load.fill((share) => report(`stores keys, ${Math.round(100 * share)} %`));
}

async function movedKeys(ring: LocalRing): Promise<number> {
  const views = await Promise.all(
    ring.nodes.map(async ({ api }): Promise<(NodeData & { keysMoved: number }) | undefined> => {
      const response = await fetch(`${api}/v1/ring`);
      return ((await response.json()) as { data?: NodeData & { keysMoved: number } }).data;
    }),
  );
  return views.reduce((sum, view) => sum + (view?.keysMoved ?? 0), 0);
}

/** Keys of the copies that one placement has and the other has not. */
function leastMoved(keys: number, from: number, to: number): number {
  const hash = sha1Hash();
  const counts = new Uint32Array(PARTITIONS);
  for (let index = 0; index < keys; index += 1) {
    const partition = partitionOf(hash.idOf(keyNamed(index)), PARTITIONS);
    counts[partition] = (counts[partition] as number) + 1;
  }
  const pods = (count: number): Pod[] =>
    Array.from({ length: count }, (_, index) => ({ name: `node-${index}`, zone: null }));
  const options = { partitions: PARTITIONS, copies: COPIES };
  const before = place(pods(from), options);
  return place(pods(to), options).reduce((sum, names, partition) => {
    const coming = names.filter((name) => before[partition]?.includes(name) !== true);
    return sum + coming.length * (counts[partition] as number);
  }, 0);
}

/** Keys that nobody else uses. */
async function keysLedBy(ring: LocalRing, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let index = 0; found.length < PROBES; index += 1) {
    const key = `probe-${index}`;
    const response = await fetch(`${ring.node(0).api}/v1/kv/${key}`);
    await response.arrayBuffer();
    if (response.headers.get("x-chord-owner")?.includes(name) === true) found.push(key);
  }
  return found;
}

/** Until each of these keys could be written. */
async function resumption(api: string, keys: readonly string[]): Promise<void> {
  await Promise.all(
    keys.map(async (key) => {
      while (!(await isWritten(api, key))) await pause(PROBE_PAUSE_MS / 1_000);
    }),
  );
}

async function isWritten(api: string, key: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
    const response = await fetch(`${api}/v1/kv/${key}`, { method: "PUT", body: "probe", signal });
    return response.ok;
  } catch {
    return false;
  }
}

function table(phases: readonly Phase[]): string {
  const [calm] = phases;
  const head = ["", "seconds", "op/s", "p50 ms", "p99 ms", "× calm", "slowest"];
  const rows = phases.map(({ name, seconds, operations, p50Ms, p99Ms, slowestMs }) => [
    name,
    ...[seconds, operations / seconds, p50Ms, p99Ms, p99Ms / (calm?.p99Ms ?? 1), slowestMs].map(
      figure,
    ),
  ]);
  return [head, ...rows]
    .map(([name = "", ...cells]) => name.padEnd(16) + cells.map((c) => c.padStart(9)).join(""))
    .join("\n");
}

function comparedWith(moved = Number.NaN, least = Number.NaN): string {
  return `${moved}, ${figure(moved / least)} of the ${least} that the placement needs`;
}

function outcome(load: SteadyLoad, keys: number): string {
  const { failures, wrong } = load;
  const first = [...wrong, ...failures][0];
  const told = first === undefined ? "" : `; the first: ${first}`;
  return `${keys} keys read, ${wrong.length} wrong; ${failures.length} operations failed${told}`;
}

function since(startedMs: number): number {
  return (performance.now() - startedMs) / 1_000;
}

function pause(seconds: number): Promise<void> {
  return setTimeout(1_000 * seconds);
}
