/**
 * Goal: the worked examples of the Chord papers come out of the production code as printed.
 * Method: virtual nodes on the papers' small circles, founded as an ideal ring.
 */
import assert from "node:assert/strict";
import { Circle, type Id } from "../../src/chord/index.ts";
import { SmallRing } from "../support/small-ring.ts";

describe("ToN 2003, figures 3 to 5: m = 6, ten nodes", () => {
  const nodes = [1, 8, 14, 21, 32, 38, 42, 48, 51, 56];
  const circle = new Circle(6);
  const id = (n: number): Id => circle.fromNumber(n);
  let ring: SmallRing;

  before(async () => {
    ring = await SmallRing.found(6, nodes, { successors: 1 });
  });

  for (const [key, owner] of [
    [10, 14],
    [24, 32],
    [30, 32],
    [38, 38],
    [54, 56],
    [57, 1],
    [0, 1],
    [63, 1],
  ] as const) {
    it(`key ${key} belongs to node ${owner}, whoever is asked`, async () => {
      for (const node of nodes) {
        assert.equal((await ring.find(node, id(key))).owner.id, id(owner));
      }
    });
  }

  it("node 8 has the fingers 14, 14, 14, 21, 32, 42", () => {
    assert.deepEqual(ring.fingersOf(8), [14, 14, 14, 21, 32, 42]);
  });

  it("the lookup of 54 from 8 goes over 42 and 51: two hops", async () => {
    const found = await ring.find(8, id(54));
    assert.deepEqual(
      found.path.map((step) => Number.parseInt(step.node.id, 16)),
      [8, 42, 51],
    );
    assert.equal(found.hops, 2);
  });

  it("a walk takes every node on the way", async () => {
    const found = await ring.find(8, id(54), { mode: "walk" });
    assert.equal(found.hops, 7);
    assert.equal(found.owner.id, id(56));
  });
});

describe("SIGCOMM 2001, figures 2, 3 and 6: m = 3", () => {
  const circle = new Circle(3);

  it("nodes 0, 1, 3 own 6, 1 and 2", async () => {
    const ring = await SmallRing.found(3, [0, 1, 3], { successors: 1 });
    const owner = async (key: number): Promise<Id> =>
      (await ring.find(0, circle.fromNumber(key))).owner.id;
    assert.equal(await owner(1), circle.fromNumber(1));
    assert.equal(await owner(2), circle.fromNumber(3));
    assert.equal(await owner(6), circle.fromNumber(0));
  });

  it("after 6 joined it is the third finger of 0 and 1, the first and second of 3", async () => {
    const ring = await SmallRing.found(3, [0, 1, 3], { successors: 2 });
    await ring.join(6);
    assert.equal(ring.fingersOf(0)[2], 6);
    assert.equal(ring.fingersOf(1)[2], 6);
    assert.deepEqual(ring.fingersOf(3).slice(0, 2), [6, 6]);
    assert.deepEqual(ring.fingersOf(6), [0, 0, 3]);
  });
});

describe("rings at the edge of the definition", () => {
  const circle = new Circle(6);

  it("a ring of one owns every key without a hop", async () => {
    const ring = await SmallRing.found(6, [40], { successors: 4 });
    for (const key of [0, 39, 40, 41, 63]) {
      const found = await ring.find(40, circle.fromNumber(key));
      assert.equal(found.hops, 0);
      assert.equal(found.owner.id, circle.fromNumber(40));
    }
  });

  it("a ring of two, at the smallest and the largest identifier, shares the circle", async () => {
    const ring = await SmallRing.found(6, [0, 63], { successors: 4 });
    assert.equal((await ring.find(0, circle.fromNumber(1))).owner.id, circle.fromNumber(63));
    assert.equal((await ring.find(63, circle.fromNumber(0))).owner.id, circle.fromNumber(0));
  });

  it("needs no hop for any key where every node knows all others", async () => {
    const ring = await SmallRing.found(6, [3, 17, 22, 40, 60], { successors: 4 });
    for (let key = 0; key < 64; key++) {
      assert.equal((await ring.find(22, circle.fromNumber(key))).hops, 0);
    }
  });
});
