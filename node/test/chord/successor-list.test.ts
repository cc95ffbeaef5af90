/** Goal: no list is ever out of order, repeats a node, names its owner or exceeds r. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Circle, type Id, orderedList } from "../../src/chord/index.ts";
import { successorList } from "../../src/chord/successor-list.ts";

const circle = new Circle(6);
const node = (n: number) => ({ name: `n${n}`, id: circle.fromNumber(n), address: `n${n}:1` });
const numbers = (nodes: readonly { id: Id }[]): number[] =>
  nodes.map((one) => Number.parseInt(one.id, 16));

describe("the successor list", () => {
  it("is cut where it comes round to its owner, and is then the whole ring", () => {
    const list = successorList(node(8).id, [node(14), node(21), node(8), node(14)], 4);
    assert.deepEqual(numbers(list.nodes), [14, 21]);
    assert.equal(list.complete, true);
  });

  it("is cut at r, and does not claim to be whole then", () => {
    const heard = [node(14), node(21), node(32), node(8)];
    const list = successorList(node(8).id, heard, 2);
    assert.deepEqual(numbers(list.nodes), [14, 21]);
    assert.equal(list.complete, false);
  });

  it("is cut where what was heard goes backwards", () => {
    const heard = [node(32), node(14), node(40)];
    const list = successorList(node(8).id, heard, 4);
    assert.deepEqual(numbers(list.nodes), [32]);
  });

  it("keeps its form whatever is heard", () => {
    fc.assert(
      fc.property(
        fc.nat(63),
        fc.array(fc.nat(63)),
        fc.integer({ min: 1, max: 8 }),
        (s, heard, r) => {
          const self = node(s);
          const list = successorList(self.id, heard.map(node), r);
          assert.ok(list.nodes.length <= r);
          assert.ok(orderedList({ self, predecessor: null, successors: list.nodes }));
        },
      ),
    );
  });
});
