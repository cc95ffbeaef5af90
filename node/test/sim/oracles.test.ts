/**
 * Goal: each oracle of the simulator notices the breach that it is there for, and lets a sound ring
 * pass. Method: a small ring in virtual time; then pointers are written or traffic is invented as
 * no correct node would, and the oracles must end with that oracle's error.
 */
import assert from "node:assert/strict";
import {
  type Answer,
  type Chord,
  Circle,
  type Envelope,
  type Id,
  type NodeRef,
  type Request,
} from "../../src/chord/index.ts";
import { checkPath, OracleError, Oracles } from "../../sim/oracles.ts";
import { World } from "../../sim/world.ts";

const circle = new Circle(6);
const numbers = [8, 14, 21, 32, 38];

interface Watched {
  readonly world: World;
  readonly oracles: Oracles;
  readonly chord: (number: number) => Chord;
  /** What the oracles say now, and within a time; null when they find nothing. */
  readonly verdict: (ms?: number) => Promise<string | null>;
}

/** An ideal ring with r = 2 that the oracles have seen to be ideal. */
async function watchedRing(): Promise<Watched> {
  const world = new World({
    seed: 1,
    successors: 2,
    founders: numbers.map((number) => `n${number}`),
    options: { bits: circle.bits },
    idOf: (text) => circle.fromNumber(Number(text.slice(1))),
  });
  const oracles = new Oracles(world);
  for (const number of numbers) world.start(`n${number}`);
  assert.ok(await world.scheduler.runUntil(() => oracles.intact, 60_000));
  // Past the time in which a member counts as new.
  await world.scheduler.run(10_000);
  const chord = (number: number): Chord => {
    const node = world.running.get(`n${number}`);
    assert.ok(node !== undefined);
    return node.chord;
  };
  const verdict = async (ms = 5000): Promise<string | null> => {
    try {
      oracles.afterEvent();
      await world.scheduler.run(ms);
      return null;
    } catch (error) {
      if (!(error instanceof OracleError)) throw error;
      return error.oracle;
    }
  };
  return { world, oracles, chord, verdict };
}

const strange: NodeRef = { name: "n25", id: circle.fromNumber(25), address: "10.9.9.9:8081" };

describe("oracles: a sound ring passes", () => {
  it("while nothing happens, and through a join, a crash and a leave", async () => {
    const { world, oracles, chord, verdict } = await watchedRing();
    assert.equal(await verdict(), null);
    world.start("n25");
    assert.equal(await verdict(), null);
    world.crash("n21");
    assert.equal(await verdict(20_000), null);
    void chord(38).leave();
    assert.equal(await verdict(), null);
    assert.ok(oracles.intact, "within what the protocol is made for");
    assert.ok(oracles.intactCount > 10);
  });
});

describe("oracles: pointers", () => {
  it("R9: a successor that was not contacted", async () => {
    const { chord, verdict } = await watchedRing();
    const reply = { predecessor: null, successors: [] };
    chord(21).ring.adoptSuccessor(strange, reply);
    assert.equal(await verdict(), "R9");
  });

  it("R9: a predecessor that was not contacted", async () => {
    const { chord, verdict } = await watchedRing();
    chord(32).ring.setPredecessor(strange);
    assert.equal(await verdict(), "R9");
  });

  it("S1: a living successor that is dropped before it was silent three times", async () => {
    const { chord, verdict } = await watchedRing();
    chord(8).ring.dropSuccessor(chord(14).self);
    assert.equal(await verdict(), "S1");
  });

  it("S1 allows it after three misses, and Zave's assumption is over", async () => {
    const { world, oracles, chord, verdict } = await watchedRing();
    const host = world.running.get("n8");
    assert.ok(host !== undefined);
    for (let i = 0; i < 3; i++) oracles.unanswered(host, chord(14).self.address);
    chord(8).ring.dropSuccessor(chord(14).self);
    assert.equal(await verdict(1), null);
    assert.equal(oracles.wrongSuspicionCount, 1);
    assert.equal(oracles.intact, false);
    assert.equal(await verdict(10_000), null);
    assert.equal(oracles.intact, true, "it is watched again once it is ideal");
  });

  it("S1 does not mind a dead neighbour, whatever was asked", async () => {
    const { world, chord, verdict } = await watchedRing();
    const { self } = chord(14);
    world.crash("n14");
    chord(8).ring.dropSuccessor(self);
    assert.equal(await verdict(), null);
  });

  it("R7: a list that passes over a principal member", async () => {
    const { chord, verdict } = await watchedRing();
    const successors = [chord(32).self, chord(38).self];
    const reply = { predecessor: null, successors };
    chord(8).ring.adoptSuccessor(chord(14).self, reply);
    assert.equal(await verdict(), "R7");
  });

  it("rests on the ring as a whole while somebody lies, but not on single pointers", async () => {
    const { oracles, chord, verdict } = await watchedRing();
    oracles.liarPresent = () => true;
    const successors = [chord(32).self, chord(38).self];
    const reply = { predecessor: null, successors };
    chord(8).ring.adoptSuccessor(chord(14).self, reply);
    assert.equal(await verdict(1), null);
    assert.equal(oracles.intact, false);
    chord(32).ring.setPredecessor(strange);
    assert.equal(await verdict(), "R9");
  });

  it("rests once more failed than r-1 neighbours, and says so", async () => {
    const { world, oracles, verdict } = await watchedRing();
    world.crash("n14");
    world.crash("n21");
    assert.equal(await verdict(20_000), null);
    assert.ok(world.transcript.some((line) => line.includes("more failed than the protocol")));
    assert.ok(oracles.intact, "three of five are r+1 again");
  });
});

