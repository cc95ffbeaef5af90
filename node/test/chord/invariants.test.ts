/**
 * Goal: every invariant of a ring is found broken in a picture that breaks it, and in no other.
 * Method: hand-made pictures on a circle of 64, one for each way to be wrong, and random ideal
 * rings, whole and with one thing spoilt.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkIdeal,
  checkList,
  checkRing,
  type NodeView,
  orderedList,
  principals,
} from "../../src/chord/index.ts";
import { idealRing, reference, smallCircle, view } from "../support/pictures.ts";

const seed = 20170712;

/** The codes of what is wrong, each once. */
function broken(views: readonly NodeView[], successors: number): string[] {
  const lists = views.flatMap((node) => checkList(node, successors));
  const violations = [...lists, ...checkRing(views, successors)];
  return [...new Set(violations.map(({ invariant }) => invariant))].sort();
}

function problems(views: readonly NodeView[], successors: number): string {
  return checkRing(views, successors)
    .map(({ problem }) => problem)
    .join("; ");
}

/** The picture with one node seen otherwise. */
function but(views: readonly NodeView[], ...changed: readonly NodeView[]): NodeView[] {
  return views.map((old) => changed.find(({ self }) => self.id === old.self.id) ?? old);
}

const five = idealRing([8, 14, 21, 32, 38], 2);

describe("ring invariants: lists", () => {
  it("finds nothing in an ideal ring", () => {
    assert.deepEqual(broken(five, 2), []);
  });

  it("R3: a list that is not clockwise", () => {
    assert.deepEqual(broken(but(five, view(8, 38, [21, 14])), 2).includes("R3"), true);
    assert.equal(orderedList(view(8, 38, [21, 14])), false);
  });

  it("R3: a list that goes on behind its owner is in the next turn", () => {
    assert.equal(orderedList(view(32, 21, [38, 8, 14])), true);
    assert.equal(orderedList(view(32, 21, [38, 8, 33])), false);
  });

  it("R4: a list with its owner in it", () => {
    const codes = checkList(view(8, 38, [14, 8]), 2).map(({ invariant }) => invariant);
    assert.ok(codes.includes("R4"));
  });

  it("R4: a list that names a node twice", () => {
    const found = checkList(view(8, 38, [14, 14]), 2);
    assert.ok(found.some(({ problem }) => problem === "n8's list names a node twice"));
  });

  it("R4: a list that is too long", () => {
    assert.deepEqual(checkList(view(8, 38, [14, 21, 32]), 3), []);
    assert.deepEqual(checkList(view(8, 38, [14, 21, 32]), 2), [
      { invariant: "R4", problem: "n8's list has 3 nodes, more than 2" },
    ]);
  });

  it("takes both forms of a ring of one: an empty list, or itself", () => {
    assert.deepEqual(checkList(view(8, 8, []), 2), []);
    assert.deepEqual(checkList(view(8, 8, [8]), 2), []);
  });
});

