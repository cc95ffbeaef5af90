/**
 * `make picture`: draws docs/images/ring.png anew, from a real ring of nine local nodes.
 *
 * The nodes' names and so their places are always the same; of a few keys and all
 * nodes to ask, those are taken whose lookup takes the most hops: a route worth seeing.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { launchBrowser } from "./lib/browser.ts";
import { runScript } from "./lib/command-line.ts";
import { LocalRing } from "./lib/local-ring.ts";
import { step } from "./lib/progress.ts";
import { settings } from "./lib/settings.ts";
import { waitFor } from "./lib/wait-for.ts";

const PICTURE = join(settings.repositoryRoot, "docs", "images", "ring.png");
const NODES = 9;
const VALUES = 240;
const KEYS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
const SECOND_MS = 1_000;

interface Lookup {
  /** The client interface of the node that is asked. */
  readonly api: string;
  readonly key: string;
  readonly hops: number;
}

/** Puts values, so that the nodes have keys to show. */
async function fill(api: string): Promise<void> {
  for (let number = 0; number < VALUES; number += 1) {
    const body = `value ${number}`;
    const response = await fetch(`${api}/v1/kv/key-${number}`, { method: "PUT", body });
    if (!response.ok) throw new Error(`put key-${number}: ${await response.text()}`);
  }
}

/** Looks the keys up everywhere until the answers stay the same: then all fingers are in place. */
async function farthest(ring: LocalRing): Promise<Lookup> {
  let before = "";
  const lookups = await waitFor(
    "lookups that take the same hops twice",
    async () => {
      const apis = ring.nodes.map((node) => node.api);
      const pairs = apis.flatMap((api) => KEYS.map((key) => ({ api, key })));
      const found = await Promise.all(pairs.map(lookUp));
      const now = JSON.stringify(found);
      const settled = now === before;
      before = now;
      return settled ? found : undefined;
    },
    { timeoutMs: 30 * SECOND_MS, intervalMs: 2 * SECOND_MS },
  );
  const [first] = lookups.toSorted((a, b) => b.hops - a.hops);
  if (first === undefined) throw new Error("no key was looked up");
  return first;
}

async function lookUp({ api, key }: Pick<Lookup, "api" | "key">): Promise<Lookup> {
  const response = await fetch(`${api}/v1/lookup/${key}`);
  const { hops } = (await response.json()) as Pick<Lookup, "hops">;
  return { api, key, hops };
}

async function draw(browser: Browser, { api, key }: Lookup): Promise<void> {
  const page = await browser.newPage({
    viewport: { width: 1400, height: 830 },
    deviceScaleFactor: 1.1,
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  await page.goto(`${api}/ui`);
  await page.locator("#health", { hasText: /^Ideal$/ }).waitFor();
  await page.getByRole("textbox", { name: "Key", exact: true }).fill(key);
  await page.getByRole("button", { name: "Look up" }).click();
  await page.locator("#lookup-result .headline").waitFor();
  mkdirSync(dirname(PICTURE), { recursive: true });
  await page.screenshot({ path: PICTURE });
}

/** A ring that is ideal, with its copies dealt out to all nodes. */
async function startOf(ring: LocalRing): Promise<void> {
  await ring.converged();
  await ring.setRoster(ring.nodes);
  await ring.placed();
}

async function main(): Promise<void> {
  const ring = await LocalRing.start({ nodes: NODES, successors: 2 });
  try {
    await step("start a ring of nine nodes", () => startOf(ring), { expectedSeconds: 20 });
    await fill(ring.node(0).api);
    const lookup = await farthest(ring);
    const browser = await launchBrowser();
    try {
      await step(`draw ${PICTURE}`, () => draw(browser, lookup), { expectedSeconds: 5 });
    } finally {
      await browser.close();
    }
  } finally {
    await ring.stop();
  }
}

await runScript(main);
