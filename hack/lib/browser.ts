/**
 * A headless browser, for the picture of the page and for its end-to-end test: the chromium of the
 * system, because a browser downloaded beside it would be one more thing to keep up to date.
 */
import { type Browser, chromium } from "playwright-core";
import { ensureDebianPrograms } from "../cluster/debian-packages.ts";
import { findProgram } from "./run.ts";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** It talks to the page's origin only: what it does in the background by itself is turned off. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a browser; installs one first where that is safe to do unasked. */
export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: await browserProgram(), headless: true, args: FLAGS });
}

async function browserProgram(): Promise<string> {
  const found = await firstProgram();
  if (found !== undefined) return found;
  await ensureDebianPrograms(["chromium"]);
  return (await firstProgram()) ?? "chromium";
}

async function firstProgram(): Promise<string | undefined> {
  for (const name of PROGRAMS) {
    const path = await findProgram(name);
    if (path !== undefined) return path;
  }
  return undefined;
}
