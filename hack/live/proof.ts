/**
 * The proof at the end of a test: every key is read through every node, every acknowledged cold key
 * is there, and one order explains all that clients saw of each key.
 */
import { basename, join } from "node:path";
import { checkLinearizability, type LinearizabilityReport } from "../lib/linearizability.ts";
import { step } from "../lib/progress.ts";
import type { Target } from "./client.ts";
import { type ColdFindings, judgeColdKeys, readEverything } from "./final-reads.ts";
import type { Workload } from "./workload.ts";

const CHECK_TIMEOUT_SECONDS = 120;
const EXAMPLES_MAX = 5;

/** Undefined what the test did not come to. */
export interface Proof {
  readonly cold: ColdFindings | undefined;
  readonly report: LinearizabilityReport | undefined;
}

/** The name of the history in a test's folder. */
export const HISTORY_FILE = "history.jsonl";

/** Reads all keys through all nodes and judges the cold ones; adds what is wrong to `problems`. */
export async function readInTheEnd(
  workload: Workload,
  targets: readonly Target[],
  problems: string[],
): Promise<ColdFindings> {
  const { found, unanswered } = await step("Reading everything through every node", (current) =>
    readEverything(workload, targets, (detail) => {
      current.detail = detail;
    }),
  );
  const cold = judgeColdKeys(workload.cold, found);
  problems.push(...unanswered, ...cold.wrong.slice(0, EXAMPLES_MAX));
  if (cold.wrong.length > EXAMPLES_MAX) problems.push(`${cold.wrong.length} cold keys are wrong`);
  return cold;
}

/** Checks the closed history in `directory`, key by key; adds what is wrong to `problems`. */
export async function explainEverything(
  directory: string,
  problems: string[],
): Promise<LinearizabilityReport> {
  const report = await step("Looking for an order that explains every answer", () =>
    checkLinearizability({
      history: join(directory, HISTORY_FILE),
      pictures: directory,
      timeoutSeconds: CHECK_TIMEOUT_SECONDS,
    }),
  );
  const bad = report.verdicts.filter(({ verdict }) => verdict !== "ok");
  for (const { key, verdict, reason, picture } of bad.slice(0, EXAMPLES_MAX)) {
    const why = reason === undefined ? "" : `: ${reason}`;
    const drawn = picture === undefined ? "" : ` (${basename(picture)})`;
    problems.push(`${key} is ${verdict}${why}${drawn}`);
  }
  if (bad.length > EXAMPLES_MAX) problems.push(`${bad.length} keys are not linearizable`);
  return report;
}
