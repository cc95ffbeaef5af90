/**
 * The live test of the promise "no acknowledged write is ever lost, and every read is the latest":
 * a ring of real processes, clients that ask all the time, faults by a seeded schedule, and in the
 * end a proof: every cold key is there, and one order explains all that clients saw of each key.
 *
 * Whatever happens, all processes have ended when it returns. What failed keeps its history and the
 * nodes' logs below artifacts/live.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { ensureChecker } from "../lib/linearizability.ts";
import { LocalRing } from "../lib/local-ring.ts";
import { step } from "../lib/progress.ts";
import { SeededRandom } from "../lib/seeded-random.ts";
import { settings } from "../lib/settings.ts";
import type { Target } from "./client.ts";
import { type Figures, figuresOf, progressLine, sumOf } from "./figures.ts";
import type { ColdFindings } from "./final-reads.ts";
import { History } from "./history.ts";
import { Nemesis } from "./nemesis.ts";
import { type LiveOptions, replayCommand } from "./options.ts";
import { explainEverything, HISTORY_FILE, readInTheEnd } from "./proof.ts";
import { linkFaults, scheduleOf } from "./schedule.ts";
import { Workload } from "./workload.ts";

const RECOVERY_TIMEOUT_MS = 120_000;
/** How soon it is noticed that nobody waits for the recovery any more. */
const RECOVERY_LOOK_MS = 2_000;
/** Stream of the seed; the schedule has others. */
const WORKLOAD_STREAM = 0;
const HOST = "127.0.0.1";

export interface LiveResult {
  /** Everything that breaks the promise, one sentence each; none when the test passed. */
  readonly problems: readonly string[];
  /** Answers that the contract does not know: defects, but not of this promise. */
  readonly strange: readonly string[];
  readonly figures: Figures;
  readonly replay: string;
  /** Where history, logs and pictures are; undefined if they were not kept. */
  readonly directory: string | undefined;
}

/** What a test is made of while it runs. */
interface Running {
  readonly options: LiveOptions;
  readonly ring: LocalRing;
  readonly history: History;
  readonly workload: Workload;
  readonly nemesis: Nemesis;
  readonly targets: readonly Target[];
  readonly signal: AbortSignal;
}

export async function runLive(options: LiveOptions, signal: AbortSignal): Promise<LiveResult> {
  const stamp = new Date().toISOString().replaceAll(/[^\d]/g, "").slice(0, 14);
  const name = `seed-${options.seed}-${stamp}-${process.pid}`;
  const directory = join(settings.repositoryRoot, "artifacts", "live", name);
  await ensureChecker();
  mkdirSync(directory, { recursive: true });
  const problems: string[] = [];
  const { running, cold } = await runOnRing({ options, signal, directory, problems });
  const report = signal.aborted ? undefined : await explainEverything(directory, problems);
  const passed = problems.length === 0 && !signal.aborted;
  const kept = !passed || options.keep;
  const { workload, nemesis } = running;
  if (!kept) rmSync(directory, { recursive: true });
  return {
    problems,
    strange: workload.strange,
    figures: figuresOf(workload, Object.fromEntries(nemesis.counts), { cold, report }),
    replay: replayCommand(options),
    directory: kept ? directory : undefined,
  };
}

interface Frame {
  readonly options: LiveOptions;
  readonly signal: AbortSignal;
  readonly directory: string;
  readonly problems: string[];
}

async function runOnRing(
  frame: Frame,
): Promise<{ running: Running; cold: ColdFindings | undefined }> {
  const { options, directory, problems } = frame;
  const ring = await LocalRing.start({
    nodes: options.nodes,
    copies: options.copies,
    stabilizeIntervalMs: options.stabilizeIntervalMs,
    steadyPorts: true,
    links: options.faults.some((kind) => linkFaults.some((one) => one === kind)),
    imports: options.build === undefined ? [] : [brokenBuildImport(options.build)],
  });
  const running = prepare(frame, ring);
  let cold: ColdFindings | undefined;
  try {
    await step(`Starting ${options.nodes} nodes`, () => allWell(ring, frame.signal));
    await underFaults(running);
    cold = await inTheEnd(running, problems);
  } catch (error) {
    problems.push((error as Error).message);
  } finally {
    running.nemesis.release();
    problems.push(...running.nemesis.crashes);
    running.workload.close();
    await ring.stop({ keepLogs: directory });
    await running.history.close();
  }
  return { running, cold };
}

