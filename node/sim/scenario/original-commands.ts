/** The command that runs the original protocol of the papers, step by step, beside ours. */
import { Circle, type Id } from "../../src/chord/index.ts";
import { ScenarioError, wholeNumber } from "./names.ts";
import type { OriginalChord } from "./original-chord.ts";
import { OriginalRing } from "./original-ring.ts";
import type { Commands, Script } from "./script.ts";

/** Steps of one node; false when they had nothing to do. */
const steps: Readonly<Record<string, (chord: OriginalChord, id: Id) => boolean>> = {
  stabilize: (chord, id) => chord.stabilize(id),
  notify: (chord, id) => chord.notify(id),
  reconcile: (chord, id) => chord.reconcile(id),
  replace: (chord, id) => chord.replace(id),
  flush: (chord, id) => chord.flush(id),
  fail: (chord, id) => chord.fail(id),
};

export const originalCommands: Commands = {
  original: {
    usage: "original ring 8 21 38 | original join 14 through 8, notify 14, fail 38, …, repair",
    what: `steps of the papers' protocol, r = 2: join, repair, ${Object.keys(steps).join(", ")}`,
    run: (script, { text }) => {
      for (const step of text.split(",")) take(script, step.trim().split(/\s+/));
      const { original } = script;
      for (const line of original?.lines() ?? []) script.print(line);
      for (const problem of original?.problems() ?? []) script.print(`broken: ${problem}`);
    },
  },
};

const circle = new Circle(6);
const successors = 2;

function take(script: Script, words: readonly string[]): void {
  const [verb = "", ...rest] = words;
  if (verb === "ring") {
    script.original = new OriginalRing(rest.map(idOf), successors);
    return;
  }
  const chord = script.original?.chord;
  if (chord === undefined) throw new ScenarioError("`original ring 8 21 38` comes first");
  if (verb === "repair") chord.repair();
  else if (!stepOf(chord, verb, rest)) script.print(`no effect: ${words.join(" ")}`);
}

/** One step; false when it had nothing to do. */
function stepOf(chord: OriginalChord, verb: string, words: readonly string[]): boolean {
  const [node, through, member] = words;
  if (verb === "join" && through === "through") return chord.join(idOf(node), idOf(member));
  const step = steps[verb];
  if (step === undefined) {
    throw new ScenarioError(`the original has no step ${verb} ${words.join(" ")}`);
  }
  return step(chord, idOf(node));
}

function idOf(text: string | undefined): Id {
  return circle.fromNumber(wholeNumber(text));
}
