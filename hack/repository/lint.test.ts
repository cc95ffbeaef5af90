/**
 * Goal: the linter's rules per folder bite, and only in their folder. Method: a throw-away tree
 * with the real configuration and one offending file per folder; the linter must name exactly
 * those.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..", "..");

/** Statements that some folders must not contain; each with the rule that finds it. */
const offences: readonly (readonly [path: string, statement: string, rule: string])[] = [
  ["node/src/chord/date.ts", "Date.now()", "no-restricted-globals"],
  ["node/src/chord/new-date.ts", "new Date()", "no-restricted-globals"],
  ["node/src/chord/random.ts", "Math.random()", "no-restricted-properties"],
  ["node/src/chord/timer.ts", "setTimeout(() => undefined, 1)", "no-restricted-globals"],
  ["node/src/chord/interval.ts", "setInterval(() => undefined, 1)", "no-restricted-globals"],
  ["node/src/chord/process.ts", "process.hrtime()", "no-restricted-globals"],
  ["node/src/chord/console.ts", "console.log(1)", "no-console"],
  ["node/src/chord/buffer.ts", 'Buffer.from("a")', "no-restricted-globals"],
  ["node/src/chord/crypto.ts", "crypto.randomUUID()", "no-restricted-globals"],
  ["node/src/replication/date.ts", "Date.now()", "no-restricted-globals"],
  ["node/src/replication/timer.ts", "setTimeout(() => undefined, 1)", "no-restricted-globals"],
  ["node/sim/date.ts", "Date.now()", "no-restricted-globals"],
  ["node/sim/random.ts", "Math.random()", "no-restricted-properties"],
  ["node/src/api/console.ts", "console.log(1)", "no-console"],
  ["node/src/api/environment.ts", "process.env.HOME", "no-process-env"],
  ["operator/src/kube/environment.ts", "process.env.HOME", "no-process-env"],
  ["operator/src/kube/random.ts", "Math.random()", "no-restricted-properties"],
  ["operator/src/reconcile/kubernetes.ts", "client", "no-restricted-imports"],
  ["operator/src/resources/kubernetes.ts", "client", "no-restricted-imports"],
  ["hack/floating.ts", "Promise.resolve(1)", "no-floating-promises"],
];

/** The same statements where they belong. */
const permitted: readonly (readonly [path: string, statement: string])[] = [
  ["node/src/main.ts", "setTimeout(() => undefined, 1)"],
  ["node/src/transport/date.ts", "Date.now()"],
  ["node/src/config.ts", "process.env.HOME"],
  ["operator/src/config.ts", "process.env.HOME"],
  ["operator/src/kube/kubernetes.ts", "client"],
  ["node/sim/main.ts", "Date.now()"],
];

const kubernetesImport = 'import * as client from "@kubernetes/client-node";\n';

function writeProbe(folder: string, path: string, statement: string): void {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  const imports = statement === "client" ? kubernetesImport : "";
  const body = statement.startsWith("Promise") ? `${statement};` : `return ${statement};`;
  writeFileSync(target, `${imports}export function probe(): unknown {\n  ${body}\n}\n`);
}

/** Runs the linter as `make check` does, and returns `path rule` of every error. */
function lint(folder: string): string[] {
  const program = join(root, "node_modules", ".bin", "oxlint");
  const result = spawnSync(program, ["--type-aware", "--format", "unix"], {
    cwd: folder,
    encoding: "utf8",
  });
  const lines = result.stdout.matchAll(/^(\S+?):\d+:\d+: .*\[Error\/\w+\(([\w-]+)\)\]$/gm);
  return [...lines].map((match) => `${match[1]} ${match[2]}`);
}

describe("the linter's rules bite in their folder, and only there", () => {
  let folder = "";

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "chordring-lint-"));
    for (const name of [".oxlintrc.json", "tsconfig.json", "tsconfig.base.json"]) {
      copyFileSync(join(root, name), join(folder, name));
    }
    // Only what the linter itself needs: without the big packages' types it is done in no time.
    mkdirSync(join(folder, "node_modules"));
    for (const name of [".bin", "@types", "oxlint", "oxlint-tsgolint"]) {
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    }
    for (const [path, statement] of [...offences, ...permitted]) {
      writeProbe(folder, path, statement);
    }
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("names every offence and nothing else", () => {
    const expected = offences.map(([path, , rule]) => `${path} ${rule}`);
    assert.deepEqual(lint(folder).toSorted(), expected.toSorted());
  }).timeout(60_000);
});
