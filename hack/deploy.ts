/**
 * `make deploy`: both images built and loaded, the operator installed or upgraded by helm.
 */
import { join } from "node:path";
import { commandDirectory } from "./cluster/binaries.ts";
import { clusterExists, currentCluster } from "./cluster/current.ts";
import type { ProductImages } from "./images/build.ts";
import { prepareImages } from "./images.ts";
import { runScript } from "./lib/command-line.ts";
import { withLock } from "./lib/lock.ts";
import { step } from "./lib/progress.ts";
import { run } from "./lib/run.ts";
import { settings } from "./lib/settings.ts";

const RELEASE = "chordring";
export const OPERATOR_NAMESPACE = "chordring-system";
const CHART = join(settings.repositoryRoot, "charts", "chordring-operator");
const helm = join(commandDirectory, "helm");

/** The chart's values for images that were loaded, not pushed. */
export function imageValues({
  node,
  operator,
}: Pick<ProductImages, "node" | "operator">): string[] {
  const values = {
    "image.repository": operator.repository,
    "image.tag": operator.tag,
    "image.pullPolicy": "IfNotPresent",
    "nodeImage.repository": node.repository,
    "nodeImage.tag": node.tag,
  };
  return Object.entries(values).flatMap(([name, value]) => ["--set-string", `${name}=${value}`]);
}

/**
 * A helm that was interrupted leaves a lock on the release; rings are not touched by undoing it.
 */
async function clearInterrupted(target: readonly string[]): Promise<void> {
  const command = [helm, "status", RELEASE, ...target, "--output", "json"];
  const { code, stdout } = await run(command, { allowFailure: true });
  if (code !== 0) return;
  const { info } = JSON.parse(stdout) as { info?: { status?: string } };
  if (info?.status === "pending-install") await run([helm, "uninstall", RELEASE, ...target]);
  if (info?.status === "pending-upgrade") await run([helm, "rollback", RELEASE, ...target]);
}

/** Brings the operator of this checkout into the current cluster. */
export async function deploy(): Promise<void> {
  if (!(await clusterExists())) throw new Error("there is no cluster; start one: make cluster");
  const { kubeconfig } = await currentCluster();
  const images = await prepareImages();
  const target = ["--kubeconfig", kubeconfig, "--namespace", OPERATOR_NAMESPACE];
  const options = ["--install", "--create-namespace", "--wait", "--timeout", "3m"];
  const upgrade = [helm, "upgrade", RELEASE, CHART, ...target, ...options, ...imageValues(images)];
  // Two helms at work on one release fail each other.
  await withLock(join(settings.cacheDirectory, "deploy.lock"), async () => {
    await clearInterrupted(target);
    await step("install the operator with helm", () => run(upgrade), { expectedSeconds: 15 });
  });
}

if (import.meta.main) {
  await runScript(async () => {
    await deploy();
    process.stdout.write(`
The operator runs. Next:
  eval "$(make -s env)"
  kubectl apply -f charts/chordring-operator/samples/demo.yaml
  kubectl get chordrings --watch
  kubectl logs -n ${OPERATOR_NAMESPACE} deployment/chordring-operator --follow
`);
  });
}
