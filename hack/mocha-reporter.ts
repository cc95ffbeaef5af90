/**
 * The reporter of every mocha run: one line per suite with its count and time, and for each failure
 * the reason and the command that replays exactly that test.
 *
 * With the reporter option `tally=FILE` it also writes its counts there, from which `make test`
 * sums its last line. A suite here is a top-level `describe`, whose text names the goal.
 */
import { relative } from "node:path";
import { inspect } from "node:util";
import type { MochaOptions, Runnable, Runner, Suite } from "mocha";
import { seconds } from "./lib/progress.ts";
import { tallyLine, writeTally } from "./lib/tallies.ts";

/** How long a suite may be silent before a line says which test is running. */
const silenceMs = 15_000;

interface RunningTally {
  passed: number;
  failed: number;
  readonly startedMs: number;
}

/** Written out with the command that replays it once the run is over. */
interface Failure {
  readonly test: Runnable;
  readonly error: unknown;
}

/** Mocha asks for the class as the default export. */
export default class SuiteReporter {
  readonly #all = newTally();
  readonly #failures: Failure[] = [];
  readonly #tallyPath: string | undefined;
  #suite = newTally();
  #running = "";
  #spokeMs = Date.now();

  constructor(runner: Runner, options: MochaOptions) {
    this.#tallyPath = tallyPathOf(options);
    // Unreferenced: the timer never keeps the process alive.
    const timer = setInterval(() => this.#tellWhatRuns(), 1_000).unref();
    runner.on("suite", (suite) => this.#onSuite(suite));
    runner.on("suite end", (suite) => this.#onSuiteEnd(suite));
    runner.on("test", (test) => {
      this.#running = test.fullTitle();
    });
    runner.on("pass", () => this.#count("passed"));
    runner.on("pending", (test) => this.#line("left out", test.fullTitle()));
    runner.on("fail", (test, error: unknown) => this.#onFail(test, error));
    runner.once("end", () => {
      clearInterval(timer);
      this.#finish();
    });
  }

  #onSuite(suite: Suite): void {
    if (isTop(suite)) this.#suite = newTally();
  }

  #onSuiteEnd(suite: Suite): void {
    if (!isTop(suite)) return;
    const { passed, failed, startedMs } = this.#suite;
    if (passed + failed === 0) return;
    const outcome = failed > 0 ? `${failed} FAILED` : `${passed} passed`;
    this.#line(`${seconds(startedMs).padStart(7)}  ${outcome}`, suite.title);
  }

  #onFail(test: Runnable, error: unknown): void {
    this.#count("failed");
    this.#failures.push({ test, error });
    this.#line("FAILED", test.fullTitle());
  }

  #count(outcome: "passed" | "failed"): void {
    this.#all[outcome] += 1;
    this.#suite[outcome] += 1;
  }

  #tellWhatRuns(): void {
    if (Date.now() - this.#spokeMs < silenceMs || this.#running === "") return;
    this.#line(`${seconds(this.#suite.startedMs).padStart(7)}...`, this.#running);
  }

  #line(start: string, text: string): void {
    this.#spokeMs = Date.now();
    process.stdout.write(`${start.padEnd(22)}  ${text}\n`);
  }

  #finish(): void {
    for (const failure of this.#failures) process.stdout.write(describeFailure(failure));
    if (this.#tallyPath !== undefined) writeTally(this.#tallyPath, this.#all);
    this.#line(`${seconds(this.#all.startedMs).padStart(7)}  in all`, tallyLine(this.#all));
  }
}

function newTally(): RunningTally {
  return { passed: 0, failed: 0, startedMs: Date.now() };
}

function isTop(suite: Suite): boolean {
  return suite.parent?.root === true;
}

function tallyPathOf(options: MochaOptions): string | undefined {
  const reporterOptions: unknown = options.reporterOptions;
  if (typeof reporterOptions !== "object" || reporterOptions === null) return undefined;
  const path: unknown = Reflect.get(reporterOptions, "tally");
  return typeof path === "string" ? path : undefined;
}

function describeFailure({ test, error }: Failure): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = text.split("\n").filter((line) => !/^\s+at .*(node_modules|node:)/.test(line));
  if (error instanceof Error && error.cause !== undefined) {
    lines.push(...`caused by: ${inspect(error.cause)}`.split("\n"));
  }
  const reason = lines.join("\n    ");
  return `\n${test.fullTitle()}\n    ${reason}\n  replay: ${replayCommand(test)}\n\n`;
}

/** The command that runs one test alone; a broken hook is replayed with its whole suite. */
export function replayCommand(test: Runnable): string {
  const hook = test.title.startsWith('"') && / hook( |:|$)/.test(test.title);
  const title = hook ? (test.parent?.fullTitle() ?? "") : test.fullTitle();
  const path = test.file === undefined ? "" : `${relative(process.cwd(), test.file)} `;
  return `npx mocha ${path}-f '${title.replaceAll("'", "'\\''")}'`;
}
