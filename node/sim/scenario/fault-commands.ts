/** Commands that start, stop, cut and hold: everything that happens to a ring. */
import type { RequestType } from "../../src/chord/index.ts";
import { milliseconds, nodeName, ScenarioError } from "./names.ts";
import { type Commands, type Script, stageOf, type Words } from "./script.ts";
import type { Pattern } from "./traffic.ts";

const requestTypes: Readonly<Record<RequestType, true>> = {
  ping: true,
  state: true,
  notify: true,
  next: true,
  hint: true,
  hello: true,
  prepare: true,
  start: true,
};

export const faultCommands: Commands = {
  start: {
    usage: "start 25 [28]",
    what: "starts nodes: new ones, or dead ones with the disk they had; the address is a new one",
    run: (script, words) => {
      for (const name of words.nodes()) stageOf(script).start(name);
    },
  },
  crash: {
    usage: "crash 14 [21] [silent] [lose-disk]",
    what: "they die at once; silent: their addresses refuse nothing, they just do not answer",
    run: (script, words) => {
      const options = { silent: words.has("silent"), keepDisk: !words.has("lose-disk") };
      for (const name of words.nodes()) {
        stageOf(script).node(name);
        stageOf(script).world.crash(name, options);
      }
    },
  },
  pause: {
    usage: "pause 21 4s",
    what: "the process stands still for a time, then goes on",
    run: (script, { plain }) =>
      stageOf(script).world.pause(nodeName(plain[0] ?? ""), milliseconds(plain[1])),
  },
  leave: {
    usage: "leave 32",
    what: "a node leaves on request",
    run: (script, words) => {
      for (const name of words.nodes()) void stageOf(script).chord(name).leave();
    },
  },
  rejoin: {
    usage: "rejoin 32",
    what: "a node that left looks for the ring again",
    run: (script, words) => {
      for (const name of words.nodes()) stageOf(script).chord(name).rejoin();
    },
  },
  cut: {
    usage: "cut 8 14 / 21 32 | cut 8 > 14",
    what: "no message between the two sides; or none from the first to the second",
    run: cut,
  },
  heal: {
    usage: "heal",
    what: "ends all cuts",
    run: (script) => stageOf(script).world.heal(),
  },
  nudge: {
    usage: "nudge 8 [14] | nudge all",
    what: "they stabilize soon, after a fiftieth of the interval",
    run: (script, words) => {
      const stage = stageOf(script);
      const all = stage.nodes().map((node) => node.name);
      for (const name of words.has("all") ? all : words.nodes()) {
        const { self, epoch } = stage.chord(name);
        const hint = { type: "hint", leaving: false, successors: [] } as const;
        stage.chord(name).handle({ ring: "sim", epoch, from: self, to: name }, hint);
      }
    },
  },
  messages: {
    usage: "messages state notify ping [with=8] | messages all | messages off",
    what: "shows each exchange of these types when the asked node answers; with=8: only those of 8",
    run: (script, words) => {
      const { plain } = words;
      const party = words.get("with", "");
      const types = plain.includes("all") ? Object.keys(requestTypes) : plain;
      const shown = types.filter((type) => type !== "off").map((type) => requestType(type));
      stageOf(script).traffic.shown = new Set(shown);
      stageOf(script).traffic.party = party === "" ? null : nodeName(party);
    },
  },
  hold: {
    usage: "hold 8>14 notify | hold *>14 state answer",
    what: "keeps messages back: requests of a type, or the answers to them",
    run: (script, words) => stageOf(script).traffic.hold(patternOf(words), false),
  },
  lose: {
    usage: "lose 8>14 notify",
    what: "the same, and they never arrive",
    run: (script, words) => stageOf(script).traffic.hold(patternOf(words), true),
  },
  release: {
    usage: "release [twice]",
    what: "ends `hold` and `lose`, and sends what was held back, once or twice",
    run: (script, words) => stageOf(script).traffic.release(words.has("twice") ? 2 : 1),
  },
};

function cut(script: Script, { plain }: Words): void {
  const stage = stageOf(script);
  const mark = plain.findIndex((word) => word === "/" || word === ">");
  if (mark < 1 || mark === plain.length - 1) throw new ScenarioError("cut needs two sides");
  const side = (words: readonly string[]): string[] => words.map((word) => nodeName(word));
  stage.world.cut(side(plain.slice(0, mark)), side(plain.slice(mark + 1)), {
    oneWay: plain[mark] === ">",
  });
}

function patternOf({ plain }: Words): Pattern {
  const [way = "", type] = plain;
  const [from, to, ...rest] = way.split(">");
  if (from === undefined || to === undefined || rest.length > 0) {
    throw new ScenarioError(`${way} is no way, such as 8>14 or *>14`);
  }
  return {
    from: from === "*" ? null : nodeName(from),
    to: to === "*" ? null : nodeName(to),
    type: type === undefined ? null : requestType(type),
    part: plain.includes("answer") ? "answer" : "request",
  };
}

function requestType(text: string): RequestType {
  if (text in requestTypes) return text as RequestType;
  throw new ScenarioError(
    `${text} is no message; there are ${Object.keys(requestTypes).join(" ")}`,
  );
}
