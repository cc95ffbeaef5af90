/**
 * Scenarios: a history as a text file of commands, each with the full transcript of what it caused.
 * A test runs every file again and compares, so a change of behaviour shows as a difference of
 * text, between the lines that say what should happen. The idea is etcd-raft's.
 *
 * A file holds comments (`# …`), commands, and after each command a line `----`, the transcript and
 * an empty line. Comments and empty lines stay as they are when a file is written again.
 */
import { faultCommands } from "./scenario/fault-commands.ts";
import { forgeCommands } from "./scenario/forge-commands.ts";
import { ScenarioError } from "./scenario/names.ts";
import { originalCommands } from "./scenario/original-commands.ts";
import { type Commands, Script, Words } from "./scenario/script.ts";
import { stageCommands } from "./scenario/stage-commands.ts";

export const commands: Commands = {
  ...stageCommands,
  ...faultCommands,
  ...forgeCommands,
  ...originalCommands,
};

/** A command with the comments before it. */
export interface Step {
  readonly comments: readonly string[];
  /** Empty behind the last command: only comments are left. */
  readonly command: string;
  readonly transcript: readonly string[];
}

const mark = "----";

export function parseScenario(text: string): Step[] {
  const steps: Step[] = [];
  const lines = text.replace(/\n+$/, "").split("\n");
  let comments: string[] = [];
  while (lines.length > 0) {
    const line = lines.shift() ?? "";
    if (line.trim() === "" || line.startsWith("#")) {
      comments.push(line);
      continue;
    }
    steps.push({ comments, command: line, transcript: takeTranscript(lines) });
    comments = [];
  }
  if (comments.length > 0) steps.push({ comments, command: "", transcript: [] });
  return steps;
}

/** Takes what stands behind a command, with the empty line at its end. */
function takeTranscript(lines: string[]): string[] {
  if (lines[0] !== mark) return [];
  lines.shift();
  const end = lines.indexOf("");
  const transcript = lines.splice(0, end < 0 ? lines.length : end);
  lines.shift();
  return transcript;
}

export function formatScenario(steps: readonly Step[]): string {
  const parts = steps.flatMap(({ comments, command, transcript }) => {
    const first = comments.findIndex((line) => line !== "");
    const kept = first < 0 ? [] : comments.slice(first);
    return command === "" ? kept : [...kept, command, mark, ...transcript, ""];
  });
  return `${parts.join("\n").replace(/\n+$/, "")}\n`;
}

/** Runs all commands from the beginning; gives the same steps with what they caused now. */
export async function playScenario(steps: readonly Step[]): Promise<Step[]> {
  const script = new Script();
  const played: Step[] = [];
  for (const step of steps) {
    if (step.command !== "") await play(script, step.command);
    played.push({ ...step, transcript: script.takeLines() });
  }
  for (const { name } of script.stage?.nodes() ?? []) script.stage?.world.crash(name);
  return played;
}

async function play(script: Script, line: string): Promise<void> {
  const [name = "", ...rest] = line.trim().split(" ");
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new ScenarioError(`There is no command ${name}.\n${usage()}`);
  try {
    await command.run(script, new Words(rest.join(" ")));
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new ScenarioError(`${line}: ${error.message}\n${command.usage}: ${command.what}`);
  }
}

/** All commands, a line each. */
export function usage(): string {
  const lines = Object.values(commands).map(({ usage, what }) => `  ${usage}\n      ${what}`);
  return ["Commands:", ...lines].join("\n");
}

/** Where two transcripts of one scenario differ, step by step; empty when they do not. */
export function differences(before: readonly Step[], after: readonly Step[]): string[] {
  return before.flatMap(({ command, transcript }, index) => {
    const now = after[index]?.transcript ?? [];
    if (now.join("\n") === transcript.join("\n")) return [];
    return [`  ${command}`, ...changedLines(transcript, now)];
  });
}

/** The lines between the common beginning and the common end. */
function changedLines(before: readonly string[], after: readonly string[]): string[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  return [
    ...before.slice(head, before.length - tail).map((line) => `- ${line}`),
    ...after.slice(head, after.length - tail).map((line) => `+ ${line}`),
  ];
}
