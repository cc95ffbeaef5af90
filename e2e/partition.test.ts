/**
 * Goal: a ring that a network partition has cut in two becomes one again by itself, soon after the
 * network does, with everything that was stored and without a restart.
 * Method: spread a ring of nine and one of five over the cluster's nodes, cut one Kubernetes node
 * off until both sides have long been rings of their own, heal the cut, and measure how long it
 * takes until all views together are the ideal ring.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Context } from "mocha";
import { Cut } from "../hack/cluster/cut.ts";
import { config } from "./config.ts";
import { figure, inSeconds } from "./support/figures.ts";
import { assertKept, type KeptValues, storeValues } from "./support/kept-values.ts";
import { type NodeToCut, nodeToCut } from "./support/node-to-cut.ts";
import { lookUp, Ring } from "./support/ring.ts";
import { closeForwards } from "./support/reach.ts";
import { assertIdealFromAll, assertIdealSide, type Side, sidesOf } from "./support/sides.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs, secondMs, throughout } from "./support/wait.ts";

/** From the cut's end. */
const wholeWithinMs = 60 * secondMs;
const valueCount = 90;
const lookupCount = 30;

/** A ring and what it was before the cut. */
interface Subject {
  readonly ring: Ring;
  readonly count: number;
  readonly sides: readonly [Side, Side];
  readonly values: KeptValues;
  readonly identities: ReadonlyMap<string, string>;
}

async function subjectOf(ring: Ring, count: number, node: NodeToCut): Promise<Subject> {
  await ring.ideal(count, 3 * minuteMs);
  await ring.condition("RingConverged", minuteMs);
  const sides = await sidesOf(ring, node);
  const sizes = sides.map(({ names }) => names.length).join(" and ");
  figure(`ring of ${count}`, `${sizes} nodes, the latter on ${node.facts.name}`);
  const values = await storeValues(ring, valueCount);
  return { ring, count, sides, values, identities: await ring.podIdentities() };
}

describe("partition: two halves of a ring become one again by themselves", function () {
  this.timeout(testTimeoutMs);
  let node: NodeToCut;
  let subjects: readonly Subject[] = [];
  let cut: Cut | undefined;

  // Before the namespace's own hooks: nobody can diagnose or remove what cannot be reached.
  after(() => cut?.heal());
  afterEach(async function (this: Context) {
    if (this.currentTest?.state === "failed") await cut?.heal();
  });
  const namespace = useNamespace("partition");

  before(
    prepared(namespace, async () => {
      node = await nodeToCut();
      const nine = await Ring.create(namespace, "nine", { replicas: 9 });
      const five = await Ring.create(namespace, "five", { replicas: 5 });
      subjects = [await subjectOf(nine, 9, node), await subjectOf(five, 5, node)];
    }),
  );

  async function assertTwoRings(): Promise<void> {
    for (const { sides } of subjects) await Promise.all(sides.map(assertIdealSide));
  }

  async function assertPodsUntouched(): Promise<void> {
    for (const { ring, identities } of subjects) {
      assert.deepEqual(await ring.podIdentities(), identities);
    }
  }

  it("while a node is cut off, both sides go on as rings of their own", async () => {
    const startMs = Date.now();
    cut = await Cut.begin(node.facts);
    await eventually("each side is an ideal ring of its own", config.cutMs, assertTwoRings);
    figure("cut in two", `each side ideal after ${inSeconds(Date.now() - startMs)}`);
    await throughout(startMs + config.cutMs - Date.now(), async () => {
      await assertTwoRings();
      await assertPodsUntouched();
    });
    figure("cut off", `${node.facts.name} for ${inSeconds(Date.now() - startMs)}`);
  });

  it("the operator does not call that converged, unless it is cut off itself", async () => {
    for (const { ring, count } of subjects) {
      const { status } = await ring.object();
      const seen = status?.conditions?.map(({ type, status }) => `${type}=${status}`).join(" ");
      figure(`ring of ${count} while cut`, `${seen}`);
      const converged = status?.conditions?.find(({ type }) => type === "RingConverged");
      if (!node.hasOperator) assert.notEqual(converged?.status, "True", seen);
    }
  });

  it("within a minute of the cut's end each ring is one again", async () => {
    assert.ok(cut);
    const startMs = Date.now();
    await cut.heal();
    // A forward that was open through the cut may be silent for long after it.
    closeForwards();
    await Promise.all(
      subjects.map(async ({ ring, count }) => {
        const model = ring.model(count);
        await eventually(`ring ${ring.name} is one again`, wholeWithinMs, async () => {
          assert.deepEqual(model.problems(await ring.views()), []);
        });
        const wholeMs = Date.now() - startMs;
        await eventually(`all of ${ring.name} find it ideal`, wholeWithinMs - wholeMs, () =>
          assertIdealFromAll(ring, count),
        );
        const seenMs = Date.now() - startMs;
        figure(`ring of ${count} healed`, `one ring after ${inSeconds(wholeMs)}`);
        figure(`ring of ${count} healed`, `said by every node after ${inSeconds(seenMs)}`);
      }),
    );
  });

  // Later than the ring itself: a kubelet that lost the API server comes back at its own pace.
  it("Kubernetes and the operator see it too", async () => {
    const startMs = Date.now();
    for (const { ring, count } of subjects) {
      await ring.ideal(count, 3 * minuteMs);
      await ring.condition("Ready", minuteMs);
      await ring.condition("RingConverged", minuteMs);
    }
    figure("all pods ready again", `${inSeconds(Date.now() - startMs)} after that`);
  });

  it("no pod was restarted or replaced", assertPodsUntouched);

  it("every value is still there, from whatever node", async () => {
    for (const { ring, values } of subjects) await assertKept(ring, values);
  });

  it("every node finds the right owner", async () => {
    for (const { ring, count } of subjects) {
      const model = ring.model(count);
      for (const node of await ring.nodes()) {
        for (let i = 0; i < lookupCount; i += 1) {
          const key = randomBytes(9).toString("base64url");
          const { owner } = await lookUp(node, key);
          assert.equal(owner.name, model.owner(key), `${key} from ${node.name}`);
        }
      }
    }
  });
});
