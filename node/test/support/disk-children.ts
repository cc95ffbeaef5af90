/** Processes that have a disk, to be killed or to run against faults. */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export type Child = ChildProcessByStdio<null, Readable, null>;

/** The command that runs a program of this folder. */
export function supportProgram(name: string, ...words: readonly string[]): readonly string[] {
  return [process.execPath, join(import.meta.dirname, name), ...words];
}

export function startChild(command: readonly string[]): Child {
  const [program = "", ...words] = command;
  return spawn(program, words, { stdio: ["ignore", "pipe", "ignore"] });
}

export async function ended(child: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once("exit", resolve);
  });
}

/** What disk-filler.ts says, line by line. */
export interface FillerEvent {
  readonly durable?: number;
  readonly failed?: number;
  readonly message?: string;
  readonly readable?: boolean;
  readonly recovered?: number;
}

/** Runs the filler within a wrapper; `onFailure` is called when its disk has failed. */
export async function fillDisk(
  wrapper: readonly string[],
  { directory, valueLength }: { readonly directory: string; readonly valueLength: number },
  onFailure: (child: Child) => void = () => undefined,
): Promise<readonly FillerEvent[]> {
  const program = supportProgram("disk-filler.ts", directory, `${valueLength}`);
  const child = startChild([...wrapper, ...program]);
  const events: FillerEvent[] = [];
  for await (const line of createInterface(child.stdout)) {
    events.push(JSON.parse(line) as FillerEvent);
    if (events.at(-1)?.failed !== undefined) onFailure(child);
  }
  await ended(child);
  return events;
}

/** The filler was told why, could read everything, and had it durable in the end. */
export function mustHaveRecovered(events: readonly FillerEvent[], reason: RegExp): void {
  const failure = events.find((event) => event.failed !== undefined);
  const { failed = -1, message = "" } = failure ?? {};
  assert.match(message, reason);
  assert.match(message, /^cannot write to .+data\.lmdb: .+; check the volume's space/);
  assert.equal(events.find((event) => event.readable !== undefined)?.readable, true);
  assert.equal(events.at(-1)?.recovered, failed + 1);
}
