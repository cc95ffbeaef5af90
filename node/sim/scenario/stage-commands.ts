/** Commands that set the stage, let time pass and look at the ring. */
import {
  checkList,
  checkRing,
  ChordError,
  type Id,
  invariants,
  type LookupMode,
  type RingInvariant,
} from "../../src/chord/index.ts";
import {
  milliseconds,
  nodeName,
  numberOf,
  numberOfId,
  ScenarioError,
  wholeNumber,
} from "./names.ts";
import { type Commands, type Script, stageOf, type Words } from "./script.ts";
import { Stage } from "./stage.ts";

/** How long `until` and lookups may take. */
const patienceMs = 60_000;

export const stageCommands: Commands = {
  ring: {
    usage: "ring 8 14 21 [r=2] [bits=6] [every=1s] [seed=1]",
    what: "an ideal ring of these nodes with right fingers; time zero is when it has come to rest",
    run: placeRing,
  },
  nodes: {
    usage: "nodes founders=8,14,21 [r=2] [bits=6] [every=1s] [seed=1]",
    what: "no ring yet; these names found it once they are started",
    run: (script, words) => {
      const founders = words
        .get("founders", "")
        .split(",")
        .map((text) => nodeName(text));
      script.stage = newStage(words, founders);
    },
  },
  run: {
    usage: "run 3s",
    what: "time passes",
    run: (script, { plain }) => stageOf(script).run(milliseconds(plain[0])),
  },
  until: {
    usage: "until ideal | until member 25 | until 14 before 21 | until 8 then 14",
    what: "time passes until it holds: predecessor of 21 is 14; first successor of 8 is 14",
    run: until,
  },
  "ideal?": {
    usage: "ideal?",
    what: "whether all running nodes are one ideal ring",
    run: (script) => {
      const { ideal, problems } = stageOf(script).world.ideal();
      if (ideal) stageOf(script).print("ideal");
      for (const problem of problems) stageOf(script).print(`not ideal: ${problem}`);
    },
  },
  invariants: {
    usage: "invariants",
    what: "Zave's invariants over the views of all members, as the oracles check them",
    run: printInvariants,
  },
  show: {
    usage: "show [8 14]",
    what: "one line for each node",
    run: show,
  },
  lookup: {
    usage: "lookup 8 54",
    what: "a lookup of the identifier 54 at node 8, over fingers",
    run: (script, words) => lookUp(script, words, "finger"),
  },
  walk: {
    usage: "walk 8 54",
    what: "the same along first successors only",
    run: (script, words) => lookUp(script, words, "walk"),
  },
};

function newStage(words: Words, founders: readonly string[]): Stage {
  return new Stage({
    founders,
    bits: wholeNumber(words.get("bits", "6")),
    successors: wholeNumber(words.get("r", "2")),
    seed: wholeNumber(words.get("seed", "1")),
    stabilizeIntervalMs: milliseconds(words.get("every", "1s")),
  });
}

async function placeRing(script: Script, words: Words): Promise<void> {
  const names = words.nodes();
  const stage = newStage(words, names);
  script.stage = stage;
  script.stranger = null;
  for (const name of names) stage.start(name);
  const members = stage.nodes().map((node) => node.chord.self);
  for (const { chord } of stage.nodes()) {
    chord.ring.becomeFounder(1, members);
    for (let exponent = 0; exponent < chord.ring.fingers.size; exponent++) {
      const owner = stage.world.ownerOf(chord.ring.fingers.start(exponent));
      chord.ring.setFinger(exponent, stage.chord(owner).self);
    }
  }
  await stage.run(20 * stage.options.stabilizeIntervalMs);
  if (!stage.world.ideal().ideal) throw new ScenarioError("The ring did not come to rest");
  stage.begin();
}

async function until(script: Script, { plain }: Words): Promise<void> {
  const stage = stageOf(script);
  const fromMs = stage.world.scheduler.now();
  if (await stage.until(conditionOf(stage, plain), patienceMs)) {
    const tookMs = stage.world.scheduler.now() - fromMs;
    stage.print(`so it is after ${(tookMs / 1000).toFixed(2)} s`);
    return;
  }
  const problems = stage.world.ideal().problems.join("; ");
  stage.print(`NOT within ${patienceMs / 1000} s: ${problems}`);
}

