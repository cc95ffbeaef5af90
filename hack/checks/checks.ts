/**
 * What `make check` looks at: each check is a command that fails when something is to be mended.
 */
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandDirectory } from "../cluster/binaries.ts";
import { settings } from "../lib/settings.ts";
import { ensureActionlint } from "./actionlint.ts";

export interface Check {
  readonly name: string;
  /** The command, or the reason why this machine cannot run it. */
  readonly command: () => Promise<readonly string[] | { readonly leftOut: string }>;
  /** What a person types to see just this failure again. */
  readonly replay: string;
}

const root = settings.repositoryRoot;
/** The Node that runs this script runs everything, so that CI can choose one. */
const nodeProgram = process.execPath;
const mochaProgram = join("node_modules", "mocha", "bin", "mocha.js");
const chart = "charts/chordring-operator";
const repositoryTests = "hack/repository/*.test.ts";

function tool(name: string, ...words: readonly string[]): Pick<Check, "command" | "replay"> {
  return {
    command: async () => [join("node_modules", ".bin", name), ...words],
    replay: `npx ${name} ${words.join(" ")}`,
  };
}

/** The whole tree, and each folder that is stricter than the tree. */
function typeChecks(): Check[] {
  const stricter = globSync(["node/*/**/tsconfig.json", "operator/*/**/tsconfig.json"], {
    cwd: root,
    exclude: ["**/node_modules"],
  });
  return ["tsconfig.json", ...stricter].map((path) => ({
    name: path === "tsconfig.json" ? "types" : `types of ${dirname(path)}`,
    ...tool("tsc", "-p", path),
  }));
}

/** All checks; `tallyPath` receives the counts of the repository test. */
export function allChecks(tallyPath: string): readonly Check[] {
  const mochaWords = ["--forbid-pending", "--reporter-option", `tally=${tallyPath}`];
  return [
    ...typeChecks(),
    { name: "lint", ...tool("oxlint", "--type-aware", "--deny-warnings") },
    {
      name: "format",
      command: tool("biome", "format", ".").command,
      replay: "npx biome format .   # mend: npx biome format --write .",
    },
    {
      name: "repository",
      command: async () => [nodeProgram, mochaProgram, ...mochaWords, repositoryTests],
      replay: `npx mocha '${repositoryTests}'`,
    },
    {
      name: "generated files",
      command: async () => [nodeProgram, "hack/gen.ts", "--check"],
      replay: "node_modules/.bin/node hack/gen.ts --check   # mend: make gen",
    },
    { name: "workflows", command: workflowCommand, replay: "make check" },
    { name: "chart", command: chartCommand, replay: `helm lint --strict ${chart}` },
  ];
}

async function workflowCommand(): ReturnType<Check["command"]> {
  const program = await ensureActionlint();
  if (program === undefined) return { leftOut: "actionlint is built with Go, which is not here" };
  return [program];
}

async function chartCommand(): ReturnType<Check["command"]> {
  const helm = join(commandDirectory, "helm");
  if (!existsSync(helm))
    return { leftOut: "helm comes with `make cluster`, which has not run here" };
  return [helm, "lint", "--strict", "--quiet", chart];
}
