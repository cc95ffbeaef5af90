/**
 * `make verify`: searches every state of the model of the protocol, and shows that the search
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
import { type Configuration, configurations } from "./configurations.ts";
import { type Outcome, search } from "./spin.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

const documentPath = join(settings.repositoryRoot, "docs", "model.md");
const marks = { begin: "<!-- make verify: begin -->", end: "<!-- make verify: end -->" } as const;

async function main(): Promise<number> {
  const chosen = choose();
  await ensureDebianPrograms(["spin", "gcc"]);
  const directory = join(settings.repositoryRoot, "artifacts", "model");
  const outcomes: Outcome[] = [];
  // One after another: the larger ones need most of the memory that a machine may have.
  for (const configuration of chosen) outcomes.push(await search(configuration, directory));
  for (const outcome of outcomes) showTrail(outcome);
  console.log(table(outcomes));
  const passed = outcomes.filter(asExpected).length;
  if (values.write) record(outcomes);
  console.log(tallyLine({ passed, failed: outcomes.length - passed }));
  return passed === outcomes.length ? 0 : 1;
}

function choose(): readonly Configuration[] {
  const names = values.only?.split(",");
  const chosen = configurations.filter(
    ({ name, quick }) => (names?.includes(name) ?? true) && (quick || !values.quick),
  );
  if (chosen.length === 0) {
    throw new Error(`--only takes names of: ${configurations.map(({ name }) => name).join(", ")}`);
  }
  return chosen;
}

function asExpected({ configuration, result }: Outcome): boolean {
  return result === configuration.expected;
}

function showTrail({ configuration, violated, trail }: Outcome): void {
  if (trail.length === 0) return;
  console.log(`${configuration.name}: ${configuration.what}`);
  console.log(`violated: ${violated}`);
  console.log("each node: predecessor<node>successors phase; - is none\n");
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
  const counts = [states, transitions, depth].map((value) => value.toLocaleString("en-US"));
  const cells = [...counts, seconds.toFixed(1), memoryMb.toFixed(0), result];
  return `| ${configuration.name} | ${cells.join(" | ")} | ${configuration.expected} |`;
}

/**
 * Brings the tables in docs/model.md up to date, so that nobody types their figures. What was not
 * run this time keeps its row.
 */
function record(outcomes: readonly Outcome[]): void {
  const text = readFileSync(documentPath, "utf8");
  const [before = "", rest = ""] = text.split(marks.begin);
  const [recorded = "", after] = rest.split(marks.end);
  if (after === undefined) throw new Error(`docs/model.md lacks ${marks.begin} or ${marks.end}`);
  const rowOf = new Map(recorded.split("\n").map((line) => [line.split(" | ")[0], line]));
  for (const outcome of outcomes) rowOf.set(`| ${outcome.configuration.name}`, row(outcome));
  const figures = configurations.flatMap(({ name }) => rowOf.get(`| ${name}`) ?? []);
  const meanings = configurations.map(({ name, what }) => `| \`${name}\` | ${what} |`);
  const legend = ["| configuration | what it is |", "|---|---|", ...meanings];
  const body = [...head, ...figures, "", ...legend].join("\n");
  writeFileSync(documentPath, `${before}${marks.begin}\n\n${body}\n\n${marks.end}${after}`);
}

process.exitCode = await main();
