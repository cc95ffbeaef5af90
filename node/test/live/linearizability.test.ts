/**
 * Goal: no acknowledged write is ever lost, and every read is the latest, on rings of real
 * processes. Method: clients that ask all the time under seeded faults (hack/live), and a proof
 * from what they saw; then the same with builds that break the promise, each of which must be seen.
 *
 * CHORDRING_LIVE_SECONDS is how long each ring is under faults, CHORDRING_LIVE_SEED what decides on
 * them; a failure prints the command that runs it again.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { brokenBuilds } from "../../../hack/live/broken-builds.ts";
import { ensureSkewedClocks } from "../../../hack/live/clock-skew.ts";
import { figureLines } from "../../../hack/live/figures.ts";
import { type LiveResult, runLive } from "../../../hack/live/live.ts";
import { type LiveOptions, liveOptions } from "../../../hack/live/options.ts";

const seconds = Number(process.env["CHORDRING_LIVE_SECONDS"] ?? 60);
const seed = Number(process.env["CHORDRING_LIVE_SEED"] ?? randomInt(1_000_000));
/** Start, recovery, final reads and the check take as long again on a slow machine. */
const timeoutMs = (seconds + 400) * 1_000;
/** A broken build is tried with some seeds: a fault must meet it in the right moment. */
const brokenSeconds = 25;
const brokenTries = 6;

function run(given: Partial<LiveOptions>): Promise<LiveResult> {
  return runLive(liveOptions({ seed, seconds, ...given }), new AbortController().signal);
}

function assertKept({ problems, strange, replay, directory, figures }: LiveResult): void {
  const lines = [...problems, ...figureLines(figures), `kept: ${directory}`, `replay: ${replay}`];
  assert.deepEqual(problems, [], lines.join("\n"));
  assert.deepEqual(strange, []);
  const { ok } = figures.operations.get;
  assert.ok(ok > 5 * seconds, `only ${ok} reads were answered`);
  assert.ok(Object.values(figures.faults).some((count) => count > 0));
}

// Outside any suite: before the first one decides on its faults.
before(ensureSkewedClocks);

describe("every acknowledged write is kept and every read is the latest", function () {
  this.timeout(timeoutMs);

  it(`by three copies on five nodes, whatever happens (seed ${seed})`, async () => {
    assertKept(await run({}));
  });

  it(`by one copy on one node that is killed all the time (seed ${seed})`, async () => {
    const faults = ["kill", "pause", "restart"] as const;
    assertKept(await run({ nodes: 1, copies: 1, faults, seconds: seconds / 2 }));
  });
});

describe("a ring that breaks the promise is seen to do so", function () {
  this.timeout(brokenTries * timeoutMs);

  for (const build of brokenBuilds) {
    it(`${build.name}: ${build.what}`, async () => {
      for (let attempt = 0; attempt < brokenTries; attempt += 1) {
        const tried = { ...build.shownBy, seed: seed + attempt, seconds: brokenSeconds };
        const result = await run({ ...tried, build: build.name });
        // What is kept of a failure is of no use where the failure was wanted.
        if (result.directory !== undefined) rmSync(result.directory, { recursive: true });
        const { cold, check } = result.figures;
        assert.ok(check !== undefined, result.problems.join("\n"));
        if (check.illegal > 0 || (cold?.wrong.length ?? 0) > 0) return;
      }
      assert.fail(`nobody noticed; seeds ${seed} to ${seed + brokenTries - 1}`);
    });
  }
});
