/** The figures that a run measures: shown as they come, and kept beside what failures leave. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { config } from "../config.ts";

export function figure(what: string, value: string): void {
  const line = `figure: ${what}: ${value}\n`;
  process.stdout.write(line);
  mkdirSync(config.artifacts, { recursive: true });
  appendFileSync(join(config.artifacts, "figures.txt"), `${new Date().toISOString()} ${line}`);
}

export function inSeconds(durationMs: number): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
