/**
 * Goal: partitions with many keys move to where they are wanted, also to a node that was a member
 * long ago and still has old records, and nobody keeps what it should not.
 * Method: a virtual ring in which a hundred keys are written, moved, written anew and moved back.
 */
import assert from "node:assert/strict";
import type { Outcome, Roster } from "../../src/replication/index.ts";
import { Oracles } from "../../sim/data/oracles.ts";
import { missing } from "../../sim/data/rest.ts";
import { keyOf, World } from "../../sim/data/world.ts";

const names = ["demo-0", "demo-1", "demo-2", "demo-3"];
const keys = Array.from({ length: 100 }, (_, index) => `key-${index}`);

function rosterOf(generation: number, pods: readonly string[]): Roster {
  return { generation, copies: 3, pods: pods.map((name) => ({ name, zone: null })) };
}

interface Ring {
  readonly world: World;
  readonly writeAll: (round: number) => Promise<void>;
  readonly comesToRest: (roster: Roster) => Promise<void>;
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
  const write = async (key: string, round: number): Promise<void> => {
    const id = `${key}-${round}`;
    const content = { contentType: "text/plain", bytes: new TextEncoder().encode(id) };
    const operation = { type: "put", key: keyOf(key), preconditions: {}, content } as const;
    const call = oracles.began(id, { ...operation, requestId: id });
    const node = world.running.get("demo-1");
    let outcome: Outcome | undefined;
    void node?.replication.execute(call.operation, 5_000).then((routed) => {
      outcome = routed.outcome;
    });
    await world.scheduler.runUntil(() => outcome !== undefined, 10_000);
    assert.ok(outcome !== undefined, `${id} has no outcome`);
    oracles.told(call, outcome);
  };
  for (const name of names) world.start(name);
  const roster = rosterOf(1, names.slice(0, 3));
  await world.scheduler.run(2_000);
  world.setRoster("demo-0", roster);
  await comesToRest(roster);
  const writeAll = async (round: number): Promise<void> => {
    for (const key of keys) await write(key, round);
  };
  return { world, writeAll, comesToRest };
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
