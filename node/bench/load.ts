/**
 * One run of wrk against one URL, and the CPU that the servers spent on it.
 *
 * CPU is utime + stime of the server processes from /proc, so it stays meaningful on a machine that
 * does other things too, where requests per second do not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../hack/lib/run.ts";

export interface LoadRequest {
  readonly url: string;
  readonly method: "GET" | "PUT";
  /** Paths, asked for in turn by each connection. */
  readonly paths: readonly string[];
  readonly body?: string;
  readonly connections: number;
  readonly seconds: number;
  /** All processes whose CPU counts. */
  readonly serverProcessIds: readonly number[];
  /** A folder for the script that wrk runs. */
  readonly directory: string;
}

export interface LoadResult {
  readonly operations: number;
  readonly failures: number;
  readonly operationsPerSecond: number;
  readonly cpuMicrosecondsPerOperation: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Linux counts CPU in ticks of 10 ms, whatever the kernel's own rate is. */
const TICK_MS = 10;

export async function load(request: LoadRequest): Promise<LoadResult> {
  const script = join(request.directory, "wrk.lua");
  writeFileSync(script, luaScript(request));
  const beforeMs = cpuMs(request.serverProcessIds);
  const wrk = ["wrk", "-t1", `-c${request.connections}`, `-d${request.seconds}s`, "-s", script];
  const { stdout } = await run([...wrk, request.url]);
  const spentMs = cpuMs(request.serverProcessIds) - beforeMs;
  const report = parseReport(stdout);
  if (report.operations === 0) throw new Error(`wrk got no answer from ${request.url}:\n${stdout}`);
  return { ...report, cpuMicrosecondsPerOperation: (spentMs * 1_000) / report.operations };
}

function luaScript({ method, paths, body = "" }: LoadRequest): string {
  return `
local requests = {}
local next = 0
init = function()
  for path in string.gmatch([[${paths.join(" ")}]], "%S+") do
    requests[#requests + 1] = wrk.format(${JSON.stringify(method)}, path, nil, ${
      body === "" ? "nil" : JSON.stringify(body)
    })
  end
end
request = function()
  next = next % #requests + 1
  return requests[next]
end
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("REPORT %d %d %d %d %d\\n", summary.requests, failed,
    summary.duration, latency:percentile(50), latency:percentile(99)))
end
`;
}

function parseReport(output: string): Omit<LoadResult, "cpuMicrosecondsPerOperation"> {
  const numbers = /^REPORT (.*)$/m.exec(output)?.[1]?.split(" ").map(Number) ?? [];
  const [operations = 0, failures = 0, durationUs = 1, p50Us = 0, p99Us = 0] = numbers;
  return {
    operations,
    failures,
    operationsPerSecond: (operations * 1e6) / durationUs,
    p50Ms: p50Us / 1_000,
    p99Ms: p99Us / 1_000,
  };
}

/** CPU that the processes have used so far. */
function cpuMs(processIds: readonly number[]): number {
  const ticks = processIds.map((processId) => {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    // The program's name, in brackets, may hold blanks; what counts comes behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) * TICK_MS;
}
