/**
 * Holds one cut for cut.ts: `hold-cut.ts NAME ADDRESS PROVIDER_ID` cuts the node off, says so, and
 * heals it when its standard input ends, when it is asked to end, or when a test should long be
 * over.
 */
import { setTimeout as delay } from "node:timers/promises";
import { runScript } from "../lib/command-line.ts";
import { waitFor } from "../lib/wait-for.ts";
import { CUT_LINE, linkOf } from "./cut.ts";
import type { NodeLink } from "./node-link.ts";

const HELD_MAX_MS = 30 * 60_000;
const HEAL_TIMEOUT_MS = 60_000;

/** Resolves when nobody wants the cut any more. */
function unwanted(): Promise<unknown> {
  const input = new Promise((resolve) => {
    process.stdin.once("close", resolve).once("error", resolve).resume();
  });
  const signal = new Promise((resolve) => {
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, resolve);
  });
  return Promise.race([input, signal, delay(HELD_MAX_MS, undefined, { ref: false })]);
}

async function heal(link: NodeLink): Promise<void> {
  // Once more than once: a node that stays cut off would fail every later test on this cluster.
  const healed = async (): Promise<boolean> => link.heal().then(() => true);
  await waitFor("the node is connected again", healed, { timeoutMs: HEAL_TIMEOUT_MS });
}

await runScript(async () => {
  const [name = "", address = "", providerId = ""] = process.argv.slice(2);
  const link = linkOf({ name, address, providerId });
  if (link === undefined) throw new Error(`nobody on this machine can cut off node ${name}`);
  const end = unwanted();
  // The caller may be gone before it can be told.
  process.stdout.on("error", () => undefined);
  try {
    await link.cut();
    process.stdout.write(`${CUT_LINE}\n`);
    await end;
  } finally {
    await heal(link);
    // Still open after a signal or when time was over; it would keep this process.
    process.stdin.destroy();
  }
});
