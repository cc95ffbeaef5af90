/**
 * Goal: a benchmark's percentiles are right to one percent, from microseconds to minutes. Method:
 * the same latencies sorted in a list.
 */
import assert from "node:assert/strict";
import { SeededRandom } from "../../../hack/lib/seeded-random.ts";
import { LatencyHistogram } from "../../bench/latency-histogram.ts";

const PRECISION = 0.01;

function exactPercentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? Number.NaN;
}

describe("the percentiles of a benchmark are right", () => {
  it("beside a sorted list, over eight orders of magnitude", () => {
    const random = new SeededRandom(1);
    const histogram = new LatencyHistogram();
    const latenciesMs = Array.from({ length: 20_000 }, () => 10 ** (random.next() * 8 - 3));
    for (const latencyMs of latenciesMs) histogram.recordMs(latencyMs);
    const sorted = latenciesMs.toSorted((one, other) => one - other);
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = exactPercentile(sorted, share);
      const error = Math.abs(histogram.percentileMs(share) - exact);
      // Latencies are kept in whole microseconds.
      assert.ok(error <= exact * PRECISION + 0.001, `${share}: off by ${error} of ${exact} ms`);
    }
  });

  it("of small whole microseconds exactly", () => {
    const histogram = new LatencyHistogram();
    for (let microseconds = 1; microseconds <= 200; microseconds += 1) {
      histogram.recordMs(microseconds / 1_000);
    }
    assert.equal(histogram.percentileMs(0.5), 0.1);
    assert.equal(histogram.percentileMs(0.99), 0.198);
    assert.equal(histogram.percentileMs(1), 0.2);
  });

  it("are no numbers when there is nothing, and again after all was cleared", () => {
    const histogram = new LatencyHistogram();
    assert.equal(histogram.percentileMs(0.5), Number.NaN);
    histogram.recordMs(5);
    histogram.clear();
    assert.equal(histogram.count, 0);
    assert.equal(histogram.percentileMs(0.5), Number.NaN);
  });

  it("stay within bounds for clocks that stand still, and for hours", () => {
    const histogram = new LatencyHistogram();
    histogram.recordMs(-1);
    histogram.recordMs(1e10);
    assert.equal(histogram.percentileMs(0.5), 0);
    assert.ok(histogram.percentileMs(1) > 30 * 60_000);
  });
});
