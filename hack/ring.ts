/**
 * `make ring`: a ring of local processes, without Kubernetes, to try and to look at.
 *
 * Prints where the page is and what to type, keeps running, and ends everything on Ctrl-C.
 */
import { parseArgs } from "node:util";
import { runScript } from "./lib/command-line.ts";
import { LocalRing } from "./lib/local-ring.ts";
import { say, step } from "./lib/progress.ts";
import { waitFor } from "./lib/wait-for.ts";

const NODES_DEFAULT = 5;
const NODES_MAX = 64;
const SUCCESSORS_DEFAULT = 4;
const START_TIMEOUT_MS = 60_000;
/** So that the page's address stays the same; other ports are taken if these are not free. */
const FIRST_PORT = 8_080;

interface Options {
  readonly nodes: number;
  readonly successors: number;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: String(NODES_DEFAULT) },
      successors: { type: "string", default: String(SUCCESSORS_DEFAULT) },
    },
  });
  return {
    nodes: wholeNumber("--nodes", values.nodes, NODES_MAX),
    successors: wholeNumber("--successors", values.successors, NODES_MAX),
  };
}

function wholeNumber(option: string, text: string, max: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= max) return number;
  throw new Error(`${option} is ${text}: give a whole number from 1 to ${max}`);
}

async function waitForReady(ring: LocalRing, show: (detail: string) => void): Promise<void> {
  const count = ring.nodes.length;
  await waitFor(
    `${count} nodes in the ring; their logs are in ${ring.directory}`,
    async () => {
      const ready = await ring.ready();
      show(`${ready.length} of ${count} in the ring`);
      return ready.length === count;
    },
    { timeoutMs: START_TIMEOUT_MS, intervalMs: 200 },
  );
  await ring.converged(count, START_TIMEOUT_MS);
  show("the ring is ideal");
}

function explain(ring: LocalRing): void {
  const [first, other] = [ring.node(0).api, ring.nodes.at(-1)?.api];
  const examples = [
    `the page:      ${first}/ui`,
    `store:         curl -X PUT --data hello -H 'Content-Type: text/plain' ${first}/v1/kv/greeting`,
    `read it back:  curl -i ${other}/v1/kv/greeting`,
    `find a key:    curl ${first}/v1/lookup/greeting`,
    `the same O(n): curl '${first}/v1/lookup/greeting?mode=walk'`,
    `the ring:      curl ${first}/v1/ring/nodes`,
    `logs and data: ${ring.directory}, until Ctrl-C`,
  ];
  for (const example of examples) say(example);
}

/** Resolves on the first signal that asks for the end. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => resolve());
    }
  });
}

async function main(): Promise<void> {
  const { nodes, successors } = readOptions();
  // Listening before the first process exists, so that no signal finds it unguarded.
  const end = interrupted();
  const ring = await LocalRing.start({ nodes, successors, firstPort: FIRST_PORT });
  try {
    await Promise.race([
      step(`Starting ${nodes} nodes`, (current) =>
        waitForReady(ring, (detail) => {
          current.detail = detail;
        }),
      ).then(() => {
        explain(ring);
        return end;
      }),
      end,
    ]);
  } finally {
    await ring.stop();
    say("All nodes have ended");
    // Whatever still waits for the ring to be ready waits in vain.
    process.exit();
  }
}

await runScript(main);
