/**
 * Where the CPU of one node of a ring goes, under each kind of load: functions, files, threads.
 * It is for whoever makes the node faster; the sampling slows it a little, so no rate counts.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LocalNode } from "../../hack/lib/local-ring.ts";
import { type CpuProfile, type Share, summarize } from "./cpu-profile.ts";
import { type ThreadCpu, threadsOf } from "./process-usage.ts";
import { Inspector } from "./inspector.ts";
import type { LoadResult } from "./load-job.ts";
import { figure } from "./report.ts";
import { ringSystems, startRing, type System } from "./systems.ts";
import { type Load, runTurn, type Turns, warmUp } from "./turns.ts";

const NODES = 3;
const THREAD_SHARE_MIN = 0.002;

/** Profiles node 0; returns the summaries and leaves the profiles in `artifacts`. */
export async function profiles(turns: Turns, artifacts: string): Promise<string> {
  turns.report("starts the ring");
  const words = ["--inspect=127.0.0.1:0"];
  const ring = await startRing({ nodes: NODES, main: turns.options.main, words });
  try {
    const systems = await ringSystems(ring);
    const loads = (["put", "get"] as const).flatMap((operation) =>
      systems.map((system: System): Load => {
        return { system, operation, work: operation, perSecond: null };
      }),
    );
    await warmUp(turns, loads);
    mkdirSync(artifacts, { recursive: true });
    const parts: string[] = [];
    for (const load of loads) {
      const name = `${load.work} ${load.system.name}`;
      turns.report(`profiles ${name}`);
      const taken = await profileTurn(turns, load, ring.node(0));
      const file = `${name.replaceAll(/\W+/g, "-")}.cpuprofile`;
      writeFileSync(join(artifacts, file), JSON.stringify(taken.profile));
      parts.push(`== ${name} (${file})\n${describe(taken)}`);
    }
    return parts.join("\n\n");
  } finally {
    await ring.stop();
  }
}

interface Taken {
  readonly profile: CpuProfile;
  readonly result: LoadResult;
  /** CPU of each thread during the profile. */
  readonly threads: readonly ThreadCpu[];
}

async function profileTurn(turns: Turns, load: Load, node: LocalNode): Promise<Taken> {
  const inspector = await Inspector.connect(node.log());
  try {
    const before = new Map(threadsOf(node.processId).map(({ id, cpuSeconds }) => [id, cpuSeconds]));
    await inspector.begin();
    const result = await runTurn(turns, load, turns.options.seconds);
    const profile = await inspector.end();
    const threads = threadsOf(node.processId).map((thread) => {
      return { ...thread, cpuSeconds: thread.cpuSeconds - (before.get(thread.id) ?? 0) };
    });
    return { profile, result, threads };
  } finally {
    inspector.close();
  }
}

function describe({ profile, result, threads }: Taken): string {
  const { busyShare, functions, files, inclusive } = summarize(profile);
  return [
    `${figure(result.operationsPerSecond)} op/s in the ring, ` +
      `${figure(result.cpuMicrosecondsPerOperation)} µs/op, ` +
      `${figure(result.writeCallsPerOperation)} write calls/op, ${result.failures} failures; ` +
      `this node's main thread was busy ${percent(busyShare)}`,
    `threads: ${threadsLine(threads)}`,
    ...shareLines("self time by function", functions),
    ...shareLines("self time by file", files),
    ...shareLines("own functions with what they call", inclusive),
  ].join("\n");
}

function threadsLine(threads: readonly ThreadCpu[]): string {
  const byName = new Map<string, number>();
  for (const { name, cpuSeconds } of threads) {
    byName.set(name, (byName.get(name) ?? 0) + cpuSeconds);
  }
  const all = [...byName.values()].reduce((sum, one) => sum + one, 0);
  return [...byName]
    .filter(([, cpuSeconds]) => cpuSeconds / all > THREAD_SHARE_MIN)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, cpuSeconds]) => `${name} ${percent(cpuSeconds / all)}`)
    .join(", ");
}

function shareLines(title: string, list: readonly Share[]): string[] {
  return [
    `-- ${title}`,
    ...list.map(({ name, share }) => `${percent(share).padStart(7)}  ${name}`),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