function conditionOf(stage: Stage, plain: readonly string[]): () => boolean {
  const [first = "", relation = "", second = ""] = plain;
  if (first === "ideal") return () => stage.world.ideal().ideal;
  if (first === "member") {
    const name = nodeName(relation);
    return () => stage.world.running.get(name)?.chord.state === "member";
  }
  const a = nodeName(first);
  const b = nodeName(second);
  const ringOf = (name: string) => stage.world.running.get(name)?.chord.ring;
  if (relation === "before") return () => ringOf(b)?.predecessor?.name === a;
  if (relation === "then") return () => ringOf(a)?.successors[0]?.name === b;
  throw new ScenarioError(`until knows ideal, member, before and then, not ${plain.join(" ")}`);
}

function printInvariants(script: Script): void {
  const stage = stageOf(script);
  const { successors } = stage.options;
  const members = stage.nodes().filter((node) => node.chord.ring.member);
  const rings = members.map((node) => node.chord.ring);
  const violations = [
    ...rings.flatMap((ring) => checkList(ring, successors)),
    ...checkRing(rings, successors),
  ];
  const broken = new Set(violations.map(({ invariant }) => invariant));
  // Where a member has no living successor, the ring cannot be walked.
  const unknown: RingInvariant[] = broken.has("R1") ? ["R5", "R6", "R11"] : [];
  const codes = Object.keys(invariants) as RingInvariant[];
  const holding = codes.filter((code) => !broken.has(code) && !unknown.includes(code));
  stage.print(`hold: ${holding.join(" ")}`);
  for (const { invariant, problem } of violations) stage.print(`broken: ${invariant}, ${problem}`);
}

function show(script: Script, words: Words): void {
  const stage = stageOf(script);
  const wanted = words.nodes();
  for (const node of stage.nodes()) {
    if (wanted.length > 0 && !wanted.includes(node.name)) continue;
    const { state, epoch, predecessor, successors, fingers } = node.chord.ring;
    const names = (refs: readonly (typeof successors)[number][]): string =>
      refs.map((ref) => stage.show(ref)).join(" ") || "none";
    const before = predecessor === null ? "none" : stage.show(predecessor);
    stage.print(
      `${node.name.padEnd(3)} ${state}, epoch ${epoch}: predecessor ${before}, ` +
        `successors ${names(successors)}, fingers ${names(distinct(fingers.nodes()))}`,
    );
  }
}

/** A node may be several fingers with another one between. */
function distinct<T extends { readonly address: string }>(nodes: readonly T[]): T[] {
  return [...new Map(nodes.map((node) => [node.address, node])).values()];
}

/** The first member at or behind an identifier. */
function ownerOf(stage: Stage, id: Id): string {
  const members = stage.nodes().filter((node) => node.chord.state === "member");
  return (members.find((node) => node.chord.self.id >= id) ?? members[0])?.name ?? "nobody";
}

async function lookUp(script: Script, { plain }: Words, mode: LookupMode): Promise<void> {
  const stage = stageOf(script);
  const id = stage.idOf(wholeNumber(plain[1]));
  const found = await stage.outcome(
    stage.chord(nodeName(plain[0] ?? "")).find(id, { mode }),
    patienceMs,
  );
  if (found === null) throw new ScenarioError("The lookup did not end");
  if (found instanceof ChordError) {
    stage.print(`${numberOfId(id)}: ${found.code}, ${found.message}`);
    return;
  }
  const path = found.path.map(({ node }) => node.name).join(" → ");
  const right = ownerOf(stage, id);
  const wrong = found.owner.name === right ? "" : `, WRONG: it is ${right}`;
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
  stage.print(
    `${numberOf(`n${numberOfId(id)}`)} belongs to ${found.owner.name}${wrong}: path ${path}, ` +
      `${count(found.hops, "hop")}, ${count(found.timeouts, "timeout")}`,
  );
}
