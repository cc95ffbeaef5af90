/**
 * `make verify`: searches every state of the models of the protocols, and shows that the search
 * would find what it looks for: each breakage must give a counterexample, which is printed.
 *
 * Options: --quick leaves out what takes more than seconds; --only a,b runs the named ones;
 * --write records what was run in docs/model.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureDebianPrograms } from "../../hack/cluster/debian-packages.ts";
import { settings } from "../../hack/lib/settings.ts";
import { tallyLine } from "../../hack/lib/tallies.ts";
import { chordModel } from "./chord-configurations.ts";
import type { Configuration, Model } from "./configuration.ts";
import { replicationModel } from "./replication-configurations.ts";
import { type Outcome, search } from "./spin.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const documentPath = join(settings.repositoryRoot, "docs", "model.md");
const models: readonly Model[] = [chordModel, replicationModel];

async function main(): Promise<number> {
  const chosen = models.map((model) => ({ model, configurations: choose(model) }));
  if (chosen.every(({ configurations }) => configurations.length === 0)) {
    const names = models.flatMap(({ configurations }) => configurations.map(({ name }) => name));
    throw new Error(`--only takes names of: ${names.join(", ")}`);
  }
  await ensureDebianPrograms(["spin", "gcc"]);
  const directory = join(settings.repositoryRoot, "artifacts", "model");
  const outcomes: Outcome[] = [];
  for (const { model, configurations } of chosen) {
    const before = outcomes.length;
    // One after another: the larger ones need most of the memory that a machine may have.
    for (const one of configurations) outcomes.push(await search(model, one, directory));
    for (const outcome of outcomes.slice(before)) showTrail(model, outcome);
    if (values.write) record(model, outcomes.slice(before));
  }
  console.log(table(outcomes));
  const passed = outcomes.filter(asExpected).length;
  console.log(tallyLine({ passed, failed: outcomes.length - passed }));
  return passed === outcomes.length ? 0 : 1;
}

/** The quick ones first. */
function choose({ configurations }: Model): readonly Configuration[] {
  const names = values.only?.split(",");
  return inOrder(configurations).filter(
    ({ name, quick }) => (names?.includes(name) ?? true) && (quick || !values.quick),
  );
}

function inOrder(configurations: readonly Configuration[]): readonly Configuration[] {
  return configurations.toSorted((one, other) => Number(other.quick) - Number(one.quick));
}

function asExpected({ configuration, result }: Outcome): boolean {
  return result === configuration.expected;
}

function showTrail({ legend }: Model, { configuration, violated, trail }: Outcome): void {
  if (trail.length === 0) return;
  console.log(`${configuration.name}: ${configuration.what}`);
  console.log(`violated: ${violated}`);
  console.log(`${legend}\n`);
  console.log(`${trail.join("\n")}\n`);
}

const head = [
  "| configuration | states | transitions | depth | s | MB | result | expected |",
  "|---|--:|--:|--:|--:|--:|---|---|",
];

function table(outcomes: readonly Outcome[]): string {
  return [...head, ...outcomes.map(row)].join("\n");
}

function row(outcome: Outcome): string {
  const { configuration, states, transitions, depth, seconds, memoryMb, result } = outcome;
  const counts = [states, transitions, depth].map((value) =>
    Number.isNaN(value) ? "–" : value.toLocaleString("en-US"),
  );
  const cells = [...counts, seconds.toFixed(1), memoryMb.toFixed(0), result];
  return `| ${configuration.name} | ${cells.join(" | ")} | ${configuration.expected} |`;
}

/**
 * Brings a model's tables in docs/model.md up to date, so that nobody types their figures. What was
 * not run this time keeps its row.
 */
function record({ name, configurations }: Model, outcomes: readonly Outcome[]): void {
  const [begin, end] = [`<!-- make verify, ${name}: begin -->`, `<!-- make verify: end -->`];
  const text = readFileSync(documentPath, "utf8");
  const [before = "", rest = ""] = text.split(begin);
  const ending = rest.indexOf(end);
  if (ending < 0) throw new Error(`docs/model.md lacks ${begin} or ${end}`);
  const rowOf = new Map(
    rest
      .slice(0, ending)
      .split("\n")
      .map((line) => [line.split(" | ")[0], line]),
  );
  for (const outcome of outcomes) rowOf.set(`| ${outcome.configuration.name}`, row(outcome));
  const ordered = inOrder(configurations);
  const figures = ordered.flatMap((one) => rowOf.get(`| ${one.name}`) ?? []);
  const meanings = ordered.map((one) => `| \`${one.name}\` | ${one.what} |`);
  const legend = ["| configuration | what it is |", "|---|---|", ...meanings];
  const body = [...head, ...figures, "", ...legend].join("\n");
  writeFileSync(documentPath, `${before}${begin}\n\n${body}\n\n${rest.slice(ending)}`);
}

process.exitCode = await main();
