/**
 * Goal: a ring begins once, by a majority, and comes back after a blackout as one ring.
 * Method: whole virtual clusters; each test is one history.
 */
import assert from "node:assert/strict";
import { demoNames, World } from "../../sim/world.ts";

async function converge(world: World): Promise<void> {
  const ideal = await world.scheduler.runUntil(() => world.ideal().ideal, 60_000);
  assert.ok(ideal, `${world.ideal().problems.join("; ")}\n${world.transcript.join("\n")}`);
}

describe("founding", () => {
  it("starts the founders as an ideal ring at once, and lets the rest join", async () => {
    const world = new World({ seed: 1, successors: 2, founders: demoNames(3) });
    for (const name of demoNames(6)) world.start(name);
    await converge(world);
    assert.ok(world.scheduler.now() < 10_000, `took ${world.scheduler.now()} ms`);
    assert.equal(world.running.get("demo-0")?.chord.epoch, 1);
  });

  it("waits while only a minority of the founders is there, and says for whom", async () => {
    const world = new World({ seed: 2, successors: 4, founders: demoNames(5) });
    for (const name of ["demo-1", "demo-3"]) world.start(name);
    await world.scheduler.run(120_000);
    assert.equal(world.ready().length, 0);
    const detail = world.running.get("demo-1")?.chord.view().detail;
    assert.equal(detail, "Waits for demo-0, demo-2, demo-4 to start a ring together");
  });

  it("starts with a majority after its patience, and the last founders join", async () => {
    const world = new World({ seed: 3, successors: 4, founders: demoNames(5) });
    for (const name of ["demo-1", "demo-3", "demo-4"]) world.start(name);
    await converge(world);
    assert.ok(world.scheduler.now() >= 10_000);
    for (const name of ["demo-0", "demo-2"]) world.start(name);
    await converge(world);
    assert.equal(world.running.get("demo-0")?.chord.epoch, 1);
  });

  it("comes back as one ring with a higher epoch when all nodes were down", async () => {
    const world = new World({ seed: 4, successors: 4, founders: demoNames(5) });
    for (const name of demoNames(9)) world.start(name);
    await converge(world);
    for (const name of demoNames(9)) world.crash(name);
    for (const name of demoNames(9)) {
      world.start(name);
      await world.scheduler.run(700);
    }
    await converge(world);
    assert.equal(world.running.get("demo-8")?.chord.epoch, 2);
  });

  it("does not start again while one member of the old ring still runs", async () => {
    const world = new World({ seed: 5, successors: 4, founders: demoNames(5) });
    for (const name of demoNames(5)) world.start(name);
    await converge(world);
    for (const name of demoNames(4)) world.crash(name);
    for (const name of demoNames(4)) world.start(name);
    await converge(world);
    assert.equal(world.running.get("demo-0")?.chord.epoch, 1, "they joined demo-4's ring");
  });

  it("a node that left forgets its ring and founds none alone", async () => {
    const world = new World({ seed: 6, successors: 4, founders: demoNames(3) });
    for (const name of demoNames(4)) world.start(name);
    await converge(world);
    await left(world, "demo-3");
    world.crash("demo-3");
    await converge(world);
    for (const name of demoNames(3)) world.crash(name);
    world.start("demo-3");
    await world.scheduler.run(60_000);
    assert.equal(world.ready().length, 0);
  });
});

describe("a node that lost sight of all others", () => {
  for (const count of [2, 3, 5, 9]) {
    it(`founds no ring of its own beside ${count - 1} that do not answer`, async () => {
      const names = demoNames(count);
      const world = new World({ seed: 10, successors: 4, founders: demoNames(Math.min(count, 5)) });
      for (const name of names) world.start(name);
      await converge(world);
      world.cut(["demo-1"], names.toSpliced(1, 1));
      await world.scheduler.run(40_000);
      // It starts again, and remembers what it saw last.
      world.crash("demo-1");
      world.start("demo-1");
      await world.scheduler.run(60_000);
      assert.equal(world.running.get("demo-1")?.chord.epoch, 0);
      world.heal();
      await converge(world);
      for (const name of names) assert.equal(world.running.get(name)?.chord.epoch, 1);
    });
  }
});

describe("two rings", () => {
  it("become one, the larger, when a partition heals", async () => {
    const world = new World({ seed: 7, successors: 4, founders: demoNames(5) });
    for (const name of demoNames(7)) world.start(name);
    await converge(world);
    world.cut(demoNames(7).slice(0, 3), demoNames(7).slice(3));
    await world.scheduler.run(60_000);
    assert.equal(world.ideal().ideal, false);
    world.heal();
    await converge(world);
  });
});

describe("leaving", () => {
  it("closes the gap within a second, without a suspicion, even with one successor", async () => {
    for (const successors of [1, 2, 4]) {
      const world = new World({ seed: 8, successors, founders: demoNames(successors + 1) });
      for (const name of demoNames(6)) world.start(name);
      await converge(world);
      for (const name of ["demo-5", "demo-4", "demo-3", "demo-2", "demo-1"]) {
        await left(world, name);
        world.crash(name);
        const closed = await world.scheduler.runUntil(() => world.ideal().ideal, 3000);
        assert.ok(closed, `r = ${successors}, ${name}: ${world.ideal().problems.join("; ")}`);
      }
    }
  });

  it("comes back on request", async () => {
    const world = new World({ seed: 9, successors: 4, founders: demoNames(3) });
    for (const name of demoNames(3)) world.start(name);
    await converge(world);
    await left(world, "demo-2");
    world.running.get("demo-2")?.chord.rejoin();
    await converge(world);
  });
});

async function left(world: World, name: string): Promise<void> {
  const chord = world.running.get(name)?.chord;
  void chord?.leave();
  const gone = (): boolean =>
    [...world.running.values()].every(
      (node) => !node.chord.successors.some((successor) => successor.name === name),
    );
  assert.ok(await world.scheduler.runUntil(gone, 10_000), `${name} is still in a list`);
}
