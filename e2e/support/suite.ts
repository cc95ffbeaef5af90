/**
 * The frame of every suite: a namespace of its own, made before and deleted after, and a diagnosis
 * with the first failure. All suites share the cluster and its one operator.
 */
import { relative } from "node:path";
import type { Context } from "mocha";
import { config } from "../config.ts";
import { apiFind, kubectl } from "./cluster.ts";
import { keepDiagnosis } from "./diagnostics.ts";
import { decideReachByOperator } from "./operator.ts";
import { eventually, minuteMs } from "./wait.ts";

/**
 * For `this.timeout` of every suite. Far above what any test takes: each wait inside has its own,
 * tighter bound and a message that says more.
 */
export const testTimeoutMs: number = 15 * minuteMs;

interface NamespaceOptions {
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Gives the enclosing `describe` a fresh namespace, whose name it returns. To be called first, so
 * that the suite's own hooks find everything in place.
 */
export function useNamespace(suite: string, options: NamespaceOptions = {}): string {
  const namespace = `chordring-e2e-${suite}`;
  let failed = false;

  before(async () => {
    await decideReachByOperator();
    await removeNamespace(namespace);
    await kubectl(["create", "namespace", namespace]);
    const labels = Object.entries(options.labels ?? {}).map(([key, value]) => `${key}=${value}`);
    if (labels.length > 0) await kubectl(["label", "namespace", namespace, ...labels]);
  });

  afterEach(async function (this: Context) {
    if (failed || this.currentTest?.state !== "failed") return;
    failed = true;
    await tellDiagnosis(this, suite, namespace);
  });

  after(async function (this: Context) {
    const tests = this.test?.parent?.tests ?? [];
    // A failed hook leaves all its tests without a state.
    if (!failed && tests.every((test) => test.state === undefined)) {
      failed = true;
      await tellDiagnosis(this, suite, namespace);
    }
    if (!(failed && config.keepFailed)) await beginRemoval(namespace);
  });

  return namespace;
}

async function tellDiagnosis(context: Context, suite: string, namespace: string): Promise<void> {
  const directory = await keepDiagnosis(suite, namespace);
  const file = relative(process.cwd(), context.test?.file ?? `e2e/${suite}.test.ts`);
  process.stdout.write(
    `diagnosis: ${directory}\nreplay: eval "$(make -s env)" && make deploy && npx mocha ${file}\n`,
  );
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
