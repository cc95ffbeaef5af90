/**
 * Goal: a seed of the data layer's simulator stands for one run and no other, new ones hold, and
 * every mutant breaks the code that there is.
 * Method: the same plan lives twice with all notes kept; some lives that nobody has seen before;
 * each mutant's text is looked for in its file.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { live } from "../../sim/data/life.ts";
import { mutants } from "../../sim/data/mutants.ts";
import { planOf } from "../../sim/data/plan.ts";
import { runSeeds } from "../../sim/data/pool.ts";
import { minimize } from "../../sim/data/report.ts";

describe("simulated lives of the data layer: a seed replays", () => {
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

  it("a plan that breaks nothing is not cut down", async () => {
    const { faults } = await minimize(planOf(1), "D1");
    assert.deepEqual(faults, planOf(1).faults);
  });
});

describe("simulated lives of the data layer: seeds that broke something once", () => {
  const broken = {
    7_054: "a member stayed behind that missed a write under way while all were compared",
    13_461: "a founder whose disk was full when all had agreed never began",
    30_876: "a founder with an empty disk, cut off from a ring with data, began another one",
    30_988: "a request came again after its id was forgotten with a delete",
    33_565: "a node never heard of a view, as two maps that differed had one number",
    33_339: "a node whose turn it was to lead kept clients waiting while another one led",
    44_292: "who could not move a partition had all of it listed twenty times a second",
    68_737: "a node that ended after all faults were over stayed away",
  };
  for (const [seed, what] of Object.entries(broken)) {
    it(`seed ${seed} holds: ${what}`, async () => {
      const { failure } = await live(planOf(Number(seed)), { recording: false });
      assert.equal(failure, null);
    });
  }
});

describe("simulated lives of the data layer: new seeds hold", function () {
  this.timeout(300_000);
  const count = 200;
  const first = randomInt(1_000_000, 2 ** 40);

  it(`all from ${first} to ${first + count - 1}`, async () => {
    const seeds = Array.from({ length: count }, (_, index) => first + index);
    const problems: string[] = [];
    let answered = 0;
    await runSeeds(seeds, {
      onResult: (result) => {
        answered += result.answered;
        const { failure, plan } = result;
        if (failure !== null) problems.push(`seed ${plan.seed} broke ${failure.problem}`);
        return false;
      },
    });
    assert.deepEqual(problems, []);
    assert.ok(answered > 30 * count, `clients were answered ${answered} times`);
  });
});

describe("mutants of the data layer", () => {
  for (const { name, file, from } of mutants) {
    it(`${name} breaks code that is there`, () => {
      const url = new URL(`../../src/replication/${file}`, import.meta.url);
      assert.equal(readFileSync(url, "utf8").split(from).length, 2, "exactly once");
    });
  }

  it("have names of their own", () => {
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  });
});
