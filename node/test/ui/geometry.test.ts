/**
 * The geometry of the page's circle. Goal: places and paths follow from turns as documented, and
 * labels keep clear of each other for any ring. Method: known points, and properties over random
 * rings (a failure prints fast-check's seed and path; pass them to fc.assert to replay it).
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { layOutDial } from "../../ui/dial-layout.js";
import {
  arcPath,
  bandPath,
  chordPath,
  commonPrefix,
  placeLabels,
  pointAt,
  spread,
} from "../../ui/geometry.js";

const turn = fc.double({ min: 0, max: 0.999_999, noNaN: true });
const room = { radius: 200, limit: 230, lineHeight: 14 };

describe("geometry of the circle", () => {
  it("runs clockwise from the top", () => {
    const rounded = [0, 0.25, 0.5, 0.75].map((part) => {
      const { x, y } = pointAt(part, 10);
      return [Math.round(x) + 0, Math.round(y) + 0];
    });
    deepEqual(rounded, [
      [0, -10],
      [10, 0],
      [0, 10],
      [-10, 0],
    ]);
  });

  it("draws an arc as two halves, so that a whole turn does not vanish", () => {
    equal(arcPath({ from: 0, span: 0.5, radius: 10 }), "M0 -10A10 10 0 0 1 10 0A10 10 0 0 1 0 10");
    equal(bandPath({ from: 0, span: 1, inner: 8, outer: 10 }).match(/A/g)?.length, 4);
  });

  it("draws a chord between opposite nodes straight through the centre", () => {
    equal(chordPath(0, 0.5, 10), "M0 -10Q0 0 0 10");
  });

  it("keeps the chords of neighbours near the circle, also across the top", () => {
    for (const [from, to] of [
      [0.3, 0.32],
      [0.99, 0.01],
      [0.01, 0.99],
    ] as const) {
      const [, x = 0, y = 0] = /Q(\S+) (\S+) /.exec(chordPath(from, to, 100))?.map(Number) ?? [];
      const depth = Math.hypot(x, y);
      ok(depth > 90 && depth < 100, `the chord from ${from} to ${to} bends at ${depth}`);
    }
  });
});

describe("labels around the circle", () => {
  it("stand at their nodes where there is room", () => {
    const places = placeLabels([{ name: "a", turn: 0.25, priority: 0 }], room);
    deepEqual(
      places.map(({ name, side, x, y }) => ({ name, side, x, y: Math.round(y) + 0 })),
      [{ name: "a", side: "right", x: 200, y: 0 }],
    );
  });

  it("never overlap on a side and never leave the picture, for any ring of up to 64", () => {
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 64 }), (turns) => {
        const labels = turns.map((at, index) => ({ name: `n${index}`, turn: at, priority: 0 }));
        const places = placeLabels(labels, room);
        for (const side of ["left", "right"]) {
          const ys = places.filter((place) => place.side === side).map((place) => place.y);
          ys.forEach((y, index) => {
            ok(Math.abs(y) <= room.limit + 1e-6, `${y} is outside`);
            const before = ys[index - 1];
            ok(before === undefined || y - before >= room.lineHeight - 1e-6, `${before} and ${y}`);
          });
        }
      }),
    );
  });

  it("drop those of least priority when a side is full", () => {
    const labels = Array.from({ length: 50 }, (_, index) => ({
      name: `n${index}`,
      turn: 0.2 + index / 1_000,
      priority: index === 49 ? 1 : 0,
    }));
    const places = placeLabels(labels, room);
    equal(places.length, 33);
    ok(places.some(({ name }) => name === "n49"));
  });

  it("all fit beside a ring of 64 spread over both sides, on a desk and on a phone", () => {
    for (const [width, height, nameLength] of [
      [680, 680, 7],
      [328, 364, 2],
    ] as const) {
      const layout = layOutDial({ width, height, count: 64, nameLength });
      const labels = Array.from({ length: 64 }, (_, index) => {
        const at = ((index * 0.618) % 1) + 0;
        return { name: `n${index}`, turn: at, priority: 0 };
      });
      const { labels: radius, labelLimit: limit, lineHeight } = layout;
      const places = placeLabels(labels, { radius, limit, lineHeight });
      ok(places.length >= 50, `only ${places.length} of 64 labels fit in ${width} x ${height}`);
    }
  });
});

describe("spreading values apart", () => {
  it("moves neighbours by as little as possible", () => {
    deepEqual(spread([0, 0], { gap: 10, limit: 100 }), [-5, 5]);
    deepEqual(spread([0, 50], { gap: 10, limit: 100 }), [0, 50]);
    deepEqual(spread([99, 99], { gap: 10, limit: 100 }), [90, 100]);
    deepEqual(spread([], { gap: 10, limit: 100 }), []);
  });
});

describe("the beginning that names share", () => {
  it("ends at a dash and leaves the ordinal", () => {
    equal(commonPrefix(["demo-1", "demo-12"]), "demo-");
    equal(commonPrefix(["my-ring-0", "my-ring-1"]), "my-ring-");
    equal(commonPrefix(["demo-0"]), "");
    equal(commonPrefix(["a", "b"]), "");
  });
});
