/**
 * `node hack/live/main.ts --seconds 180 --seed 7 --nodes 5`: one live test (live.ts), its figures,
 * and if it failed, why, where the history is, and the command that runs it again.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runScript } from "../lib/command-line.ts";
import { ensureSkewedClocks } from "./clock-skew.ts";
import { figureLines } from "./figures.ts";
import { type LiveResult, runLive } from "./live.ts";
import { allFaults, flagOf, type LiveOptions, liveOptions } from "./options.ts";
import type { FaultKind } from "./schedule.ts";

const wholeNumbers = [
  "seed",
  "seconds",
  "nodes",
  "copies",
  "outageMsMax",
  "rate",
  "hotKeys",
  "timeoutMs",
  "stabilizeIntervalMs",
] as const;

function readOptions(): LiveOptions {
  const numbers = wholeNumbers.map((name) => [flagOf(name), { type: "string" }] as const);
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(numbers),
      faults: { type: "string" },
      build: { type: "string" },
      keep: { type: "boolean" },
    },
  });
  const given: Record<string, unknown> = {};
  for (const name of wholeNumbers) {
    const text = (values as Readonly<Record<string, unknown>>)[flagOf(name)];
    if (typeof text === "string") given[name] = wholeNumber(flagOf(name), text);
  }
  const { faults, build, keep } = values;
  if (faults !== undefined) given["faults"] = faultsOf(faults);
  if (build !== undefined) given["build"] = build;
  if (keep !== undefined) given["keep"] = keep;
  return liveOptions(given);
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && text !== "") return number;
  throw new Error(`--${flag} is ${text}: give a whole number`);
}

function faultsOf(text: string): FaultKind[] {
  return text
    .split(",")
    .filter((word) => word !== "")
    .map((word) => {
      const kind = allFaults.find((one) => one === word);
      if (kind !== undefined) return kind;
      throw new Error(`--faults takes a list of ${allFaults.join(",")}; ${word} is none`);
    });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tell({ figures, problems, strange, directory, replay }: LiveResult): void {
  for (const line of figureLines(figures)) say(line);
  for (const one of strange) say(`not in the contract: ${one}`);
  for (const problem of problems) say(`PROBLEM: ${problem}`);
  if (directory !== undefined) say(`kept:         ${directory}`);
  if (problems.length > 0) say(`replay:       ${replay}`);
  say(problems.length === 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
}

async function main(): Promise<void> {
  await ensureSkewedClocks();
  const options = readOptions();
  const ended = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => ended.abort());
  }
  const result = await runLive(options, ended.signal);
  const { directory } = result;
  if (directory !== undefined) {
    writeFileSync(join(directory, "result.json"), `${JSON.stringify(result, null, 1)}\n`);
  }
  tell(result);
  if (result.problems.length > 0) process.exitCode = 1;
  // What was interrupted may still wait for a ring that is gone.
  if (ended.signal.aborted) process.exit(1);
}

await runScript(main);