function brokenBuildImport(name: string): string {
  const url = pathToFileURL(join(import.meta.dirname, "broken-build-hook.ts"));
  url.searchParams.set("build", name);
  return url.href;
}

function prepare({ options, signal, directory }: Frame, ring: LocalRing): Running {
  const history = new History(join(directory, HISTORY_FILE));
  history.test({ ...options });
  const targets = ring.nodes.map(({ name, apiPort }) => ({ name, host: HOST, port: apiPort }));
  const { rate, hotKeys, timeoutMs, seed } = options;
  const random = new SeededRandom(seed, WORKLOAD_STREAM);
  const asking = { rate, hotKeys, timeoutMs };
  const workload = new Workload({ targets: () => targets, history, random, ...asking });
  const durationMs = options.seconds * 1_000;
  const repaired = (ended: AbortSignal): Promise<boolean> => untilPlaced(ring, ended);
  const nemesis = new Nemesis({ ring, history, durationMs, repaired });
  return { options, ring, history, workload, nemesis, targets, signal };
}

async function allWell(ring: LocalRing, signal: AbortSignal): Promise<void> {
  await recovery(ring, signal);
  await untilPlaced(ring, signal);
}

/** Resolves when all nodes are ready and see one ideal ring, or when nobody waits any more. */
function recovery(ring: LocalRing, signal: AbortSignal): Promise<boolean> {
  return until("the ring is whole", signal, () =>
    ring.converged(ring.nodes.length, RECOVERY_LOOK_MS),
  );
}

/** Resolves when every value has all its copies where they should be. */
function untilPlaced(ring: LocalRing, signal: AbortSignal): Promise<boolean> {
  return until("every value has all its copies", signal, () => ring.placed(RECOVERY_LOOK_MS));
}

/** Looks again and again, each time for a short while; false when the signal came first. */
async function until(
  description: string,
  signal: AbortSignal,
  look: () => Promise<void>,
): Promise<boolean> {
  const deadlineMs = performance.now() + RECOVERY_TIMEOUT_MS;
  while (!signal.aborted) {
    try {
      await look();
      return true;
    } catch (cause) {
      if (performance.now() < deadlineMs) continue;
      throw new Error(`${description}: not so after ${RECOVERY_TIMEOUT_MS} ms`, { cause });
    }
  }
  return false;
}

async function underFaults({ options, workload, nemesis, signal }: Running): Promise<void> {
  const { seed, nodes, faults: kinds, outageMsMax, seconds } = options;
  const durationMs = seconds * 1_000;
  const schedule = scheduleOf({ seed, nodes, durationMs, kinds, outageMsMax });
  await step(
    `Clients and faults, seed ${seed}`,
    async (current) => {
      workload.start();
      nemesis.start(schedule);
      let before = 0;
      for (let second = 0; second < seconds && !signal.aborted; second += 1) {
        await delay(1_000, undefined, { signal }).catch(() => undefined);
        const { ok, unknown, refused } = sumOf(workload.counts);
        const total = ok + unknown + refused;
        current.detail = progressLine(workload, total - before, nemesis.current);
        before = total;
      }
      try {
        await nemesis.heal();
      } finally {
        await workload.stop();
      }
    },
    { expectedSeconds: seconds },
  );
}

async function inTheEnd(running: Running, problems: string[]): Promise<ColdFindings | undefined> {
  const { ring, workload, targets, signal } = running;
  await step("All nodes ready and all copies made again", () => allWell(ring, signal));
  if (signal.aborted) return undefined;
  return await readInTheEnd(workload, targets, problems);
}
