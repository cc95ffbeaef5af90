/**
 * The end of a live test: every key is read through every node until it answers. No acknowledged
 * cold key may be missing or another one, and none that was refused may be there.
 */
import { waitFor } from "../lib/wait-for.ts";
import type { Target } from "./client.ts";
import type { Completion } from "./history.ts";
import type { ColdKey, Workload } from "./workload.ts";

/** Reads at once; the ring has nothing else to do. */
const READERS = 24;
const ANSWER_TIMEOUT_MS = 30_000;
const UNANSWERED_MAX = 5;

export interface ColdFindings {
  readonly acknowledged: number;
  readonly refused: number;
  /** Puts of unknown outcome, and how many of them took effect. */
  readonly unknown: number;
  readonly unknownFound: number;
  /** One sentence for each acknowledged write that is not there, and each refused one that is. */
  readonly wrong: readonly string[];
}

/** What one node said about one key in the end. */
interface Found {
  readonly key: string;
  readonly node: string;
  readonly completion: Completion;
}

export interface FinalReads {
  readonly found: readonly Found[];
  /** Keys that did not answer although the ring is whole; reading ends at some. */
  readonly unanswered: readonly string[];
}

/** Reads all keys through all nodes, each until it answers. */
export async function readEverything(
  workload: Workload,
  targets: readonly Target[],
  show: (detail: string) => void,
): Promise<FinalReads> {
  const keys = [...workload.hotKeys, ...workload.cold.map(({ key }) => key)];
  const reads = keys.flatMap((key) => targets.map((target) => ({ key, target })));
  const found: Found[] = [];
  const unanswered: string[] = [];
  const queue = reads.values();
  const reader = async (): Promise<void> => {
    for (const { key, target } of queue) {
      if (unanswered.length >= UNANSWERED_MAX) return;
      try {
        const completion = await answered(workload, key, target);
        found.push({ key, node: target.name, completion });
      } catch (error) {
        unanswered.push((error as Error).message);
      }
      if (found.length % 500 === 0) show(`${found.length} of ${reads.length} final reads`);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return { found, unanswered };
}

function answered(workload: Workload, key: string, target: Target): Promise<Completion> {
  return waitFor(
    `${key} answers through ${target.name} although the ring is whole`,
    async () => {
      const completion = await workload.read(key, target);
      return completion.outcome === "ok" && completion;
    },
    { timeoutMs: ANSWER_TIMEOUT_MS, intervalMs: 100 },
  );
}

/** Compares what is there with what each cold key's client was told. */
export function judgeColdKeys(cold: readonly ColdKey[], found: readonly Found[]): ColdFindings {
  const byKey = Map.groupBy(found, ({ key }) => key);
  const counts = { acknowledged: 0, refused: 0, unknown: 0, unknownFound: 0 };
  const wrong: string[] = [];
  for (const one of cold) {
    const reads = byKey.get(one.key) ?? [];
    const outcome = one.completion?.outcome ?? "unknown";
    counts[outcome === "ok" ? "acknowledged" : outcome] += 1;
    if (outcome === "unknown" && reads.some((read) => isThere(one, read))) counts.unknownFound += 1;
    const problem = problemOf(one, reads);
    if (problem !== undefined) wrong.push(problem);
  }
  return { ...counts, wrong };
}

function isThere(cold: ColdKey, { completion }: Found): boolean {
  return completion.status === 200 && completion.value === cold.value;
}

/** An acknowledged value is everywhere, with its ETag; a refused one nowhere. */
function problemOf(cold: ColdKey, reads: readonly Found[]): string | undefined {
  const broken = reads.find((read) => !agrees(cold, read));
  if (broken === undefined) return undefined;
  const { status, value = "" } = broken.completion;
  return `${cold.key} ${toldOf(cold)}, but ${broken.node} answers ${status} ${value}`.trimEnd();
}

/** Whether a read is what the client of the key was told. */
function agrees(cold: ColdKey, read: Found): boolean {
  const absent = read.completion.status === 404;
  switch (cold.completion?.outcome) {
    case "ok":
      return isThere(cold, read) && read.completion.etag === cold.completion.etag;
    case "refused":
      return absent;
    case "unknown":
    case undefined:
      return absent || isThere(cold, read);
  }
}

function toldOf({ completion, value }: ColdKey): string {
  if (completion?.outcome === "ok") return `was acknowledged with ${value} ${completion.etag}`;
  return completion?.outcome === "refused" ? "was refused" : `was only put with ${value}`;
}
