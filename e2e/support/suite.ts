/**
 * The frame of every suite: a namespace of its own, made before and deleted after, and a diagnosis
 * with the first failure. All suites share the cluster and its one operator.
 */
import type { Context } from "mocha";
import { config } from "../config.ts";
import { apiFind, kubectl } from "./cluster.ts";
import { keepDiagnosis } from "./diagnostics.ts";
import { decideReachByOperator } from "./operator.ts";
import { closeForwards } from "./reach.ts";
import { eventually, minuteMs } from "./wait.ts";

/**
 * For `this.timeout` of every suite. Far above what any test takes: each wait inside has its own,
 * tighter bound and a message that says more.
 */
export const testTimeoutMs: number = 15 * minuteMs;

const PREFIX = "chordring-e2e-";

/** What to set for a suite to do the same again, by namespace. */
const knobsOf = new Map<string, string>();

/** Suites that failed, each diagnosed once, at the first failure. */
const failed = new Set<string>();

// Outside any suite: after the last one of the whole run.
after(closeForwards);

interface NamespaceOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Variables with which the suite does the same again, as a shell takes them. */
  readonly knobs?: string;
}

/**
 * Gives the enclosing `describe`, in the file `e2e/<suite>.test.ts`, a fresh namespace, whose name
 * it returns. To be called first, so that the suite's own hooks find everything in place.
 */
export function useNamespace(suite: string, options: NamespaceOptions = {}): string {
  const namespace = `${PREFIX}${suite}`;
  let touched = false;
  knobsOf.set(namespace, options.knobs ?? "");

  before(async () => {
    await decideReachByOperator();
    touched = true;
    await removeNamespace(namespace);
    await kubectl(["create", "namespace", namespace]);
    const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    if (labels.length > 0) await kubectl(["label", "namespace", namespace, ...labels]);
  });

  afterEach(async function (this: Context) {
    if (this.currentTest?.state === "failed") await diagnose(namespace);
  });

  after(async () => {
    const kept = failed.has(namespace) && config.keepFailed;
    if (touched && !kept) await beginRemoval(namespace);
  });

  return namespace;
}

/** For a suite's `before`: prepares, and diagnoses a failure of that as one of a test. */
export function prepared(namespace: string, prepare: () => Promise<void>): () => Promise<void> {
  return async () => {
    try {
      await prepare();
    } catch (error) {
      await diagnose(namespace);
      throw error;
    }
  };
}

async function diagnose(namespace: string): Promise<void> {
  if (failed.has(namespace)) return;
  failed.add(namespace);
  const suite = namespace.slice(PREFIX.length);
  const directory = await keepDiagnosis(suite, namespace);
  const mocha = `${knobsOf.get(namespace) ?? ""} npx mocha e2e/${suite}.test.ts`.trim();
  const replay = `eval "$(make -s env)" && make deploy && ${mocha}`;
  process.stdout.write(`diagnosis: ${directory}\nreplay the suite: ${replay}\n`);
}

async function beginRemoval(namespace: string): Promise<void> {
  await kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"]);
}

/** Removes what an earlier run may have left. */
async function removeNamespace(namespace: string): Promise<void> {
  await beginRemoval(namespace);
  await eventually(`namespace ${namespace} is gone`, 3 * minuteMs, async () => {
    const found = await apiFind<{ status: unknown }>(`/api/v1/namespaces/${namespace}`);
    if (found !== undefined) throw new Error(JSON.stringify(found.status));
  });
}
