/**
 * Identifiers on the page. Goal: the page places a key where the ring does. Method: its SHA-1
 * against the one of node:crypto, and its arithmetic against the node's own circle.
 */
import { equal } from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { Circle } from "../../src/chord/id.ts";
import {
  fingerExponent,
  hashOf,
  ownerOf,
  shortId,
  turnOf,
  turnsBetween,
} from "../../ui/identifier.js";

const circle = new Circle();
const identifier = fc
  .bigInt({ min: 0n, max: (1n << 160n) - 1n })
  .map((value) => circle.fromNumber(value));

describe("identifiers on the page", () => {
  it("hash a key as the nodes do, at every length around a block and in any script", () => {
    const hash = (text: string): string => createHash("sha1").update(text).digest("hex");
    for (let length = 0; length <= 130; length += 1) {
      equal(hashOf("x".repeat(length)), hash("x".repeat(length)), `length ${length}`);
    }
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
        equal(hashOf(text), hash(text));
      }),
    );
  });

  it("become places in [0, 1)", () => {
    equal(turnOf("0".repeat(40)), 0);
    equal(turnOf(`8${"0".repeat(39)}`), 0.5);
    equal(turnOf("f".repeat(40)) < 1, true);
    equal(turnsBetween(0.75, 0.25), 0.5);
    equal(turnsBetween(0.25, 0.75), 0.5);
  });

  it("tell which finger a start belongs to", () => {
    fc.assert(
      fc.property(identifier, fc.integer({ min: 0, max: 159 }), (id, exponent) => {
        equal(fingerExponent(id, circle.fingerStart(id, exponent)), exponent);
      }),
    );
    equal(fingerExponent(circle.fromNumber(5), circle.fromNumber(8)), null);
    equal(fingerExponent(circle.fromNumber(5), circle.fromNumber(5)), null);
  });

  it("belong to the first node at or after them, around the end of the circle", () => {
    const nodes = [{ id: "2" }, { id: "7" }];
    equal(ownerOf("2", nodes)?.id, "2");
    equal(ownerOf("3", nodes)?.id, "7");
    equal(ownerOf("8", nodes)?.id, "2");
    equal(ownerOf("8", []), undefined);
  });

  it("are shortened for the eye", () => {
    equal(shortId("0123456789abcdef"), "01234567…");
  });
});
