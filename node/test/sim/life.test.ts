/**
 * Goal: a seed stands for one run and no other, and a failing one is cut down to what it needs.
 * Method: the same plan lives twice with all notes kept; and a thread whose protocol is broken
 * (a mutant of node/sim/mutants.ts) minimizes the first plan that notices.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { live } from "../../sim/life.ts";
import { planOf } from "../../sim/plan.ts";
import { runSeeds } from "../../sim/pool.ts";
import type { Minimized, MinimizeRequest } from "../support/minimize-mutant.ts";

describe("simulated lives: a seed replays", () => {
  for (const seed of [1, 2, 3]) {
    it(`seed ${seed} has the same plan and the same transcript twice`, async () => {
      assert.deepEqual(planOf(seed), planOf(seed));
      const first = await live(planOf(seed), { recording: true });
      const second = await live(planOf(seed), { recording: true });
      assert.ok(first.transcript.length > 20);
      assert.deepEqual(first, second);
    });
  }

  it("whether notes are kept changes nothing but the notes", async () => {
    const { transcript, ...kept } = await live(planOf(4), { recording: true });
    const { transcript: none, ...bare } = await live(planOf(4), { recording: false });
    assert.deepEqual(bare, kept);
    assert.deepEqual(none, []);
    assert.notDeepEqual(transcript, []);
  });

  it("a thread of the pool lives the same life", async () => {
    const here = await live(planOf(5), { recording: false });
    const there: (typeof here)[] = [];
    await runSeeds([5], { workers: 1, onResult: (result) => there.push(result) > 1 });
    assert.deepEqual(there, [here]);
  });

  it("other seeds are other lives", async () => {
    const [one, other] = [planOf(6), planOf(7)];
    assert.notDeepEqual({ ...one, seed: 0 }, { ...other, seed: 0 });
  });
});

describe("simulated lives: a failure is cut down", () => {
  it("to faults of the plan that break the same promise, none in vain", async function () {
    this.timeout(60_000);
    const request: MinimizeRequest = {
      mutant: "rectify-without-ping",
      seedMax: 200,
      faultCountMin: 4,
    };
    const worker = new Worker(new URL("../support/minimize-mutant.ts", import.meta.url), {
      workerData: request,
    });
    const [found] = (await once(worker, "message")) as [Minimized | null];
    await worker.terminate();
    assert.ok(found !== null, "the mutant is noticed");
    const which = `seed ${found.seed}`;
    assert.ok(found.faultsAfter < found.faultsBefore, `${which}: nothing was taken out`);
    assert.ok(found.partOfPlan, which);
    assert.equal(found.oracleAfter, found.oracle, which);
    assert.ok(!found.withoutEach.includes(found.oracle), `${which}: one fault is left in vain`);
  });
});
