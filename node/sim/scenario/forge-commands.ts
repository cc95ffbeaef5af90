/** Commands of a host that holds the ring's token and lies. */
import { ChordError, type NodeRef, type Request } from "../../src/chord/index.ts";
import { nodeName, ScenarioError, wholeNumber } from "./names.ts";
import { type Commands, type Script, stageOf, type Words } from "./script.ts";
import { type Stage, strangerAddress } from "./stage.ts";
import { Stranger } from "./stranger.ts";

/** How long a forged request may take. */
const patienceMs = 5000;

export const forgeCommands: Commands = {
  forge: {
    usage: "forge notify 14>21 [id=20] [epoch=1] [nodes=50,8]; also hint, start, prepare, ping",
    what: "a stranger sends this to 21 in the name of 14, whose address is its own",
    run: forge,
  },
  pretend: {
    usage: "pretend 14 [id=20] [predecessor=8] [successors=50,21,8] | pretend nobody",
    what: "what the stranger answers when it is asked; nobody: it says that it is no member",
    run: (script, words) => {
      const stage = stageOf(script);
      const stranger = strangerOf(script);
      if (words.has("nobody")) {
        stranger.pretence = null;
        return;
      }
      const self = reference(stage, `${words.plain[0] ?? ""}@stranger`, words.get("id", ""));
      const before = words.get("predecessor", "");
      const predecessor = before === "" ? null : reference(stage, before);
      stranger.pretence = { self, predecessor, successors: references(stage, words, "successors") };
    },
  },
};

function strangerOf(script: Script): Stranger {
  script.stranger ??= new Stranger(stageOf(script));
  return script.stranger;
}

async function forge(script: Script, words: Words): Promise<void> {
  const stage = stageOf(script);
  const stranger = strangerOf(script);
  const [type = "", way = ""] = words.plain;
  const [from = "", to = ""] = way.split(">");
  const target = nodeName(to);
  const sender = reference(stage, `${from}@stranger`, words.get("id", ""));
  const epoch = wholeNumber(words.get("epoch", String(stage.chord(target).epoch)));
  const request = requestOf(type, references(stage, words, "nodes"), epoch);
  const outcome = await stage.outcome(stranger.send(target, sender, epoch, request), patienceMs);
  const what =
    outcome instanceof ChordError ? `refused, ${outcome.code}: ${outcome.message}` : "taken";
  stage.print(`${type} in the name of ${stage.show(sender)}: ${what}`);
}

function requestOf(type: string, nodes: readonly NodeRef[], epoch: number): Request {
  switch (type) {
    case "notify":
    case "ping":
    case "state":
      return { type };
    case "hint":
      return { type, leaving: true, successors: nodes };
    case "prepare":
      return { type, epoch };
    case "start":
      return { type, epoch, members: nodes };
    default:
      throw new ScenarioError(`${type} cannot be forged`);
  }
}

function references(stage: Stage, words: Words, name: string): NodeRef[] {
  const list = words.get(name, "");
  return list === "" ? [] : list.split(",").map((text) => reference(stage, text));
}

/** `21` is the node itself, `21@stranger` its name at the stranger's, `50:20` has a wrong id. */
function reference(stage: Stage, text: string, wrongId = ""): NodeRef {
  const [node = "", place] = text.split("@");
  const [number = "", id = wrongId] = node.split(":");
  const name = nodeName(number);
  const running = stage.world.running.get(name)?.address ?? "10.9.9.9:8081";
  return {
    name,
    id: id === "" ? stage.world.idOf(name) : stage.idOf(wholeNumber(id)),
    address: place === "stranger" ? strangerAddress : running,
  };
}
