/**
 * Goal: while nodes are dead and nobody has noticed yet, lookups are slow at worst, never wrong.
 * Method: two neighbours of a virtual ring of nine die at once; every other node is asked at once.
 */
import assert from "node:assert/strict";
import { demoNames, sha1, World } from "../../sim/world.ts";

/** Two suspicions must not add up: a client's patience is about five seconds. */
const slowestMs = 4000;

describe("lookups right after two neighbours died", () => {
  it("all end at the first living node behind the key, within four seconds", async () => {
    const world = new World({ seed: 11, successors: 4, founders: demoNames(5) });
    for (let i = 0; i < 9; i++) world.start(`demo-${i}`);
    assert.ok(await world.scheduler.runUntil(() => world.ideal().ideal, 60_000));
    await world.scheduler.run(30_000);
    const byId = [...world.running.values()].map((node) => node.chord.self);
    byId.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const node of byId.slice(3, 5)) world.crash(node.name);
    const startMs = world.scheduler.now();
    let pending = 0;
    const wrong: string[] = [];
    for (const node of world.running.values()) {
      for (let i = 0; i < 40; i++) {
        const id = sha1(`key ${i}`);
        const judge = (owner: string): void => {
          pending -= 1;
          if (owner !== world.ownerOf(id)) wrong.push(`${id} led to ${owner}`);
        };
        pending += 1;
        void node.chord.find(id).then(
          (found) => judge(found.owner.name),
          (error: unknown) => judge(String(error)),
        );
      }
    }
    assert.ok(await world.scheduler.runUntil(() => pending === 0, 30_000));
    assert.deepEqual(wrong, []);
    const tookMs = world.scheduler.now() - startMs;
    assert.ok(tookMs <= slowestMs, `the slowest took ${tookMs} ms of virtual time`);
  });
});
