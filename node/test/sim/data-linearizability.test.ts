/**
 * Goal: the simulator's check of a key's history accepts exactly the linearizable ones.
 * Method: histories by hand, one for each thing that can be wrong; then thousands of small random
 * ones, right and spoiled, against a search that tries every order of the calls.
 */
import assert from "node:assert/strict";
import type { Outcome, Preconditions } from "../../src/replication/index.ts";
import { type Call, KeyHistory, type Version } from "../../sim/data/history.ts";
import { checkLinearizable } from "../../sim/data/linearizability.ts";
import { SeededRandom } from "../../sim/random.ts";
import { sha1 } from "../../sim/world.ts";

const key = { id: sha1("key"), text: "key" };
const text = new TextEncoder();

/** A state that a call makes: a value, or a delete. */
interface Made {
  readonly call: string;
  readonly present: boolean;
  /** The leader's own delete, made at this moment. */
  readonly expiredAt?: number;
}

/** The path of these states, one made from the other; the last one is given. */
function pathOf(history: KeyHistory, states: readonly Made[]): Version | null {
  let before: Version | null = null;
  for (const [index, { call, present, expiredAt }] of states.entries()) {
    const stamp = { epoch: 1, ballot: 3, count: index + 1 };
    const version = `1-3-${index + 1}`;
    const content = present ? { contentType: "text/plain", bytes: text.encode(call) } : null;
    const asked = { id: call, outcome: "deleted" as const, version };
    const answered = present || expiredAt !== undefined ? [] : [asked];
    history.moment = expiredAt ?? 0;
    history.kept({ version, content, answered }, stamp, before?.state);
    before = history.named(version);
  }
  return before;
}

interface Told {
  readonly id: string;
  readonly type?: "get" | "put" | "delete";
  readonly when: readonly [begin: number, end: number];
  readonly outcome: Outcome | "failed" | "unknown";
  readonly preconditions?: Preconditions;
}

function callOf({ id, type = "get", when, outcome, preconditions = {} }: Told): Call {
  const [begin, end] = when;
  const requestId = id;
  const content = { contentType: "text/plain", bytes: text.encode(id) };
  const operation =
    type === "get"
      ? { type, key, preconditions, head: false }
      : type === "put"
        ? { type, key, preconditions, content, requestId }
        : { type, key, preconditions, requestId };
  return { id, operation, begin, end, floor: null, outcome };
}

function linearizable(states: readonly Made[], calls: readonly Told[]): boolean {
  const history = new KeyHistory("key");
  const last = pathOf(history, states);
  history.calls.push(...calls.map(callOf));
  try {
    checkLinearizable(history, last);
    return true;
  } catch (error) {
    assert.equal((error as { oracle?: string }).oracle, "D2");
    return false;
  }
}

const stored = (count: number, created = false): Outcome => ({
  type: "stored",
  version: `1-3-${count}`,
  created,
});
const value = (count: number, call: string): Outcome => {
  const bytes = text.encode(call);
  const version = `1-3-${count}`;
  return { type: "value", version, contentType: "text/plain", bytes, length: bytes.length };
};
const gone: Outcome = { type: "not-found" };
const put = (id: string, when: Told["when"], outcome: Told["outcome"]): Told => ({
  id,
  type: "put",
  when,
  outcome,
});

