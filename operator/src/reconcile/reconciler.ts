/**
 * Makes one ring be as its spec says, one pass at a time.
 *
 * A pass runs the steps in their order and the status step at the end, whatever happened before. It
 * does not know why it was called: it looks at the world and moves it a bit closer to the spec.
 */
import { isNamespaceEnding } from "../kube/api-client.ts";
import { parseKey } from "../kube/kinds.ts";
import type { ReconcileResult } from "../metrics/metrics.ts";
import { Pass, type Step, type Tools } from "./pass.ts";
import { type Failure, failureOf } from "./result.ts";
import { access } from "./steps/access.ts";
import { config } from "./steps/config.ts";
import { disruption } from "./steps/disruption.ts";
import { observe } from "./steps/observe.ts";
import { roster } from "./steps/roster.ts";
import { scale } from "./steps/scale.ts";
import { services } from "./steps/services.ts";
import { status } from "./steps/status.ts";
import { workload } from "./steps/workload.ts";

/** Later steps use what earlier ones found; status is not in this list because it always runs. */
export const STEPS: readonly Step[] = [
  access,
  observe,
  config,
  services,
  roster,
  scale,
  workload,
  disruption,
];

/** A failure that waits for a person is looked at again this often. */
const REFUSED_RETRY_MS = 5_000;

export class Reconciler {
  readonly #tools: Tools;
  readonly #steps: readonly Step[];

  constructor(tools: Tools, steps: readonly Step[] = STEPS) {
    this.#tools = tools;
    this.#steps = steps;
  }

  /** One pass over the ring `key`; returns when to look again, undefined when it is gone. */
  async reconcile(key: string): Promise<number | undefined> {
    const ring = this.#tools.rings.get(parseKey(key));
    if (!ring) {
      this.#forget(key);
      return undefined;
    }
    // Everything the ring owns is deleted by Kubernetes itself, through owner references.
    if (ring.metadata.deletionTimestamp !== undefined) return undefined;
    const startedMs = performance.now();
    const pass = new Pass(ring, this.#tools);
    let result: ReconcileResult = "error";
    try {
      const failure = await this.#runSteps(pass);
      await status.run(pass);
      result = failure ? "refused" : this.#resultOf(pass);
      return failure ? REFUSED_RETRY_MS : pass.lookAgainMs;
    } catch (error) {
      if (!isNamespaceEnding(error)) throw error;
      result = "waiting";
      return REFUSED_RETRY_MS;
    } finally {
      this.#tools.metrics.reconciled(result, (performance.now() - startedMs) / 1000);
    }
  }

  /** Runs the steps; a failure that trying again cannot cure is returned, any other is thrown. */
  async #runSteps(pass: Pass): Promise<Failure | undefined> {
    for (const step of this.#steps) {
      try {
        await step.run(pass);
      } catch (error) {
        if (isNamespaceEnding(error)) throw error;
        const failure = failureOf(error);
        pass.log.warn({ step: step.name, err: error }, "Step failed");
        pass.problems.push({ reason: failure.reason, message: failure.message });
        if (!failure.retry) return failure;
        await status.run(pass);
        throw error;
      }
    }
    return undefined;
  }

  #resultOf(pass: Pass): ReconcileResult {
    if (pass.problems.length > 0) return "refused";
    return pass.progress ? "waiting" : "success";
  }

  #forget(key: string): void {
    this.#tools.metrics.ringGone(key);
    const live = new Set(this.#tools.rings.list().map((ring) => ring.metadata.uid));
    const { tokens, keysWrittenMs, watches } = this.#tools;
    for (const memory of [tokens, keysWrittenMs, watches]) {
      for (const uid of memory.keys()) {
        if (!live.has(uid)) memory.delete(uid);
      }
    }
    this.#tools.log.debug({ ring: key }, "Ring is gone");
  }
}
