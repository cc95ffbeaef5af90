/**
 * Writes what is generated: the CustomResourceDefinition, in crds/ and in the chart.
 *
 * The one source is operator/src/api/. `--check` writes nothing and fails when a file differs from
 * what would be written, so that a schema change cannot be committed without its manifests.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { stringify } from "yaml";
import { customResourceDefinition } from "../operator/src/api/crd.ts";

const root = join(import.meta.dirname, "..");
const header =
  "# Generated from operator/src/api by `make gen`; change it there.\n" +
  "# The schema of ChordRing resources (chordring.dev/v1alpha1).\n";
const crd =
  header + stringify(customResourceDefinition(), { lineWidth: 100, aliasDuplicateObjects: false });

const outputs = new Map<string, string>([
  [join(root, "crds/chordring.dev_chordrings.yaml"), crd],
  [join(root, "charts/chordring-operator/files/chordring.dev_chordrings.yaml"), crd],
]);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const stale = [...outputs].filter(([path, text]) => read(path) !== text);

if (process.argv.includes("--check")) {
  for (const [path] of stale) {
    console.error(`${relative(root, path)} is out of date: run \`make gen\` and commit the result`);
  }
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of stale) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`wrote ${relative(root, path)}`);
  }
}
