/**
 * Goal: what a node knows of the views only gets newer, and two nodes that know different things
 * notice it by one number each.
 * Method: maps that are told of views.
 */
import assert from "node:assert/strict";
import { PartitionMap } from "../../src/replication/partition-map.ts";
import type { Member, View } from "../../src/replication/view.ts";

const members: readonly Member[] = [{ name: "a", incarnation: "1" }];

function viewOf(epoch: number): View {
  return { epoch, members };
}

/** A map that knows these epochs, told one after the other. */
function mapOf(...epochs: readonly (readonly [partition: number, epoch: number])[]): PartitionMap {
  const map = new PartitionMap();
  map.begin(4);
  for (const [partition, epoch] of epochs) {
    map.learn(partition, { view: viewOf(epoch), previous: [] });
  }
  return map;
}

describe("what a node knows of all views", () => {
  it("differs by its number where it differs, though the epochs have one sum", () => {
    const one = mapOf([0, 2], [1, 1]);
    const other = mapOf([0, 1], [1, 2]);
    assert.notEqual(one.epochs, other.epochs);
  });

  it("differs where each knows of views that the other one does not, whichever these are", () => {
    const numbers = new Set<number>();
    for (let known = 0; known < 4 ** 4; known += 1) {
      const epochs = [0, 1, 2, 3].map((partition) => [partition, (known >> (2 * partition)) & 3]);
      numbers.add(mapOf(...(epochs as [number, number][])).epochs);
    }
    assert.equal(numbers.size, 4 ** 4);
  });

  it("has the same number on whatever way it came about", () => {
    const one = mapOf([0, 1], [1, 1], [0, 3]);
    const other = mapOf([1, 1], [0, 2], [0, 3]);
    assert.equal(one.epochs, other.epochs);
    assert.equal(mapOf().epochs, 0);
  });

  it("never gets older", () => {
    const map = mapOf([0, 2]);
    assert.equal(map.learn(0, { view: viewOf(1), previous: [] }), false);
    assert.equal(map.epochOf(0), 2);
    assert.equal(map.learn(0, { view: viewOf(3), previous: [] }), true);
    assert.equal(map.epochOf(0), 3);
  });

  it("takes the members of the view before as soon as somebody knows them", () => {
    const map = mapOf([0, 2]);
    assert.equal(map.learn(0, { view: viewOf(2), previous: members }), false);
    assert.deepEqual(map.get(0)?.previous, members);
  });

  it("is only of partitions that there are", () => {
    const map = mapOf();
    assert.equal(map.learn(4, { view: viewOf(1), previous: [] }), false);
    assert.equal(map.get(4), null);
  });
});