describe("the check of a key's history", () => {
  const a = { call: "a", present: true };
  const b = { call: "b", present: true };
  const deleted = { call: "d", present: false };

  it("accepts writes and reads in their order, and calls at the same time in any", () => {
    const writes = [put("a", [1, 2], stored(1, true)), put("b", [3, 6], stored(2))];
    assert.ok(linearizable([a, b], writes));
    const read = (count: number, call: string): Told => ({
      id: "r",
      when: [4, 5],
      outcome: value(count, call),
    });
    assert.ok(linearizable([a, b], [...writes, read(1, "a")]));
    assert.ok(linearizable([a, b], [...writes, read(2, "b")]));
  });

  it("lets a value expire at any moment from when that was made, and at none before", () => {
    const expiry = { call: "", present: false, expiredAt: 5 };
    const write = put("a", [1, 2], stored(1, true));
    const none = (...when: Told["when"]): Told => ({ id: "n", when, outcome: gone });
    const read: Told = { id: "r", when: [7, 8], outcome: value(1, "a") };
    assert.ok(linearizable([a, expiry], [write, none(3, 6)]));
    assert.ok(linearizable([a, expiry], [write, none(9, 10), read]), "made, and seen later");
    assert.ok(!linearizable([a, expiry], [write, none(3, 4)]), "not made yet");
    assert.ok(!linearizable([a, expiry], [write, none(3, 6), read]), "it came back");
    assert.ok(!linearizable([expiry], [none(1, 2)]), "nothing was there");
  });

  it("refuses a read of what was replaced before it began", () => {
    const writes = [put("a", [1, 2], stored(1, true)), put("b", [3, 4], stored(2))];
    assert.ok(
      !linearizable([a, b], [...writes, { id: "r", when: [5, 6], outcome: value(1, "a") }]),
    );
  });

  it("refuses a read that goes back behind another one", () => {
    const writes = [put("a", [1, 2], stored(1, true)), put("b", [3, 10], stored(2))];
    const reads: Told[] = [
      { id: "r", when: [4, 5], outcome: value(2, "b") },
      { id: "s", when: [6, 7], outcome: value(1, "a") },
    ];
    assert.ok(!linearizable([a, b], [...writes, ...reads]));
  });

  it("lets a write of unknown outcome happen late or never, and a failed one never", () => {
    const late = put("b", [1, 2], "unknown");
    const first = put("a", [3, 4], stored(1, true));
    assert.ok(linearizable([a, b], [late, first]));
    assert.ok(linearizable([a], [late, first]));
    assert.ok(linearizable([a], [put("b", [1, 2], "failed"), first]));
    assert.ok(!linearizable([a, b], [put("b", [1, 2], "failed"), first]));
  });

  it("refuses a write that was acknowledged and is not there, or is there twice", () => {
    const writes = [put("a", [1, 2], stored(1, true)), put("b", [3, 4], stored(2))];
    assert.ok(!linearizable([a], writes));
    assert.ok(!linearizable([a, b, a], writes));
    assert.ok(!linearizable([a, b], writes.slice(0, 1)), "nobody asked for b");
  });

  it("knows what a write replaced", () => {
    assert.ok(!linearizable([a], [put("a", [1, 2], stored(1))]));
    const twice = [put("a", [1, 2], stored(1, true)), put("b", [3, 4], stored(2, true))];
    assert.ok(!linearizable([a, b], twice));
    const matching = (ifMatch: string): Told => ({
      ...put("b", [3, 4], stored(2)),
      preconditions: { ifMatch: [ifMatch] },
    });
    assert.ok(linearizable([a, b], [put("a", [1, 2], stored(1, true)), matching("1-3-1")]));
    assert.ok(!linearizable([a, b], [put("a", [1, 2], stored(1, true)), matching("1-3-7")]));
  });

  it("finds a delete for whoever found nothing, if there is one in time", () => {
    const calls: Told[] = [
      put("a", [1, 2], stored(1, true)),
      { id: "d", type: "delete", when: [3, 8], outcome: { type: "deleted" } },
    ];
    const nothing = (when: Told["when"]): Told => ({ id: `n${when[0]}`, when, outcome: gone });
    assert.ok(linearizable([a, deleted], [...calls, nothing([4, 5])]));
    assert.ok(linearizable([a, deleted], [...calls, nothing([0, 0.5])]));
    assert.ok(!linearizable([a], [...calls.slice(0, 1), nothing([4, 5])]));
    const seen: Told = { id: "r", when: [6, 7], outcome: value(1, "a") };
    assert.ok(!linearizable([a, deleted], [...calls, nothing([4, 5]), seen]));
  });

  it("refuses a precondition that was told to fail and held", () => {
    const failed: Told = {
      ...put("b", [3, 4], { type: "precondition-failed", version: "1-3-1" }),
      preconditions: { ifNoneMatch: "*" },
    };
    const first = put("a", [1, 2], stored(1, true));
    assert.ok(linearizable([a], [first, failed]));
    assert.ok(!linearizable([a], [first, { ...failed, preconditions: { ifMatch: "*" } }]));
    assert.ok(!linearizable([a, b], [first, failed]), "it happened");
  });
});

