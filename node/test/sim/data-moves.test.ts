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

const names = ["demo-0", "demo-1", "demo-2", "demo-3"];
const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);

function rosterOf(generation: number, pods: readonly string[]): Roster {
  return { generation, copies: 3, pods: pods.map((name) => ({ name, zone: null })) };
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
function mute(node: DataNode, isMuted: (request: Request) => boolean): () => void {
  const handle = node.handle.bind(node);
  const { promise: never }: PromiseWithResolvers<never> = Promise.withResolvers();
  node.handle = (from, request) => (isMuted(request) ? never : handle(from, request));
  return () => {
    node.handle = handle;
  };
}

/** One partition on the first three of four nodes. */
async function ring(): Promise<Ring> {
  const world = new World({ seed: 1, founders: names, options: { partitions: 1, copies: 3 } });
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
  for (const name of names) world.start(name);
  const roster = rosterOf(1, names.slice(0, 3));
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
  const [key = ""] = keys;
  const isAccept = ({ type }: Request): boolean => type === "accept";
  const isListing = (request: Request): boolean => request.type === "list" && request.ballot > 0;
  const get: Operation = { type: "get", key: keyOf(key), preconditions: {}, head: false };

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
    const copy = { type: "copy", partition: 0, epoch, from: "demo-1" } as const;
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
