/**
 * The cluster of the end-to-end stage: the caller's own when KUBECONFIG is set, else the one of
 * `make cluster`, started if it does not run. A cluster that the stage starts is noted in the file
 * `cluster-started`, so that whoever cleans up afterwards leaves everybody else's alone.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandDirectory } from "../cluster/binaries.ts";
import { currentCluster } from "../cluster/current.ts";
import { findProgram, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";

export interface TestCluster {
  /** What the deployment and the tests need to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** False when the stage has to start it first. */
  readonly running: boolean;
}

/** Decides which cluster to test on; `directory` receives the note. */
export async function chooseCluster(directory: string): Promise<TestCluster> {
  const note = join(directory, "cluster-started");
  rmSync(note, { force: true });
  const PATH = `${commandDirectory}:${settings.searchPath}`;
  const { kubeconfig, auditLog } = await currentCluster();
  if (settings.kubeconfig !== "" && settings.kubeconfig !== kubeconfig) {
    if (await answers(settings.kubeconfig)) {
      return { environment: { PATH, KUBECONFIG: settings.kubeconfig }, running: true };
    }
    throw new Error(
      `no API server answers behind KUBECONFIG=${settings.kubeconfig}: ` +
        "start that cluster, or unset KUBECONFIG to test on the one of `make cluster`",
    );
  }
  const running = await answers(kubeconfig);
  if (!running) writeFileSync(note, `${kubeconfig}\n`);
  const environment = { PATH, KUBECONFIG: kubeconfig, CHORDRING_AUDIT_LOG: auditLog };
  return { environment, running };
}

async function answers(kubeconfig: string): Promise<boolean> {
  const linked = join(commandDirectory, "kubectl");
  const kubectl = existsSync(linked) ? linked : await findProgram("kubectl");
  if (kubectl === undefined || !existsSync(kubeconfig)) return false;
  const words = ["--kubeconfig", kubeconfig, "--request-timeout=5s", "get", "--raw", "/readyz"];
  return (await run([kubectl, ...words], { allowFailure: true })).code === 0;
}