describe("the check of a key's history, against a search of all orders", () => {
  it("agrees on thousands of small histories", () => {
    const random = new SeededRandom(1);
    const counts = { right: 0, wrong: 0 };
    for (let round = 0; round < 4_000; round += 1) {
      const { states, calls } = draw(random);
      const found = linearizable(states, calls);
      assert.equal(found, searched(states, calls), JSON.stringify({ states, calls }));
      counts[found ? "right" : "wrong"] += 1;
    }
    assert.ok(counts.right > 400 && counts.wrong > 400, JSON.stringify(counts));
  });
});

/** What clients see of a register, with begins and ends spread around the moments of it. */
function draw(random: SeededRandom): { states: Made[]; calls: Told[] } {
  const states: Made[] = [];
  const calls: Told[] = [];
  const count = random.integer(2, 7);
  for (let moment = 1; moment <= count; moment += 1) {
    const call = drawCall(random, moment, states);
    if (call !== null) calls.push(call);
  }
  return { states, calls };
}

/** The call of one moment; what it makes is added to the states. */
function drawCall(random: SeededRandom, moment: number, states: Made[]): Told | null {
  const id = `c${moment}`;
  const spread = (): number => random.next() * random.integer(0, 4);
  // Sometimes not where it happened: then the history may be wrong.
  const about = moment + (random.chance(0.3) ? random.integer(-3, 3) : 0);
  const when: Told["when"] = [about - spread(), about + 0.001 + spread()];
  const last = states.at(-1);
  const present = last?.present === true;
  const kind = random.next();
  if (kind < 0.45) {
    const seen = present ? value(states.length, last.call) : gone;
    return { id, when, outcome: random.chance(0.15) ? gone : seen };
  }
  if (kind < 0.8) {
    states.push({ call: id, present: true });
    const outcome = stored(states.length, !present);
    return put(id, when, random.chance(0.2) ? "unknown" : outcome);
  }
  if (!present) return null;
  states.push({ call: id, present: false });
  const outcome: Told["outcome"] = random.chance(0.2) ? "unknown" : { type: "deleted" };
  return { id, type: "delete", when, outcome };
}

/** Whether the calls, each between its begin and end, can come in an order that explains all. */
function searched(states: readonly Made[], calls: readonly Told[]): boolean {
  const endOf = ({ outcome, when }: Told): number =>
    outcome === "unknown" ? Number.POSITIVE_INFINITY : when[1];
  const from = (place: number, left: readonly Told[]): boolean => {
    if (left.length === 0) return place === states.length;
    const soonest = Math.min(...left.map(endOf));
    return left.some((call) => {
      if (call.when[0] > soonest) return false;
      const rest = left.filter((other) => other !== call);
      if (call.type !== undefined && call.type !== "get") {
        return states[place]?.call === call.id && from(place + 1, rest);
      }
      const there = states[place - 1]?.present === true ? `1-3-${place}` : null;
      return versionIn(call) === there && from(place, rest);
    });
  };
  return from(0, calls);
}

function versionIn({ outcome }: Told): string | null {
  return typeof outcome !== "string" && "version" in outcome ? outcome.version : null;
}
