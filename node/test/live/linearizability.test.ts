/**
 * Goal: no acknowledged write is ever lost, and every read is the latest, on rings of real
 * processes. Method: clients that ask all the time under seeded faults (hack/live), and a proof
 * from what they saw; then the same with builds that break the promise, each of which must be seen.
 *
 * CHORDRING_LIVE_SECONDS is how long each ring is under faults, CHORDRING_LIVE_SEED what decides on
 * them; a failure prints the command that runs it again.
 *
 * While a ring keeps one copy of each value, it is told nothing that would move a key to a node
 * without its value: a ring of one node is killed, a larger one only stops and goes on.
 */
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { brokenBuilds } from "../../../hack/live/broken-builds.ts";
import { figureLines } from "../../../hack/live/figures.ts";
import { type LiveResult, runLive } from "../../../hack/live/live.ts";
import { type LiveOptions, liveOptions } from "../../../hack/live/options.ts";

const seconds = Number(process.env["CHORDRING_LIVE_SECONDS"] ?? 30);
const seed = Number(process.env["CHORDRING_LIVE_SEED"] ?? randomInt(1_000_000));
/** Start, recovery, final reads and the check take as long again on a slow machine. */
const timeoutMs = (seconds + 270) * 1_000;
/** Enough for a broken build to be seen. */
const brokenSeconds = 15;

const oneNode: Partial<LiveOptions> = { nodes: 1, stabilizeIntervalMs: 500 };

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

describe("every acknowledged write is kept and every read is the latest", function () {
  this.timeout(timeoutMs);

  it(`by a node that is killed, stopped and restarted all the time (seed ${seed})`, async () => {
    assertKept(await run({ ...oneNode, faults: ["kill", "pause", "restart"] }));
  });

  it(`by a ring whose nodes stop and go on (seed ${seed})`, async () => {
    assertKept(await run({ faults: ["pause"] }));
  });
});

describe("a ring that breaks the promise is seen to do so", function () {
  this.timeout(timeoutMs);

  for (const build of brokenBuilds) {
    it(`${build.name}: ${build.what}`, async () => {
      const size = build.faults.includes("kill") ? oneNode : { outageMsMax: 5_000 };
      const { name, faults } = build;
      const result = await run({ ...size, seconds: brokenSeconds, build: name, faults });
      const { cold, check } = result.figures;
      assert.ok(check !== undefined, result.problems.join("\n"));
      assert.ok(check.illegal > 0, `nobody noticed; seed ${seed}`);
      if (name === "acknowledged-before-durable") {
        assert.ok((cold?.wrong.length ?? 0) > 0, `no acknowledged cold key is gone; seed ${seed}`);
      }
      // What is kept of a failure is of no use where the failure was wanted.
      if (result.directory !== undefined) rmSync(result.directory, { recursive: true });
    });
  }
});
