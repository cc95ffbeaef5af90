/**
 * Goal: partitions with many keys move to where they are wanted, also to a node that was a member
 * long ago and still has old records, and nobody keeps what it should not. Clients see one history
 * even if the view changes while writes of earlier leaders are on some disks only.
 * Method: a virtual ring in which a hundred keys are written, moved, written anew and moved back;
 * one in which single messages get lost.
 */
import assert from "node:assert/strict";
import type { Operation, Outcome, Request, Roster } from "../../src/replication/index.ts";
import { Oracles } from "../../sim/data/oracles.ts";
import { missing } from "../../sim/data/rest.ts";
import { type DataNode, keyOf, World } from "../../sim/data/world.ts";

const names = namesOf(4);
const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `demo-${index}`);
}

/** As many copies as pods. */
function rosterOf(generation: number, names: readonly string[]): Roster {
  const pods = names.map((name) => ({ name, zone: null }));
  return { generation, copies: pods.length, pods };
}

interface Ring {
  readonly world: World;
  readonly node: (name: string) => DataNode;
  /** A client's operation through that node; null if it has no outcome in that time. */
  readonly ask: (name: string, operation: Operation, timeoutMs?: number) => Promise<Outcome | null>;
  readonly writeAll: (round: number) => Promise<void>;
  readonly comesToRest: (roster: Roster) => Promise<void>;
}

function put(key: string, value: string, ifMatch?: string): Operation {
  const preconditions = ifMatch === undefined ? {} : { ifMatch: [ifMatch] };
  const content = { contentType: "text/plain", bytes: new TextEncoder().encode(value) };
  return { type: "put", key: keyOf(key), preconditions, content, requestId: null };
}

/** What the node is asked of these kinds gets no answer, until the end is called. */
function mute(node: DataNode, isMuted: (request: Request, from: string) => boolean): () => void {
  const handle = node.handle.bind(node);
  const { promise: never }: PromiseWithResolvers<never> = Promise.withResolvers();
  node.handle = (from, request) => (isMuted(request, from) ? never : handle(from, request));
  return () => {
    node.handle = handle;
  };
}

/** One partition on all nodes but the last. */
async function ring(founders: readonly string[] = names): Promise<Ring> {
  const copies = founders.length - 1;
  const world = new World({ seed: 1, founders, options: { partitions: 1, copies } });
  const oracles = new Oracles(world, 1, new Map(keys.map((key) => [key, 0])));
  const comesToRest = async (roster: Roster): Promise<void> => {
    const left = (): string[] => missing(world, oracles, roster);
    const rested = await world.scheduler.runUntil(() => left().length === 0, 60_000);
    assert.ok(rested, left().join("; "));
  };
  const node = (name: string): DataNode => {
    const running = world.running.get(name);
    assert.ok(running !== undefined);
    return running;
  };
  let count = 0;
  const ask: Ring["ask"] = async (name, operation, timeoutMs = 5_000) => {
    const id = "content" in operation ? new TextDecoder().decode(operation.content.bytes) : "";
    const call = oracles.began(id === "" ? `get-${(count += 1)}` : id, operation);
    let outcome: Outcome | null | undefined;
    node(name)
      .replication.execute(operation, timeoutMs)
      .then(
        (routed) => (outcome = routed.outcome),
        () => (outcome = null),
      );
    await world.scheduler.runUntil(() => outcome !== undefined, timeoutMs + 1_000);
    if (outcome != null) oracles.told(call, outcome);
    return outcome ?? null;
  };
  for (const name of founders) world.start(name);
  const roster = rosterOf(1, founders.slice(0, copies));
  await world.scheduler.run(2_000);
  world.setRoster("demo-0", roster);
  await comesToRest(roster);
  const writeAll = async (round: number): Promise<void> => {
    for (const key of keys) {
      const outcome = await ask("demo-1", put(key, `${key}-${round}`));
      assert.ok(outcome !== null, `${key} was not written`);
    }
  };
  return { world, node, ask, writeAll, comesToRest };
}