describe("oracles: traffic", () => {
  const request: Request = { type: "state" };
  const envelopeFrom = (chord: Chord, epoch = 1): Envelope => ({
    ring: "sim",
    epoch,
    from: chord.self,
    to: null,
  });

  it("R8: pointers shown in the middle of an operation", async () => {
    const { world, oracles, chord } = await watchedRing();
    const host = world.running.get("n8");
    assert.ok(host !== undefined);
    const answer: Answer = {
      self: chord(8).self,
      epoch: 1,
      reply: { predecessor: null, successors: [] },
    };
    const shown = (): void => oracles.handled(host, envelopeFrom(chord(14)), request, answer);
    assert.doesNotThrow(shown);
    for (let step = 0; !chord(8).busy; step++) {
      assert.ok(step < 20_000, "a node stabilizes at least every two seconds");
      await world.scheduler.run(0.1);
    }
    assert.throws(shown, { oracle: "R8" });
    assert.doesNotThrow(() => oracles.handled(host, envelopeFrom(chord(14)), request, null));
  });

  it("E1: two founders of one epoch, beside each other", async () => {
    const { world, oracles, chord } = await watchedRing();
    const host = world.running.get("n8");
    assert.ok(host !== undefined);
    const answer: Answer = { self: chord(8).self, epoch: 1, reply: { started: true } };
    const founded = (by: number, epoch: number, said = answer): void =>
      oracles.handled(host, envelopeFrom(chord(by)), { type: "start", epoch, members: [] }, said);
    // The lowest name, n14, has founded this ring, with epoch 1.
    founded(14, 1);
    founded(21, 2);
    founded(21, 1, { ...answer, reply: { started: false } });
    assert.throws(() => founded(21, 1), { oracle: "E1" });
  });

  it("L4: an owner that did not answer since the lookup began", async () => {
    const { world, oracles, chord } = await watchedRing();
    const host = world.running.get("n8");
    assert.ok(host !== undefined);
    const { self } = chord(32);
    const sinceMs = world.scheduler.now() + 1;
    await world.scheduler.run(1);
    assert.doesNotThrow(() => oracles.checkOwner(host, chord(8).self, sinceMs));
    assert.throws(() => oracles.checkOwner(host, strange, sinceMs), { oracle: "L4" });
    oracles.answered(host, { type: "ping" }, { self, epoch: 1, reply: {} });
    assert.doesNotThrow(() => oracles.checkOwner(host, self, sinceMs));
    assert.throws(() => oracles.checkOwner(host, self, world.scheduler.now() + 1), {
      oracle: "L4",
    });
  });
});

describe("oracles: the way of a lookup", () => {
  const at = (number: number): NodeRef => ({
    name: `n${number}`,
    id: circle.fromNumber(number),
    address: "",
  });
  const id: Id = circle.fromNumber(54);
  const strict = { strict: true, hopCountMax: 10 };

  it("passes one that comes nearer with each hop, also across zero", () => {
    checkPath([8, 42, 51].map(at), id, strict);
    checkPath([42, 51, 1].map(at), circle.fromNumber(6), strict);
    checkPath([at(8)], id, strict);
  });

  it("L1: a hop away from the identifier, or past it", () => {
    for (const path of [
      [8, 42, 38],
      [8, 56],
      [42, 8],
    ]) {
      assert.throws(() => checkPath(path.map(at), id, strict), { oracle: "L1" }, path.join());
    }
  });

  it("L1: no node twice, even where the dead had to be passed", () => {
    const lenient = { ...strict, strict: false };
    checkPath([8, 42, 38, 51].map(at), id, lenient);
    const [a, b] = [at(8), at(42)];
    assert.throws(() => checkPath([a, b, at(38), b], id, lenient), { oracle: "L1" });
    assert.throws(() => checkPath([8, 42, 1].map(at), id, lenient), { oracle: "L1" });
  });

  it("L2: more hops than there are nodes", () => {
    const path = [1, 8, 14, 21, 32].map(at);
    checkPath(path, id, { strict: true, hopCountMax: 4 });
    assert.throws(() => checkPath(path, id, { strict: true, hopCountMax: 3 }), { oracle: "L2" });
  });
});