describe("ring invariants: the whole ring", () => {
  it("R1: a member whose list is all dead", () => {
    const dead = but(five, view(8, 38, [9, 10]));
    assert.deepEqual(broken(dead, 2), ["R1"]);
    assert.equal(problems(dead, 2), "n8 has no living successor");
  });

  it("R1 holds while one entry lives, whichever", () => {
    assert.deepEqual(broken(but(five, view(8, 38, [9, 14])), 2), []);
    assert.deepEqual(broken(but(five, view(8, 38, [14, 15])), 2), []);
  });

  it("R1: an entry for an earlier life of a node is a dead one", () => {
    const before = idealRing([8, 14, 21], 2).filter(({ self }) => self.name !== "n14");
    const now = view([14, "new"], 8, [21, 8]);
    const onlyOld = but([...before, now], view(8, 21, [[14, "old"]]));
    assert.deepEqual(broken(onlyOld, 2), ["R1", "R2"]);
    const alsoNext = but([...before, now], view(8, 21, [[14, "old"], 21]));
    assert.ok(!broken(alsoNext, 2).includes("R1"));
    const current = but([...before, now], view(8, 21, [[14, "new"], 21]));
    assert.deepEqual(broken(current, 2), []);
  });

  it("R2: fewer than r+1 principals", () => {
    assert.deepEqual(broken(idealRing([8, 14, 21], 2), 2), []);
    assert.deepEqual(broken(idealRing([8, 14], 2), 2), ["R2"]);
    assert.deepEqual(broken(idealRing([8], 1), 1), ["R2"]);
  });

  it("R5 and R6: two rings", () => {
    const two = [...idealRing([8, 21, 38], 2), ...idealRing([14, 32], 2)];
    const found = checkRing(two, 2).filter(({ invariant }) => /^R[56]$/.test(invariant));
    assert.deepEqual(found, [
      { invariant: "R5", problem: "two rings: n8, n21, n38; and n14, n32" },
      { invariant: "R6", problem: "n14, n32 do not reach the ring of n8, n21, n38" },
    ]);
  });

  it("R5 and R6: the larger ring is the kept one, in whatever order they are seen", () => {
    const two = [...idealRing([14, 32], 2), ...idealRing([8, 21, 38], 2)];
    assert.ok(problems(two, 2).includes("two rings: n8, n21, n38; and n14, n32"));
  });

  it("R11: a loopy ring goes round twice, though every node agrees with its neighbours", () => {
    const loopy = [
      view(8, 32, [21]),
      view(21, 8, [38]),
      view(38, 21, [14]),
      view(14, 38, [32]),
      view(32, 14, [8]),
    ];
    const found = checkRing(loopy, 1).filter(({ invariant }) => invariant !== "R2");
    assert.deepEqual(found, [{ invariant: "R11", problem: "the ring goes round 2 times" }]);
  });

  it("R11: once round, wherever zero lies", () => {
    for (const numbers of [[0, 1, 63], [63, 0], [0], [5, 6, 7]]) {
      assert.ok(!broken(idealRing(numbers, 2), 2).includes("R11"), numbers.join());
    }
  });

  it("an appendage is no fault: a member that leads to the ring, and that nobody names", () => {
    assert.deepEqual(broken([...five, view(25, null, [32, 38])], 2), []);
  });

  it("an appendage of appendages is none either", () => {
    const chain = [view(23, null, [25, 32]), view(25, null, [32, 38]), view(24, null, [25, 32])];
    assert.deepEqual(broken([...chain, ...five], 2), []);
  });
});

describe("ring invariants: principals", () => {
  const names = (views: readonly NodeView[]): number[] =>
    [...principals(views)].map((id) => Number(`0x${id}`)).sort((a, b) => a - b);

  it("are all members of an ideal ring", () => {
    assert.deepEqual(names(five), [8, 14, 21, 32, 38]);
  });

  it("are not those that any list passes over, at its head or behind", () => {
    assert.deepEqual(names(but(five, view(8, 38, [21, 32]))), [8, 21, 32, 38]);
    assert.deepEqual(names(but(five, view(8, 38, [14, 32]))), [8, 14, 32, 38]);
  });

  it("are not those that a newcomer is ignored between", () => {
    assert.deepEqual(names([...five, view(25, null, [32, 38])]), [8, 14, 21, 32, 38]);
  });

  it("are passed over by dead entries, and by one for an earlier life of theirs", () => {
    assert.deepEqual(names(but(five, view(8, 38, [15, 21]))), [8, 21, 32, 38]);
    const restarted = five.map((node) =>
      node.self.name === "n21" ? { ...node, self: { ...node.self, address: "new" } } : node,
    );
    const remembers = but(restarted, view(8, 38, [14, [21, "old"]]));
    assert.deepEqual(names(remembers), [8, 14, 32, 38]);
    const died = remembers.filter(({ self }) => self.name !== "n21");
    assert.deepEqual(names(died), [8, 14, 32, 38]);
  });

  it("are reckoned round zero", () => {
    assert.deepEqual(names(idealRing([60, 63, 0, 4], 2)), [0, 4, 60, 63]);
    assert.deepEqual(names(but(idealRing([60, 63, 0, 4], 2), view(60, 4, [0, 4]))), [0, 4, 60]);
  });
});

