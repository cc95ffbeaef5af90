/**
 * Runs the scenarios of node/sim/scenarios: `node node/sim/scenarios.ts [--write] [name …]`.
 *
 * Without a name, all of them. It says where a transcript differs from the file; `--write` puts the
 * new one into the file. Commit a rewritten transcript only if you understand why it changed: it is
 * either what you meant to change, or a fault that the file was there to show.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { differences, formatScenario, parseScenario, playScenario, usage } from "./scenario.ts";
import { ScenarioError } from "./scenario/names.ts";

const folder = new URL("./scenarios/", import.meta.url);
const warning =
  "Commit a rewritten transcript only if you understand why it changed: " +
  "it may be the fault that this file was there to show.";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    show: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

try {
  process.exitCode = values.help ? help() : await main();
} catch (error) {
  if (!(error instanceof ScenarioError)) throw error;
  console.error(error.message);
  process.exitCode = 64;
}

function help(): number {
  console.log("node node/sim/scenarios.ts [--write] [--show] [name …]");
  console.log(usage());
  return 0;
}

async function main(): Promise<number> {
  const known = readdirSync(folder).filter((file) => file.endsWith(".txt"));
  const names = positionals.map((name) => (name.endsWith(".txt") ? name : `${name}.txt`));
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new ScenarioError(`There is no ${unknown.join(", ")}; there are ${known.join(", ")}`);
  }
  const wanted = names.length > 0 ? names : known;
  let changed = 0;
  for (const file of wanted) changed += (await one(file)) ? 1 : 0;
  console.log(`${wanted.length - changed} as written, ${changed} changed`);
  if (changed > 0) console.log(values.write ? warning : `Rewrite them with --write. ${warning}`);
  return changed > 0 && !values.write ? 1 : 0;
}

/** True when the transcript is not the file's. */
async function one(file: string): Promise<boolean> {
  const path = new URL(file, folder);
  const text = readFileSync(path, "utf8");
  const before = parseScenario(text);
  const after = await playScenario(before);
  const now = formatScenario(after);
  if (values.show) console.log(now);
  if (now === text) return false;
  console.log([`${file}:`, ...differences(before, after)].join("\n"));
  if (values.write) writeFileSync(path, now);
  return true;
}
