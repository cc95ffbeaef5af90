/**
 * Goal: the page of figures comes out the same for the same figures, and says what failed.
 * Method: one small section through the writer, one chart drawn twice, and the statistics by hand.
 */
import assert from "node:assert/strict";
import { drawChart } from "../../sim/paper/chart.ts";
import { document } from "../../sim/paper/document.ts";
import { Histogram, interval, proportionBounds } from "../../sim/paper/statistics.ts";

const spec = {
  name: "paper-test",
  title: "Hops",
  alt: "A straight line",
  x: { name: "nodes", scale: "log2" },
  y: { name: "hops" },
  series: [
    {
      name: "ours",
      points: [
        [8, 1],
        [16, 2],
      ],
    },
  ],
} as const;

describe("the document of the paper's evaluation", () => {
  it("draws the same chart from the same points", () => {
    const first = drawChart(spec);
    drawChart({ ...spec, title: "Another one" });
    assert.equal(drawChart(spec).svg, first.svg);
    assert.match(first.svg, /^<svg .*Hops/s);
  });

  it("puts charts where they belong and names the gates that are not met", () => {
    const text = document(
      [
        {
          heading: "X: a row",
          lines: ["Figures.", "", "![paper-test]"],
          charts: [drawChart(spec)],
          gates: [
            { text: "the good one", met: true },
            { text: "the bad one", met: false },
          ],
        },
      ],
      ["row X: 1 s"],
    );
    assert.match(text, /1 of 2 met/);
    assert.match(text, /\| the bad one \| \*\*no\*\* \|/);
    assert.match(text, /!\[A straight line\]\(images\/paper-test\.svg\)/);
  });

  it("counts, averages and bounds", () => {
    const hops = new Histogram();
    for (const value of [0, 1, 1, 2, 6]) hops.add(value);
    assert.equal(hops.mean, 2);
    assert.equal(hops.percentile(0.5), 1);
    assert.equal(hops.percentile(0.99), 6);
    assert.equal(hops.share(1), 0.4);
    assert.deepEqual(interval([3, 3, 3]), { mean: 3, halfWidth: 0 });
    const { low, high } = proportionBounds(0, 10_000);
    assert.ok(Math.abs(low) < 1e-12 && high > 0.0003 && high < 0.0005);
  });
});
