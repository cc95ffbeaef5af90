/**
 * What a failed test leaves in artifacts/e2e/<suite>/: the pods, the events, the end of the
 * operator's log and of the nodes' logs, the rings as objects and as their nodes see them.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { config } from "../config.ts";
import { tryKubectl } from "./cluster.ts";
import { OPERATOR_NAMESPACE } from "./operator.ts";
import { Ring } from "./ring.ts";

const LOG_LINES = 500;

/** Collects what it can: a diagnosis that fails must not hide the failure it is about. */
export async function keepDiagnosis(suite: string, namespace: string): Promise<string> {
  const directory = join(config.artifacts, suite);
  await mkdir(directory, { recursive: true });
  const here = ["--namespace", namespace];
  const tail = `--tail=${LOG_LINES}`;
  const commands: Readonly<Record<string, readonly string[]>> = {
    "pods.txt": [...here, "get", "pods", "--output", "wide"],
    "pods-described.txt": [...here, "describe", "pods"],
    "events.txt": [...here, "get", "events", "--sort-by=.lastTimestamp"],
    "objects.txt": [...here, "get", "rings,statefulsets,services,pdb,configmaps,pvc"],
    "rings.yaml": [...here, "get", "rings", "--output", "yaml"],
    "nodes.log": [...here, "logs", "-l", "chordring.dev/ring", "--prefix", tail],
    "operator.log": ["-n", OPERATOR_NAMESPACE, "logs", "deployment/chordring-operator", tail],
    "operator-pods.txt": ["-n", OPERATOR_NAMESPACE, "describe", "pods"],
  };
  for (const [file, words] of Object.entries(commands)) {
    const { stdout, stderr } = await tryKubectl(words);
    await writeFile(join(directory, file), stdout + stderr);
  }
  await writeFile(join(directory, "views.json"), await ringViews(namespace));
  return relative(process.cwd(), directory);
}

async function ringViews(namespace: string): Promise<string> {
  const words = ["--namespace", namespace, "get", "rings", "--output", "name"];
  const { stdout } = await tryKubectl(words);
  const names = stdout.split("\n").flatMap((line) => line.split("/")[1] ?? []);
  const views: Record<string, unknown> = {};
  for (const name of names) {
    views[name] = await new Ring(namespace, name).views().catch((error: unknown) => String(error));
  }
  return `${JSON.stringify(views, undefined, 2)}\n`;
}
