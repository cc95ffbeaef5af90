/**
 * From views to the picture. Goal: what the page says of a ring follows from the nodes' answers.
 * Method: small rings by hand.
 */
import { deepEqual, equal } from "node:assert/strict";
import { buildRing, changesBetween, fingerGroups } from "../../ui/ring-model.js";

const quarter = (digit: string): string => digit + "0".repeat(39);
const reference = (name: string, digit: string): { name: string; id: string; address: string } => ({
  name,
  id: quarter(digit),
  address: `${name}:8081`,
});
const [a, b, c] = [reference("a", "0"), reference("b", "4"), reference("c", "8")] as const;

type Reference = ReturnType<typeof reference>;

function view(self: Reference, successors: Reference[], predecessor: Reference | null) {
  const start = quarter((Number.parseInt(self.id[0] ?? "0", 16) + 4).toString(16));
  const fingers = successors.slice(0, 1).map((node) => ({ start, node }));
  const facts = { ring: "demo", state: "member", epoch: 1, keys: 2, bytes: 10 };
  return { ...facts, self, predecessor, successors, fingers };
}

const views = [view(b, [c, a], a), view(a, [b, c], c), view(c, [a, b], b)] as const;
const whole = buildRing(views[1], { nodes: [...views], ideal: true });

describe("the page's picture of a ring", () => {
  it("puts the nodes in the order of the circle, each with the arc it owns", () => {
    deepEqual(
      whole.nodes.map(({ name, share, state }) => ({ name, share, state })),
      [
        { name: "a", share: 0.5, state: "member" },
        { name: "b", share: 0.25, state: "member" },
        { name: "c", share: 0.25, state: "member" },
      ],
    );
    equal(whole.keys, 6);
    equal(whole.bytes, 30);
  });

  it("gives the only node the whole circle", () => {
    const ring = buildRing(view(a, [a], null), { nodes: [view(a, [a], null)], ideal: true });
    equal(ring.nodes[0]?.share, 1);
  });

  it("shows a node that others name and that does not answer, owning nothing", () => {
    const ring = buildRing(views[1], { nodes: [views[1], views[2]], ideal: false });
    const silent = ring.nodes.find(({ name }) => name === "b");
    equal(silent?.state, "silent");
    equal(silent?.owns, false);
    equal(ring.nodes.find(({ name }) => name === "c")?.share, 0.5);
  });

  it("puts runs of equal fingers together and tells them by their exponents", () => {
    const start = (exponent: number): string =>
      (1n << BigInt(exponent)).toString(16).padStart(40, "0");
    const fingers = [
      { start: start(0), node: b },
      { start: start(1), node: b },
      { start: start(2), node: null },
      { start: start(3), node: b },
      { start: start(159), node: c },
    ];
    deepEqual(fingerGroups({ ...views[1], fingers }), [
      { first: 0, last: 1, node: b },
      { first: 3, last: 158, node: b },
      { first: 159, last: 159, node: c },
    ]);
  });

  it("takes a table that names only the first finger of each run", () => {
    const fingers = [
      { start: `${"0".repeat(39)}1`, node: b },
      { start: quarter("8"), node: c },
    ];
    deepEqual(fingerGroups({ ...views[1], fingers }), [
      { first: 0, last: 158, node: b },
      { first: 159, last: 159, node: c },
    ]);
  });
});

describe("changes between two looks at a ring", () => {
  it("are none at first and none when nothing changed", () => {
    deepEqual(changesBetween(null, whole), []);
    deepEqual(changesBetween(whole, whole), []);
  });

  it("name who came, who went, and whether the ring is ideal", () => {
    const less = buildRing(view(a, [c], c), {
      nodes: [view(a, [c], c), view(c, [a], a)],
      ideal: false,
    });
    deepEqual(changesBetween(whole, less), ["b is no longer in the ring", "The ring is not ideal"]);
    deepEqual(changesBetween(less, whole), ["b appeared: member", "The ring is ideal"]);
  });
});
