/**
 * What a live test can be told. Everything has a default, and all of it goes into the history and
 * into the command that runs the same test again.
 */
import { canSkewClocks } from "./clock-skew.ts";
import { type FaultKind, linkFaults, processFaults } from "./schedule.ts";

export interface LiveOptions {
  /** Decides on the schedule of faults and on what the clients ask. */
  readonly seed: number;
  /** How long clients ask and faults happen. */
  readonly seconds: number;
  readonly nodes: number;
  /** Copies of each value. Below 3 no disk is emptied. */
  readonly copies: number;
  readonly faults: readonly FaultKind[];
  /** The longest time for which one fault lasts. */
  readonly outageMsMax: number;
  /** Operations a second, over all nodes. */
  readonly rate: number;
  readonly hotKeys: number;
  /** When a client gives up on an operation. */
  readonly timeoutMs: number;
  readonly stabilizeIntervalMs: number;
  /** The broken build to run, by name; undefined for the true one. */
  readonly build: string | undefined;
  /** Keep history and logs of a test that passed, too. */
  readonly keep: boolean;
}

/** The least number of copies with which a ring survives the loss of one disk. */
const COPIES_SAFE = 3;

export const allFaults: readonly FaultKind[] = [...processFaults, ...linkFaults];

export function liveOptions(given: Partial<LiveOptions> = {}): LiveOptions {
  const copies = given.copies ?? 3;
  const safe = copies >= COPIES_SAFE;
  const possible: Partial<Record<FaultKind, boolean>> = { skew: canSkewClocks(), replace: safe };
  return {
    seed: 1,
    seconds: 60,
    nodes: 5,
    copies,
    faults: allFaults.filter((kind) => possible[kind] ?? true),
    outageMsMax: 8_000,
    rate: 250,
    hotKeys: 12,
    timeoutMs: 4_000,
    stabilizeIntervalMs: 500,
    build: undefined,
    keep: false,
    ...given,
  };
}

/** The command that runs this test again; chance still decides on who comes first. */
export function replayCommand(options: LiveOptions): string {
  const { copies } = options;
  const defaults = { ...liveOptions({ copies }), copies: liveOptions().copies, seed: undefined };
  const words = Object.entries(options)
    .filter(([name, value]) => String(value) !== String(valueOf(defaults, name)))
    .map(([name, value]) => `--${flagOf(name)}${value === true ? "" : `=${String(value)}`}`);
  return ["node_modules/.bin/node hack/live/main.ts", ...words].join(" ");
}

function valueOf(options: object, name: string): unknown {
  return (options as Readonly<Record<string, unknown>>)[name];
}

/** `outageMsMax` is `--outage-ms-max`. */
export function flagOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
