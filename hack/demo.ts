/**
 * `make demo`: from nothing to a running ring that one can see and use. Every step is idempotent,
 * so running it again repairs whatever was taken apart meanwhile.
 */
import { join } from "node:path";
import { commandDirectory } from "./cluster/binaries.ts";
import { currentCluster } from "./cluster/current.ts";
import { Kubectl } from "./cluster/kubectl.ts";
import { clusterUp } from "./cluster/main.ts";
import { NAMESPACE, RING, tellStory } from "./demo/story.ts";
import { deploy } from "./deploy.ts";
import { runScript } from "./lib/command-line.ts";
import { step } from "./lib/progress.ts";
import { settings } from "./lib/settings.ts";
import { waitFor } from "./lib/wait-for.ts";

const SAMPLE = join(settings.repositoryRoot, "charts/chordring-operator/samples/demo.yaml");
const CONVERGED_TIMEOUT_MS = 150_000;

interface RingObject {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message?: string;
}

/** What to show while waiting: how many nodes are ready, and the operator's own words. */
function describeProgress(ring: RingObject, message: string): string {
  const ready = `${ring.status?.readyReplicas ?? 0} of ${ring.spec.replicas} nodes ready`;
  return message === "" ? ready : `${ready}; ${message}`;
}

/** Whether the ring has converged on its present spec, and what to show until then. */
export function convergence(ring: RingObject): { converged: boolean; detail: string } {
  const condition = ring.status?.conditions?.find(({ type }) => type === "RingConverged");
  const current = ring.status?.observedGeneration === ring.metadata.generation;
  const converged = current && condition?.status === "True";
  const message = converged ? "" : (condition?.message ?? "");
  return { converged, detail: describeProgress(ring, message) };
}

async function waitForRing(kubectl: Kubectl): Promise<void> {
  await step(
    `ring ${RING} converged`,
    async (current) => {
      const converged = async (): Promise<boolean> => {
        const words = ["get", "chordring", RING, "--namespace", NAMESPACE];
        const state = convergence(await kubectl.json<RingObject>(words));
        current.detail = state.detail;
        return state.converged;
      };
      const description = `ring ${RING} has converged`;
      await waitFor(description, converged, { timeoutMs: CONVERGED_TIMEOUT_MS, intervalMs: 500 });
    },
    { expectedSeconds: 15 },
  );
}

/** A ring that was there before keeps its image until someone says otherwise; this says how. */
async function tellUpdate(kubectl: Kubectl): Promise<void> {
  const words = ["get", "chordring", RING, "--namespace", NAMESPACE];
  const { status } = await kubectl.json<RingObject>(words);
  const update = status?.conditions?.find(({ type }) => type === "UpdateAvailable");
  if (update?.status !== "True") return;
  const annotate = `kubectl annotate chordring/${RING} chordring.dev/restart="$(date)" --overwrite`;
  process.stdout.write(
    `The ring runs an older node image; to take the new one:\n  ${annotate}\n\n`,
  );
}

const nextCommands: readonly (readonly [command: string, purpose: string])[] = [
  ['eval "$(make -s env)"', "kubectl, helm and Node 24 on PATH"],
  [`kubectl port-forward service/${RING} 8080:80`, "then open http://localhost:8080/ui"],
  ["curl -X PUT --data-binary hello http://localhost:8080/v1/kv/greeting", ""],
  ["curl http://localhost:8080/v1/kv/greeting", ""],
  [`kubectl scale chordring/${RING} --replicas=7`, "grow the ring, watch it on the page"],
  [`kubectl delete pod ${RING}-0 ${RING}-3`, "nodes go and come back: the ring heals"],
  [`kubectl get chordring ${RING} --watch`, "what the operator says about it"],
  ["curl http://localhost:8080/metrics", "hops, latencies, stabilization"],
  ["make cluster-down", "remove everything again"],
];

function describeNext(): string {
  const PURPOSE_COLUMN = 50;
  const lines = nextCommands.map(
    ([command, purpose]) =>
      `  ${purpose === "" ? command : command.padEnd(PURPOSE_COLUMN)}${purpose}`,
  );
  return `Next:\n${lines.join("\n")}\n`;
}

if (import.meta.main) {
  await runScript(async () => {
    await clusterUp();
    await deploy();
    const { kubeconfig } = await currentCluster();
    const kubectl = new Kubectl(join(commandDirectory, "kubectl"), kubeconfig);
    await step(`apply ${SAMPLE.slice(settings.repositoryRoot.length + 1)}`, () =>
      kubectl.text(["apply", "--filename", SAMPLE]),
    );
    await waitForRing(kubectl);
    const blocks = await step("put and get values", () => tellStory(kubectl));
    process.stdout.write(`\n${blocks.map((lines) => lines.join("\n")).join("\n\n")}\n\n`);
    await tellUpdate(kubectl);
    process.stdout.write(describeNext());
  });
}
