/**
 * `make paper`: runs the papers' evaluation on the production code and writes docs/paper.md with
 * its plots. Every figure follows from fixed seeds; only the section on cost differs by machine.
 *
 *   --quick        small sizes, to see that everything works
 *   --only J,walk  some rows; this and --quick write below artifacts/paper instead
 *   --reuse        takes each experiment that a former run finished from artifacts/paper: to write
 *                  the page again, or to go on after an interruption; never after a change of code
 *
 * The last line is `N passed, N failed` of the gates, and the exit code tells the same.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { document } from "./document.ts";
import type { Experiment, Section } from "./experiment.ts";
import { experiments } from "./experiments.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const artifacts = join(root, "artifacts", "paper");

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      reuse: { type: "boolean", default: false },
    },
  });
  const chosen = choose(values.only);
  if (chosen === null) return 64;
  const done: Done[] = [];
  for (const [index, experiment] of chosen.entries()) {
    const place = `[${index + 1}/${chosen.length}]`;
    const text = `${place} ${experiment.rows.join(", ")}: ${experiment.title}`;
    const saved = values.reuse ? load(experiment, values.quick) : null;
    done.push(saved ?? (await run(experiment, { quick: values.quick, text })));
  }
  const sections = done.flatMap((one) => one.sections);
  const costs = done.map((one, index) => {
    const { title = "", rows = [] } = chosen[index] ?? {};
    return `${title} (${rows.join(", ")}): ${one.cpuSeconds.toFixed(0)} s`;
  });
  const whole = !values.quick && values.only === undefined;
  const folder = whole ? join(root, "docs") : artifacts;
  const seconds = done.reduce((sum, one) => sum + one.cpuSeconds, 0);
  const memory = Math.max(...done.map((one) => one.memoryMiB));
  costs.push(`All: ${seconds.toFixed(0)} s of one core, ${memory} MiB at the most`);
  write(folder, sections, costs);
  return verdict(sections, folder);
}

/** An experiment's results, kept as a file so that the page can be written without it. */
interface Done {
  readonly sections: readonly Section[];
  readonly cpuSeconds: number;
  readonly memoryMiB: number;
}

async function run(
  experiment: Experiment,
  { quick, text }: { readonly quick: boolean; readonly text: string },
): Promise<Done> {
  const line = new ProgressLine(text);
  const startedSeconds = cpuSeconds();
  const progress = (detail: string): void => line.show(detail);
  const sections = await experiment.run({ quick, progress, cpuSeconds });
  line.finish(sections);
  const used = cpuSeconds() - startedSeconds;
  const done = { sections, cpuSeconds: used, memoryMiB: memoryMiB() };
  const file = savedFile(experiment, quick);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(done));
  return done;
}

function load(experiment: Experiment, quick: boolean): Done | null {
  const file = savedFile(experiment, quick);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Done) : null;
}

function savedFile({ rows }: Experiment, quick: boolean): string {
  return join(artifacts, quick ? "quick" : "full", `${rows.join("-")}.json`);
}

function choose(only: string | undefined): readonly Experiment[] | null {
  if (only === undefined) return experiments;
  const names = only.split(",");
  const known = new Set(experiments.flatMap(({ rows }) => rows));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) {
    return experiments.filter(({ rows }) => rows.some((row) => names.includes(row)));
  }
  console.error(`--only takes rows out of ${[...known].join(",")}, not ${unknown.join(",")}`);
  return null;
}

function write(folder: string, sections: readonly Section[], costs: readonly string[]): void {
  const images = join(folder, "images");
  mkdirSync(images, { recursive: true });
  for (const { name, svg } of sections.flatMap(({ charts }) => charts)) {
    writeFileSync(join(images, `${name}.svg`), svg);
  }
  writeFileSync(join(folder, "paper.md"), document(sections, costs));
}

function verdict(sections: readonly Section[], folder: string): number {
  const gates = sections.flatMap((section) => section.gates);
  const failed = gates.filter(({ met }) => !met);
  for (const { text } of failed) console.log(`not met: ${text}`);
  console.log(`written: ${join(folder, "paper.md")}`);
  console.log(`${cpuSeconds().toFixed(0)} s of one core, ${memoryMiB()} MiB at the most`);
  console.log(`${gates.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 ? 0 : 1;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function memoryMiB(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

/** One line for each experiment on stderr, and one every twenty seconds while it runs. */
class ProgressLine {
  readonly #text: string;
  readonly #started = process.uptime();
  #shown = process.uptime();

  constructor(text: string) {
    this.#text = text;
    console.error(`         ${text}`);
  }

  show(detail: string): void {
    if (process.uptime() - this.#shown < 20) return;
    this.#shown = process.uptime();
    console.error(`${this.#elapsed()}  ${this.#text}: ${detail}`);
  }

  finish(sections: readonly Section[]): void {
    const gates = sections.flatMap((section) => section.gates);
    const met = gates.filter((gate) => gate.met).length;
    console.error(`${this.#elapsed()}  ${this.#text}: ${met} of ${gates.length} gates met`);
  }

  #elapsed(): string {
    return `${(process.uptime() - this.#started).toFixed(0)} s`.padStart(7);
  }
}

process.exitCode = await main();
