/**
 * The cluster of the end-to-end stage: the caller's own when KUBECONFIG leads elsewhere, else the
 * one of `make cluster`, started if need be. A cluster that the stage starts is noted in the file
 * `cluster-started`, so that whoever cleans up afterwards leaves everybody else's alone.
 */
import { rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { commandDirectory } from "../cluster/binaries.ts";
import { clusterExists, currentCluster } from "../cluster/current.ts";
import { settings } from "../lib/settings.ts";

export interface TestCluster {
  /** What the tests need to reach it. */
  readonly environment: Readonly<Record<string, string>>;
  /** True for the caller's own cluster, which has to have the operator installed already. */
  readonly foreign: boolean;
}

/** Decides which cluster to test on; `directory` receives the note. */
export async function chooseCluster(directory: string): Promise<TestCluster> {
  const note = join(directory, "cluster-started");
  rmSync(note, { force: true });
  // Tests start node, kubectl and helm by name; a machine's own ones are often too old.
  const PATH = [commandDirectory, dirname(process.execPath), settings.searchPath].join(delimiter);
  const { kubeconfig, auditLog } = await currentCluster();
  if (settings.kubeconfig !== "" && settings.kubeconfig !== kubeconfig) {
    return { environment: { PATH, KUBECONFIG: settings.kubeconfig }, foreign: true };
  }
  if (!(await clusterExists())) writeFileSync(note, `${kubeconfig}\n`);
  const environment = { PATH, KUBECONFIG: kubeconfig, CHORDRING_AUDIT_LOG: auditLog };
  return { environment, foreign: false };
}
