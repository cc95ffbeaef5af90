/**
 * Goal: the drawing shows every node where its identifier puts it. Method: rings whose places are
 * known: the four quarters, and nodes on top of each other.
 */
import assert from "node:assert/strict";
import { drawRing, fractionOf } from "../../demo/ring-picture.ts";

function idAt(fraction: number): string {
  const digits = Math.floor(fraction * 16 ** 8).toString(16);
  return digits.padStart(8, "0").padEnd(40, "0");
}

const quarters = [
  { name: "north", id: idAt(0) },
  { name: "east", id: idAt(0.25) },
  { name: "south", id: idAt(0.5) },
  { name: "west", id: idAt(0.75) },
];

describe("the picture of the ring is true", () => {
  it("identifiers run clockwise from the top", () => {
    const lines = drawRing({ nodes: quarters, path: [] });
    const rowOf = (name: string): number => lines.findIndex((line) => line.includes(name));
    assert.ok(rowOf("north") < rowOf("east") && rowOf("east") < rowOf("south"));
    const middle = lines[rowOf("east")] ?? "";
    assert.ok(middle.indexOf("west") < middle.indexOf("east"), "one row, west on the left");
  });

  it("nodes that share a place share a name tag", () => {
    const twins = [
      { name: "one", id: idAt(0.7) },
      { name: "two", id: idAt(0.7001) },
    ];
    const text = drawRing({ nodes: twins, path: [] }).join("\n");
    assert.match(text, /one, two/);
  });

  it("a crowded side still shows every name", () => {
    const crowd = Array.from({ length: 9 }, (_, index) => ({
      name: `demo-${index}`,
      id: idAt(0.6 + index * 0.01),
    }));
    const text = drawRing({ nodes: crowd, path: [] }).join("\n");
    for (const { name } of crowd) assert.ok(text.includes(name), name);
  });

  it("a path marks its nodes and the key", () => {
    const text = drawRing({ nodes: quarters, path: ["north", "south"], keyId: idAt(0.4) }).join("");
    assert.equal(text.split("◉").length - 1, 2);
    assert.equal(text.split("◆").length - 1, 1);
    assert.ok(text.includes("•"));
  });

  it("fractions cover the circle once", () => {
    assert.equal(fractionOf("0".repeat(40)), 0);
    assert.ok(fractionOf("f".repeat(40)) < 1 && fractionOf("f".repeat(40)) > 0.999);
  });
});
