/**
 * The load generator, a process of its own: takes one job after another from its parent, so that
 * its code stays compiled between the turns of a comparison. It reads the servers' CPU itself, at
 * the very beginning and end of what it measures.
 */
import { setTimeout as delay } from "node:timers/promises";
import { SeededRandom } from "../../hack/lib/seeded-random.ts";
import { Arrivals } from "./arrivals.ts";
import { Clients, Counts } from "./clients.ts";
import { cpuSecondsOf, writeCallsOf } from "./process-usage.ts";
import type { LoadJob, LoadResult, Target } from "./load-job.ts";
import { plainRequest, requestBytes } from "./request-bytes.ts";

/** Connections are opened and queues fill before anything counts. */
const RAMP_MS = 400;
/** Answers of requests under way arrive before the next turn begins. */
const SETTLE_MS = 200;
const TICK_MS = 1;

interface Moment {
  readonly timeMs: number;
  readonly servers: readonly number[];
  readonly writeCalls: number;
  readonly generatorSeconds: number;
}

function moment(processIds: readonly number[]): Moment {
  const { user, system } = process.cpuUsage();
  return {
    timeMs: performance.now(),
    servers: processIds.map(cpuSecondsOf),
    writeCalls: processIds.reduce((sum, processId) => sum + writeCallsOf(processId), 0),
    generatorSeconds: (user + system) / 1e6,
  };
}

/** Each target's part of the rate, by its clients; null in a closed loop. */
function arrivalsOf(job: LoadJob, target: Target): Arrivals | null {
  if (job.perSecond === null) return null;
  const all = job.targets.reduce((sum, { connections }) => sum + connections, 0);
  return new Arrivals(performance.now(), (job.perSecond * target.connections) / all);
}

function clientsOf(job: LoadJob, counts: Counts): Clients[] {
  const prepared = job.targets
    .filter(({ connections, keys }) => connections > 0 && keys.length > 0)
    .map((target) => {
      const requests = target.keys.map((key) =>
        requestBytes(plainRequest(job.form, job.operation, key), target.port),
      );
      return { target, requests };
    });
  return prepared.map(({ target, requests }, stream) => {
    const random = new SeededRandom(job.seed, stream);
    const arrivals = arrivalsOf(job, target);
    return new Clients({ target, requests, arrivals, random, counts });
  });
}

async function perform(job: LoadJob): Promise<LoadResult> {
  const counts = new Counts();
  const all = clientsOf(job, counts);
  const timer = setInterval(() => {
    const nowMs = performance.now();
    for (const clients of all) clients.sendDue(nowMs);
  }, TICK_MS);
  if (job.perSecond === null) clearInterval(timer);
  await delay(RAMP_MS);
  counts.clear();
  const before = moment(job.processIds);
  await delay(job.seconds * 1_000);
  const after = moment(job.processIds);
  clearInterval(timer);
  const waiting = all.reduce((sum, clients) => sum + clients.waiting(after.timeMs), 0);
  for (const clients of all) clients.close(after.timeMs);
  const result = resultOf(counts, before, after);
  await delay(SETTLE_MS);
  return { ...result, waiting };
}

function resultOf(counts: Counts, before: Moment, after: Moment): Omit<LoadResult, "waiting"> {
  const { latency, lateness, failures, firstFailure, forwarded } = counts;
  const seconds = (after.timeMs - before.timeMs) / 1_000;
  const cpuSeconds = after.servers.map((used, index) => used - (before.servers[index] ?? 0));
  const cpuSecondsSum = cpuSeconds.reduce((sum, one) => sum + one, 0);
  return {
    operations: latency.count,
    failures,
    firstFailure,
    forwarded,
    operationsPerSecond: latency.count / seconds,
    cpuMicrosecondsPerOperation: (cpuSecondsSum * 1e6) / latency.count,
    writeCallsPerOperation: (after.writeCalls - before.writeCalls) / latency.count,
    coresUsed: cpuSeconds.map((one) => one / seconds),
    generatorCoresUsed: (after.generatorSeconds - before.generatorSeconds) / seconds,
    p50Ms: latency.percentileMs(0.5),
    p99Ms: latency.percentileMs(0.99),
    p999Ms: latency.percentileMs(0.999),
    latenessP99Ms: lateness.percentileMs(0.99),
  };
}

process.on("message", (job: LoadJob) => {
  void perform(job).then((result) => process.send?.(result));
});