const [key = ""] = keys;
const get: Operation = { type: "get", key: keyOf(key), preconditions: {}, head: false };

function isAccept({ type }: Request): boolean {
  return type === "accept";
}

describe("moves of partitions with many keys", function () {
  this.timeout(60_000);

  it("go to a new member and back again", async () => {
    const { world, writeAll, comesToRest } = await ring();
    await writeAll(1);
    const other = rosterOf(2, names.slice(1));
    world.setRoster("demo-1", other);
    await comesToRest(other);
    await writeAll(2);
    const back = rosterOf(3, names.slice(0, 3));
    world.setRoster("demo-3", back);
    await comesToRest(back);
  });

  it("go back to a member that never heard that it was replaced", async () => {
    const { world, writeAll, comesToRest } = await ring();
    await writeAll(1);
    world.cut(["demo-0"], names.slice(1));
    const other = rosterOf(2, names.slice(1));
    world.setRoster("demo-1", other);
    await world.scheduler.run(10_000);
    await writeAll(2);
    world.heal();
    const back = rosterOf(3, names.slice(0, 3));
    world.setRoster("demo-3", back);
    await comesToRest(back);
  });
});

describe("a move while writes of two earlier leaders are on one disk each", function () {
  this.timeout(60_000);
  const isListing = (request: Request): boolean => request.type === "list" && request.ballot > 0;

  /** Of the members demo-0, demo-1 and demo-2 the first two led one after the other. */
  async function withTwoWrites(): Promise<Ring> {
    const made = await ring();
    const { world, node, ask } = made;
    const leads = (name: string) => () => node(name).replication.view().led === 1;
    const first = await ask("demo-0", put(key, "first"));
    assert.ok(first?.type === "stored");
    assert.ok(leads("demo-0")());
    const spoken = ["demo-1", "demo-2"].map((name) => mute(node(name), isAccept));
    assert.equal(await ask("demo-0", put(key, "one", first.version), 500), null);
    world.cut(["demo-0"], ["demo-1", "demo-2", "demo-3"]);
    assert.ok(await world.scheduler.runUntil(leads("demo-1"), 10_000));
    assert.equal(await ask("demo-1", put(key, "other", first.version), 500), null);
    // The other one had begun to copy ahead.
    const { epoch = 0 } = node("demo-1").replication.map.get(0)?.view ?? {};
    const copy = { type: "copy", partition: 0, epoch, from: "demo-1", limit: 100 } as const;
    const asked = node("demo-3").handle("demo-1", copy);
    await world.scheduler.run(200);
    await asked;
    const copied = node("demo-3").disk.visible(0).records.get(key)?.state.content?.bytes;
    assert.equal(new TextDecoder().decode(copied), "other");
    world.crash("demo-1");
    for (const speak of spoken) speak();
    return made;
  }

  it("goes on once they are settled, and clients see one history", async () => {
    const { world, node, ask, comesToRest } = await withTwoWrites();
    const listed = ["demo-0", "demo-2", "demo-3"].map((name) => mute(node(name), isListing));
    world.heal();
    const without = rosterOf(2, ["demo-0", "demo-2", "demo-3"]);
    world.setRoster("demo-2", without);
    await world.scheduler.run(5_000);
    const unread = mute(node("demo-3"), ({ type }) => type === "read");
    const seen = await ask("demo-0", get);
    assert.ok(seen?.type === "value");
    for (const end of [unread, ...listed]) end();
    world.start("demo-1");
    await comesToRest(without);
    for (const name of names) {
      const again = await ask(name, get);
      assert.ok(again?.type === "value");
      assert.equal(again.version, seen.version);
    }
  });
});

