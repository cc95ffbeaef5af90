/** What a scenario holds between its commands, and what every command is. */
import { nodeName, ScenarioError } from "./names.ts";
import type { OriginalRing } from "./original-ring.ts";
import type { Stage } from "./stage.ts";
import type { Stranger } from "./stranger.ts";

export class Script {
  stage: Stage | null = null;
  stranger: Stranger | null = null;
  original: OriginalRing | null = null;
  readonly #lines: string[] = [];

  print(line: string): void {
    if (this.stage === null) this.#lines.push(line);
    else this.stage.print(line);
  }

  /** All lines since it was called last. */
  takeLines(): readonly string[] {
    const lines = [...this.#lines.splice(0), ...(this.stage?.takeLines() ?? [])];
    return lines.flatMap((line) => wrapped(line));
  }
}

const columnsMax = 100;

/** A long line, broken between words; what follows is indented. */
function wrapped(line: string): string[] {
  if (line.length <= columnsMax) return [line];
  const end = line.lastIndexOf(" ", columnsMax);
  const indent = line.length - line.trimStart().length;
  if (end <= indent + 20) return [line];
  return [line.slice(0, end).trimEnd(), ...wrapped(`${" ".repeat(16)}${line.slice(end + 1)}`)];
}

export interface Command {
  /** How it is written. */
  readonly usage: string;
  readonly what: string;
  readonly run: (script: Script, words: Words) => Promise<void> | void;
}

export type Commands = Readonly<Record<string, Command>>;

/** What stands behind a command: plain words, and those of the form name=value. */
export class Words {
  readonly text: string;
  readonly plain: readonly string[];
  readonly #named: ReadonlyMap<string, string>;

  constructor(text: string) {
    this.text = text;
    const words = text.split(/\s+/).filter((word) => word !== "");
    this.plain = words.filter((word) => !word.includes("="));
    const named = words.filter((word) => word.includes("="));
    this.#named = new Map(named.map((word) => word.split("=", 2) as [string, string]));
  }

  get(name: string, otherwise: string): string {
    return this.#named.get(name) ?? otherwise;
  }

  has(flag: string): boolean {
    return this.plain.includes(flag);
  }

  /** All plain words that name nodes. */
  nodes(): string[] {
    return this.plain.filter((word) => /^n?\d+$/.test(word)).map((word) => nodeName(word));
  }
}

export function stageOf(script: Script): Stage {
  if (script.stage === null) throw new ScenarioError("`ring` or `nodes` comes first");
  return script.stage;
}
