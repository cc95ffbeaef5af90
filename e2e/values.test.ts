/**
 * Goal: no acknowledged write is lost and every read is the latest, while pods are killed and lose
 * their volumes, and the ring grows, changes its copies, rolls and shrinks.
 * Method: clients that ask all the time through all pods, one change after the other, each when the
 * one before is at its end; then everything is read through every pod, and one order of all
 * operations must explain every answer (hack/linearizability).
 */
import assert from "node:assert/strict";
import type { Context } from "mocha";
import { figureLines } from "../hack/live/figures.ts";
import { SeededRandom } from "../hack/lib/seeded-random.ts";
import { config } from "./config.ts";
import { figure, inSeconds } from "./support/figures.ts";
import { Ring } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { ValueTrial } from "./support/value-trial.ts";
import { minuteMs } from "./support/wait.ts";

const suite = "values";
const { seed, long } = config;
const knobs = `CHORDRING_E2E_SEED=${seed}${long ? " CHORDRING_E2E_LONG=1" : ""}`;
/** Operations a second: what two cores carry beside a whole cluster. */
const rate = 60;
const sizes = long ? [5, 9] : [5];
/** Of the operations asked: many go to pods that are gone. */
const ANSWERED_SHARE = 0.5;
const podsWithinMs = 5 * minuteMs;
const placedWithinMs = 5 * minuteMs;
/** Of the seed; what clients ask has another one. */
const VICTIM_STREAM = 1;

describe(`values: kept, and the latest, whatever is done to pods (seed ${seed})`, function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace(suite, { knobs });
  const random = new SeededRandom(seed, VICTIM_STREAM);
  let ring: Ring;
  let trial: ValueTrial | undefined;
  let count = 3;
  let copies = 3;
  let allPassed = true;

  before(
    prepared(namespace, async () => {
      ring = await Ring.create(namespace, "kept", { replicas: count, copies });
      await settled();
      trial = await ValueTrial.start(ring, { suite, seed, rate });
    }),
  );

  afterEach(function (this: Context) {
    allPassed &&= this.currentTest?.state === "passed";
  });

  after(async () => {
    await trial?.end();
    if (allPassed) trial?.forget();
  });

  async function settled(): Promise<void> {
    await ring.ideal(count, podsWithinMs);
    await ring.placed(count, copies, placedWithinMs);
  }

  /** One change under load, from its begin until the ring is whole again. */
  async function change(kind: string, text: string, make: () => Promise<void>): Promise<void> {
    assert.ok(trial, "clients ask");
    const startMs = Date.now();
    await trial.fault(kind, text, async () => {
      await make();
      await settled();
    });
    figure(text, `whole again after ${inSeconds(Date.now() - startMs)}`);
  }

  /** Kills the pod at once; answers when another one of its name runs. */
  async function kill(name: string): Promise<void> {
    const before = await ring.podIdentities();
    await ring.kubectl(["delete", "pod", name, "--wait=false", "--force", "--grace-period=0"]);
    await ring.replaced([name], before, { count, withinMs: podsWithinMs });
  }

  async function loseVolume(name: string): Promise<void> {
    // It goes once the pod has gone, and the next pod waits for a new one.
    await ring.kubectl(["delete", "pvc", `data-${name}`, "--wait=false"]);
    await kill(name);
  }

  async function scale(to: number): Promise<void> {
    const from = count;
    await change("scale", `scale ${from} to ${to}`, async () => {
      await ring.scale(to);
      count = to;
    });
  }

  async function changeCopies(to: number): Promise<void> {
    const from = copies;
    await change("copies", `copies ${from} to ${to}`, async () => {
      await ring.change({ copies: to });
      copies = to;
    });
  }

  it("a pod is killed", async () => {
    const name = random.pick(ring.podNames(count));
    await change("kill", `${name} killed`, () => kill(name));
  });

  it("a pod is killed and its volume is lost", async () => {
    const name = random.pick(ring.podNames(count));
    await change("replace", `${name} and its volume lost`, () => loseVolume(name));
  });

  for (const size of sizes) it(`the ring grows to ${size}`, () => scale(size));

  for (const to of [5, 1, 3]) it(`copies becomes ${to}`, () => changeCopies(to));

  for (const size of [...sizes.slice(0, -1).toReversed(), 3]) {
    it(`the ring shrinks to ${size}`, () => scale(size));
  }

  it("all pods are rolled", async () => {
    await change("roll", "all pods rolled", async () => {
      const before = await ring.podIdentities();
      await ring.change({ podAnnotations: { "example.com/rolled": String(seed) } });
      await ring.replaced(ring.podNames(count), before, { count, withinMs: podsWithinMs });
    });
  });

  it("every acknowledged write is there, and one order explains every answer", async () => {
    assert.ok(trial, "clients have asked");
    const { problems, strange, figures, answered, seconds } = await trial.prove();
    for (const line of figureLines(figures)) figure(suite, line);
    const report = [...problems, ...figureLines(figures), `kept: ${trial.directory}`];
    assert.deepEqual(problems, [], report.join("\n"));
    assert.deepEqual(strange, []);
    figure(suite, `${answered} operations answered in ${Math.round(seconds)} s of changes`);
    assert.ok(answered > ANSWERED_SHARE * rate * seconds, `${answered} answered in ${seconds} s`);
  });
});
