/**
 * Checks a live ring by the simulator's invariants.
 *
 *   node node/sim/check-ring.ts ring.json          a stored answer of GET /v1/ring/nodes
 *   … | node node/sim/check-ring.ts                the same from standard input
 *   node node/sim/check-ring.ts --url http://host:8080 [--times 3] [--interval 1000]
 *                                                  asks a node, and reports what is there each time
 *   --successors 4                                 r of the ring; without it the longest list
 *
 * Exit code: 0 nothing wrong, 1 something is, 64 the input or an option is wrong, 69 no answer.
 */
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  checkDump,
  DumpError,
  explain,
  type Finding,
  lasting,
  parseDump,
  type RingReport,
} from "./ring-dump.ts";

/** The node did not answer, or not with a picture of its ring. */
class UnavailableError extends Error {}

/** A crawl of a large ring takes a node up to ten seconds. */
const answerMs = 15_000;
const timesMax = 100;

const noCut =
  "A crawl is no consistent cut: the views are taken one after the other, so a ring in change " +
  "may show what was never there together. Look again, or let --url --times 3 do it.";

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = exitCodeOf(error);
  console.error((error as Error).message);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UnavailableError) return 69;
  const usage = (error as { code?: unknown }).code;
  const known = typeof usage === "string" && /^ERR_PARSE_ARGS|^ENOENT$|^EISDIR$/.test(usage);
  if (error instanceof DumpError || known) return 64;
  throw error;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: "string" },
      times: { type: "string", default: "3" },
      interval: { type: "string", default: "1000" },
      successors: { type: "string" },
    },
  });
  const successors =
    values.successors === undefined ? undefined : count("successors", values.successors, 64);
  if (positionals.length > 1 || (values.url !== undefined && positionals.length > 0)) {
    throw new DumpError("One picture at a time: a file, or standard input, or --url");
  }
  if (values.url === undefined) {
    const file = positionals[0] ?? "-";
    const dump = file === "-" ? await text(process.stdin) : readFileSync(file, "utf8");
    return report([checkDump(parseDump(dump), successors)]);
  }
  const times = count("times", values.times, timesMax);
  const intervalMs = count("interval", values.interval, 60_000);
  const reports: RingReport[] = [];
  for (let i = 0; i < times; i++) {
    if (i > 0) await delay(intervalMs);
    reports.push(checkDump(parseDump(await ask(values.url)), successors));
  }
  return report(reports);
}

async function ask(base: string): Promise<string> {
  if (!URL.canParse("/v1/ring/nodes", base)) {
    throw new DumpError(`--url takes the address of a node such as http://host:8080, not ${base}`);
  }
  const url = new URL("/v1/ring/nodes", base);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
    if (response.ok) return await response.text();
    throw new UnavailableError(`${url.href} answers ${response.status}`);
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? cause.message : message;
    throw new UnavailableError(`${url.href} does not answer: ${why}`);
  }
}

function report(reports: readonly RingReport[]): number {
  const last = reports.at(-1);
  if (last === undefined) return 64;
  const findings = lasting(reports);
  const seen = reports.length > 1 ? `, seen ${reports.length} times` : "";
  console.log(`${last.members} members of ${last.nodes} nodes, r = ${last.successors}${seen}`);
  if (last.members <= last.successors) {
    console.log(`R2 is not checked: a ring needs ${last.successors + 1} members for it`);
  }
  for (const [code, problems] of grouped(findings)) {
    console.log(`${code}: broken, that ${explain(code)}`);
    for (const problem of problems) console.log(`    ${problem}`);
  }
  const passing =
    reports.flatMap((each) => each.findings).length - findings.length * reports.length;
  if (passing > 0) console.log(`${passing} more were there in some crawls only: a ring in change`);
  if (findings.length === 0) console.log("nothing wrong");
  else if (reports.length === 1) console.log(noCut);
  return findings.length === 0 ? 0 : 1;
}

function grouped(findings: readonly Finding[]): Map<Finding["code"], string[]> {
  const groups = new Map<Finding["code"], string[]>();
  for (const { code, problem } of findings) {
    groups.set(code, [...(groups.get(code) ?? []), problem]);
  }
  return groups;
}

function count(name: string, given: string, max: number): number {
  const value = Number(given);
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new DumpError(`--${name} takes a whole number from 1 to ${max}, not ${given}`);
}