describe("ring invariants: random rings", () => {
  const rings = fc.record({
    numbers: fc.uniqueArray(fc.integer({ min: 0, max: 63 }), { minLength: 3, maxLength: 12 }),
    successors: fc.integer({ min: 1, max: 4 }),
  });

  it("finds nothing in any ideal ring of r+1 or more", () => {
    fc.assert(
      fc.property(rings, ({ numbers, successors }) => {
        fc.pre(numbers.length > successors);
        const ring = idealRing(numbers, successors);
        assert.deepEqual(broken(ring, successors), []);
        assert.ok(checkIdeal(ring, successors).ideal);
      }),
      { seed },
    );
  });

  it("finds any two entries of any list that changed places", () => {
    fc.assert(
      fc.property(rings, fc.nat(), fc.nat(), fc.nat(), ({ numbers, successors }, node, a, b) => {
        const ring = idealRing(numbers, successors);
        const spoilt = ring[node % ring.length] as NodeView;
        const list = [...spoilt.successors];
        fc.pre(list.length > 1 && a % list.length !== b % list.length);
        const [i, j] = [a % list.length, b % list.length];
        [list[i], list[j]] = [list[j] as NodeView["self"], list[i] as NodeView["self"]];
        const codes = checkList({ ...spoilt, successors: list }, successors);
        assert.ok(codes.some(({ invariant }) => invariant === "R3"));
      }),
      { seed },
    );
  });

  it("finds any member that one list leaves out: it is no principal, the ring not ideal", () => {
    fc.assert(
      fc.property(rings, fc.nat(), fc.nat(), ({ numbers, successors }, node, entry) => {
        const ring = idealRing(numbers, successors);
        const spoilt = ring[node % ring.length] as NodeView;
        // The last entry passes over nobody, and a list of one would be empty.
        fc.pre(spoilt.successors.length > 1);
        const index = entry % (spoilt.successors.length - 1);
        const list = spoilt.successors.filter((_, i) => i !== index);
        const now = but(ring, { ...spoilt, successors: list });
        assert.ok(!principals(now).has((spoilt.successors[index] as NodeView["self"]).id));
        assert.ok(!checkIdeal(now, successors).ideal);
      }),
      { seed },
    );
  });

  it("finds any predecessor that is not the one before", () => {
    fc.assert(
      fc.property(rings, fc.nat(), fc.nat(), ({ numbers, successors }, node, other) => {
        const ring = idealRing(numbers, successors);
        const spoilt = ring[node % ring.length] as NodeView;
        const wrong = (ring[other % ring.length] as NodeView).self;
        fc.pre(wrong.id !== spoilt.predecessor?.id);
        const now = but(ring, { ...spoilt, predecessor: wrong });
        assert.deepEqual(checkIdeal(now, successors).problems.length, 1);
      }),
      { seed },
    );
  });

  it("counts the turns of any ring that takes every k-th node", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 15 }), fc.integer({ min: 1, max: 14 }), (n, k) => {
        fc.pre(k < n && gcd(n, k) === 1);
        const at = (i: number): number => 4 * (i % n);
        const ring = Array.from({ length: n }, (_, i) => view(at(i), at(i + n - k), [at(i + k)]));
        const turns = checkRing(ring, 1).filter(({ invariant }) => invariant === "R11");
        const expected = k === 1 ? [] : [`the ring goes round ${k} times`];
        assert.deepEqual(
          turns.map(({ problem }) => problem),
          expected,
        );
      }),
      { seed },
    );
  });
});

describe("ideal rings", () => {
  it("shows a ring of one in both of its forms", () => {
    assert.ok(checkIdeal([view(8, 8, [])], 2).ideal);
    assert.ok(checkIdeal([view(8, 8, [8])], 2).ideal);
    assert.deepEqual(checkIdeal([view(8, null, [])], 2).problems, ["n8: predecessor is not n8"]);
  });

  it("is not ideal while an entry or a predecessor is an earlier life", () => {
    const ring = [view([8, "a"], [14, "b"], [[14, "b"]]), view([14, "b"], [8, "a"], [[8, "a"]])];
    assert.ok(checkIdeal(ring, 2).ideal);
    const old = [view([8, "a"], [14, "b"], [[14, "old"]]), ring[1] as NodeView];
    assert.deepEqual(checkIdeal(old, 2).problems, ["n8: successors are not n14"]);
  });

  it("does not call nothing ideal", () => {
    assert.deepEqual(checkIdeal([], 2).problems, ["no node of the ring answered"]);
  });

  it("has identifiers of this circle", () => {
    assert.equal(reference(8).id, smallCircle.fromNumber(8));
  });
});

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
