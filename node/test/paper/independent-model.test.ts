/**
 * Goal: the model that the gates compare with is itself right.
 * Method: the papers' worked example, and the figures of another small simulation, which was made
 * before this model and shares no code with it.
 */
import assert from "node:assert/strict";
import {
  drawPosition,
  drawPositions,
  IndependentModel,
  modelLoads,
} from "../../sim/paper/independent-model.ts";
import { Histogram, quantile } from "../../sim/paper/statistics.ts";
import { SeededRandom } from "../../sim/random.ts";

const random = new SeededRandom(2001);
const next = (): number => random.next();

interface Shape {
  readonly nodes: number;
  readonly successors: number;
  /** Share of the nodes that died. */
  readonly failed?: number;
}

/** Routes lookups on some rings of this shape. */
function route({ nodes, successors, failed = 0 }: Shape) {
  const forwards = new Histogram();
  const timeouts = new Histogram();
  const rings = Math.max(4, Math.ceil(2048 / nodes));
  for (let ring = 0; ring < rings; ring++) {
    const alive = new Uint8Array(nodes).fill(1);
    const order = random.shuffle([...alive.keys()]);
    for (const node of order.slice(0, failed * nodes)) alive[node] = 0;
    const positions = drawPositions(nodes, next);
    const model = new IndependentModel(positions, { successors, ownArc: false, alive });
    const living = order.slice(failed * nodes);
    for (let i = 0; i < 6000 / rings; i++) {
      const key = drawPosition(next);
      const found = model.lookup(random.pick(living) ?? 0, key);
      assert.equal(found.owner, model.ownerOf(key));
      forwards.add(found.forwards);
      timeouts.add(found.timeouts);
    }
  }
  return { forwards, timeouts };
}

describe("the independent model", () => {
  it("routes the papers' example: 2 forwards from node 8 to key 54", () => {
    const unit = 2 ** 46;
    const ids = [1, 8, 14, 21, 32, 38, 42, 48, 51, 56];
    const positions = Float64Array.from(ids, (id) => id * unit);
    const model = new IndependentModel(positions, { successors: 1, ownArc: false });
    const found = model.lookup(ids.indexOf(8), 54 * unit);
    assert.deepEqual(found, { forwards: 2, timeouts: 0, owner: ids.indexOf(56) });
  });

  it("finds the noted path lengths", () => {
    const noted: [number, number, number][] = [
      [16, 1, 1.87],
      [64, 1, 2.9],
      [256, 1, 3.87],
      [1024, 1, 4.86],
      [64, 4, 1.99],
      [1024, 4, 3.95],
      [256, 16, 2.02],
      [1024, 20, 2.84],
    ];
    for (const [nodes, successors, mean] of noted) {
      const { forwards } = route({ nodes, successors });
      const off = Math.abs(forwards.mean - mean);
      assert.ok(off < 0.1, `${nodes} nodes, r = ${successors}: ${forwards.mean}, noted ${mean}`);
    }
  });

  it("finds the noted paths and timeouts with dead nodes", () => {
    const noted: [number, number, number][] = [
      [0.1, 4.0, 0.54],
      [0.3, 4.44, 2.09],
      [0.5, 5.29, 6.0],
    ];
    for (const [failed, path, timeouts] of noted) {
      const result = route({ nodes: 1000, successors: 20, failed });
      assert.ok(Math.abs(result.forwards.mean + 1 - path) < 0.2, `${result.forwards.mean + 1}`);
      const off = Math.abs(result.timeouts.mean - timeouts);
      assert.ok(
        off < Math.max(0.15, 0.15 * timeouts),
        `${failed}: ${result.timeouts.mean}, noted ${timeouts}`,
      );
    }
  });

  it("finds the noted spread of keys with virtual nodes", () => {
    const noted: [number, number, number][] = [
      [1, 0, 4.61],
      [5, 0.25, 2.35],
      [20, 0.5, 1.63],
    ];
    for (const [virtualNodes, p1, p99] of noted) {
      const keys = 100_000;
      const loads = modelLoads({ nodes: 1000, virtualNodes, keys }, next).sort();
      const mean = keys / 1000;
      assert.ok(Math.abs(quantile(loads, 0.01) / mean - p1) < 0.1);
      assert.ok(Math.abs(quantile(loads, 0.99) / mean - p99) < 0.12 * p99);
    }
  });
});
