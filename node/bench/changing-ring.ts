/**
 * Rings that change while clients go on: what they notice of it, how long it takes, and how much is
 * moved beside what must be. Everything is one run on one machine, so that the calm phases are what
 * the others are compared with.
 */
import { setTimeout } from "node:timers/promises";
import {
  type LocalNode,
  LocalRing,
  type LocalRingOptions,
  PARTITIONS,
} from "../../hack/lib/local-ring.ts";
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
const SMALL = 3;
const LARGE = 9;
const REPLACED = 5;
const MOVED_MS_MAX = 900_000;
/** Between two looks at how far a change is: each costs every node what clients then miss. */
const LOOKED_AT_MS = 1_000;
const PROBES = 24;
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_PAUSE_MS = 50;

interface Phase extends PhaseResult {
  readonly name: string;
  readonly seconds: number;
}

/** 3 → 9 → 3 nodes under load. */
export function scaling(options: ChangeOptions): Promise<string> {
  const founders = Array.from({ length: SMALL }, (_, index) => `node-${index}`);
  return underLoad(options, { nodes: LARGE, started: SMALL, founders }, async (trial) => {
    const { ring } = trial;
    const few = ring.nodes.slice(0, SMALL);
    const others = ring.nodes.slice(SMALL);
    const moving = async (name: string, nodes: readonly LocalNode[]): Promise<number> => {
      const before = await movedKeys(ring);
      await trial.phase(name, async () => {
        await ring.setRoster(nodes);
        await ring.placed(MOVED_MS_MAX, LOOKED_AT_MS);
      });
      return (await movedKeys(ring)) - before;
    };
    await trial.calm("calm, 3 nodes");
    await trial.phase("6 nodes start", async () => {
      // A start takes a core for a second, which would be another machine's.
      for (const [index, node] of others.entries()) {
        node.start();
        await ring.converged(SMALL + index + 1, MOVED_MS_MAX);
      }
    });
    const grown = await moving("3 to 9", ring.nodes);
    await trial.calm("calm, 9 nodes");
    const shrunk = await moving("9 to 3", few);
    await trial.phase("6 nodes leave", async () => {
      for (const node of others) await ring.leave(node);
    });
    await trial.calm("calm again");
    return [
      `keys moved, 3 to 9: ${comparedWith(grown, leastMoved(options.keys, SMALL, LARGE))}`,
      `keys moved, 9 to 3: ${comparedWith(shrunk, leastMoved(options.keys, LARGE, SMALL))}`,
    ];
  });
}

/** One of five nodes dies, and comes back with an empty disk. */
export function replacing(options: ChangeOptions): Promise<string> {
  return underLoad(options, { nodes: REPLACED, started: REPLACED }, async (trial) => {
    const { ring } = trial;
    await trial.calm("calm, 5 nodes");
    const victim = ring.node(REPLACED - 1);
    const probed = await keysLedBy(ring, victim.name);
    const resumedSeconds = await trial.phase("one is killed", async () => {
      await victim.end("SIGKILL");
      await resumption(ring.node(0).api, probed);
    });
    await victim.wipe();
    const copiedSeconds = await trial.phase("it is filled", async () => {
      victim.start();
      await ring.converged(REPLACED, MOVED_MS_MAX);
      await ring.placed(MOVED_MS_MAX, LOOKED_AT_MS);
    });
    return [
      `writes to keys that the killed node led went on after ${figure(resumedSeconds)} s`,
      `all copies whole again ${figure(copiedSeconds)} s after its start with an empty disk`,
    ];
  });
}

/** A ring with keys in it, clients that ask for them, and what they meet in each phase. */
class Trial {
  readonly ring: LocalRing;
  readonly load: SteadyLoad;
  readonly phases: Phase[] = [];
  readonly #options: ChangeOptions;

  constructor(ring: LocalRing, options: ChangeOptions) {
    const urls = ring.nodes.slice(0, SMALL).map(({ api }) => api);
    this.ring = ring;
    this.load = new SteadyLoad({ ...options, urls, seed: 1 });
    this.#options = options;
  }

  /** Gives how many seconds it took. */
  async phase(name: string, change: () => Promise<unknown>): Promise<number> {
    this.#options.report(name);
    const startedMs = performance.now();
    this.load.phase();
    await change();
    const seconds = (performance.now() - startedMs) / 1_000;
    this.phases.push({ name, seconds, ...this.load.phase() });
    return seconds;
  }

  async calm(name: string): Promise<void> {
    await this.phase(name, () => setTimeout(1_000 * this.#options.seconds));
  }
}

async function underLoad(
  options: ChangeOptions,
  { started, ...others }: LocalRingOptions & { readonly started: number },
  change: (trial: Trial) => Promise<readonly string[]>,
): Promise<string> {
  const { report, seconds } = options;
  report(`starts ${started} nodes`);
  const shared = { copies: COPIES, stabilizeIntervalMs: 1_000 };
  const ring = await LocalRing.start({ ...shared, ...others, started });
  const trial = new Trial(ring, options);
  const { load, phases } = trial;
  try {
    await ring.converged(started, 120_000);
    await ring.setRoster(ring.nodes.slice(0, started));
    await ring.placed(120_000);
    await load.fill((share) => report(`stores keys, ${Math.round(100 * share)} %`));
    load.start();
    await setTimeout(1_000 * seconds);
    const findings = await change(trial);
    await load.stop();
    report("reads every key");
    await load.checkAll();
    return [table(phases), ...findings, outcome(load, options.keys)].join("\n");
  } finally {
    await load.stop();
    await ring.stop();
  }
}

/** By all nodes that run. */
async function movedKeys(ring: LocalRing): Promise<number> {
  const counts = await Promise.all(
    (await ring.ready()).map(async ({ api }) => {
      const scraped = await (await fetch(`${api}/metrics`)).text();
      return Number(/^chord_moved_keys_total (\d+)$/m.exec(scraped)?.[1]);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
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
      while (!(await isWritten(api, key))) await setTimeout(PROBE_PAUSE_MS);
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

function comparedWith(moved: number, least: number): string {
  return `${moved}, ${figure(moved / least)} of the ${least} that the placement needs`;
}

function outcome(load: SteadyLoad, keys: number): string {
  const { failures, wrong } = load;
  const first = [...wrong, ...failures][0];
  const told = first === undefined ? "" : `; the first: ${first}`;
  return `${keys} keys read, ${wrong.length} wrong; ${failures.length} operations failed${told}`;
}