describe("writes of two earlier leaders, on disks that no later leader could compare", function () {
  this.timeout(60_000);
  const six = namesOf(6);
  const without = rosterOf(2, six.toSpliced(1, 1));
  const isOfLeader = ({ type }: Request): boolean =>
    ["promise", "read", "list", "accept", "repair", "confirm"].includes(type);

  /**
   * Of the members, the first five, demo-0 has one write and demo-1, which is down, the other one.
   * They begin to replace demo-1 by demo-5, while demo-0 follows nobody.
   */
  async function moving(): Promise<Ring & { readonly follow: () => void }> {
    const made = await ring(six);
    const { world, node, ask } = made;
    const first = await ask("demo-0", put(key, "first"));
    assert.ok(first?.type === "stored");
    const spoken = six.slice(1, 5).map((name) => mute(node(name), isAccept));
    assert.equal(await ask("demo-0", put(key, "one", first.version), 500), null);
    world.cut(["demo-0"], six.slice(1));
    const leads = (): boolean => node("demo-1").replication.view().led === 1;
    assert.ok(await world.scheduler.runUntil(leads, 10_000));
    assert.equal(await ask("demo-1", put(key, "other", first.version), 500), null);
    world.crash("demo-1");
    for (const speak of spoken) speak();
    const follow = mute(node("demo-0"), isOfLeader);
    world.heal();
    world.setRoster("demo-2", without);
    return { ...made, follow };
  }

  const began =
    ({ node }: Ring, members: readonly string[]) =>
    (): boolean =>
      members.every((name) => node(name).disk.visible(0).state?.view.epoch === 2);

  async function sees(name: string, { ask }: Ring): Promise<string> {
    const seen = await ask(name, get);
    assert.ok(seen?.type === "value");
    return new TextDecoder().decode(seen.bytes);
  }

  it("come to one end if members of the next view begin with one or the other", async () => {
    const made = await moving();
    const { world, node } = made;
    // First demo-3 begins alone, with what demo-1 and others show.
    let shownTo: readonly string[] = [];
    for (const name of ["demo-0", "demo-2", "demo-4"]) {
      mute(node(name), ({ type }, from) => type === "show" && !shownTo.includes(from));
    }
    const sealed = (): boolean =>
      ["demo-2", "demo-3", "demo-4"].every((name) => node(name).disk.visible(0).state?.sealed);
    assert.ok(await world.scheduler.runUntil(sealed, 20_000));
    world.start("demo-1");
    const speak = mute(node("demo-1"), ({ type }, from) => type === "show" && from !== "demo-3");
    const hidden = mute(node("demo-0"), ({ type }) => type === "show");
    shownTo = ["demo-3"];
    assert.ok(await world.scheduler.runUntil(began(made, ["demo-3"]), 20_000));
    speak();
    world.crash("demo-1");
    // Then the others, with what demo-0 and others show, and lead without demo-3.
    const compare = mute(
      node("demo-3"),
      (request) => request.type === "show" || isOfLeader(request),
    );
    shownTo = six;
    hidden();
    made.follow();
    const others = ["demo-0", "demo-2", "demo-4", "demo-5"];
    assert.ok(await world.scheduler.runUntil(began(made, others), 20_000));
    assert.equal(await sees("demo-2", made), "one");
    compare();
    world.start("demo-1");
    await made.comesToRest(without);
    assert.equal(await sees("demo-2", made), "one");
  });

  it("come to one end if the member with the other one becomes a member anew", async () => {
    const made = await moving();
    const { world, node, comesToRest } = made;
    const members = ["demo-0", "demo-2", "demo-3", "demo-4", "demo-5"];
    assert.ok(await world.scheduler.runUntil(began(made, members), 20_000));
    made.follow();
    assert.equal(await sees("demo-2", made), "one");
    // It keeps its records until it hears that all have begun.
    mute(node("demo-0"), ({ type }, from) => type === "announce" && from === "demo-1");
    world.start("demo-1");
    const again = rosterOf(3, ["demo-0", "demo-1", "demo-2", "demo-3", "demo-5"]);
    world.setRoster("demo-2", again);
    await comesToRest(again);
    assert.equal(await sees("demo-2", made), "one");
  });
});
