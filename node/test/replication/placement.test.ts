/**
 * Goal: data lies evenly on the pods of a ring of any size, apart from each other, and scaling
 * moves what it must.
 * Method: all ring sizes from 1 to 64, with 100,000 keys placed by their SHA-1.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Placement, place, type Pod } from "../../src/replication/placement.ts";

const partitions = 256;
const copies = 3;
const keyCount = 100_000;
const sizes = Array.from({ length: 62 }, (_, index) => index + 3);

function pods(count: number, zoneCount = 0): Pod[] {
  return Array.from({ length: count }, (_, ordinal) => ({
    name: `demo-${ordinal}`,
    zone: zoneCount === 0 ? null : `zone-${ordinal % zoneCount}`,
  }));
}

function placed(given: readonly Pod[]): Placement {
  return place(given, { partitions, copies });
}

/** Of every size, with and without zones, computed once. */
const even = new Map([1, 2, ...sizes].map((size) => [size, placed(pods(size))]));
const zoned = new Map(sizes.map((size) => [size, placed(pods(size, 3))]));

function of(placements: ReadonlyMap<number, Placement>, size: number): Placement {
  return placements.get(size) ?? [];
}

/** Keys of each partition. */
const keys = Array<number>(partitions).fill(0);
for (let key = 0; key < keyCount; key += 1) {
  const partition = createHash("sha1").update(`key-${key}`).digest()[0] as number;
  keys[partition] = (keys[partition] as number) + 1;
}

/** The largest deviation of a pod's sum from the mean of all, as a part of it. */
function deviation(sums: ReadonlyMap<string, number>): number {
  const values = [...sums.values()];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.max(...values.map((value) => Math.abs(value / mean - 1)));
}

function sumsOf(placement: Placement, weight: (partition: number, at: number) => number) {
  const sums = new Map<string, number>();
  for (const [partition, row] of placement.entries()) {
    for (const [at, name] of row.entries()) {
      sums.set(name, (sums.get(name) ?? 0) + weight(partition, at));
    }
  }
  return sums;
}

/** Replicas that are somewhere in `after` where they were not in `before`. */
function moved(before: Placement, after: Placement): number {
  return after.reduce(
    (sum, row, partition) => sum + row.filter((name) => !before[partition]?.includes(name)).length,
    0,
  );
}

describe("placement of partitions on pods", () => {
  it("has each partition on as many distinct pods as copies, or on all there are", () => {
    for (const [size, placement] of even) {
      for (const row of placement) {
        assert.equal(row.length, Math.min(size, copies));
        assert.equal(new Set(row).size, row.length);
      }
    }
    assert.ok(placed([]).every((row) => row.length === 0));
  });

  it("gives every pod its keys within 15 % of the mean, from 3 pods to 64", () => {
    for (const size of sizes) {
      const sums = sumsOf(of(even, size), (partition) => keys[partition] as number);
      assert.equal(sums.size, size);
      assert.ok(deviation(sums) <= 0.15, `${size} pods: ${deviation(sums)}`);
    }
  });

  it("gives every pod its turn as proposer within a few partitions of the mean", () => {
    for (const size of sizes) {
      const sums = sumsOf(of(even, size), (_, at) => Number(at === 0));
      const mean = partitions / size;
      for (const [name, count] of sums) {
        assert.ok(Math.abs(count - mean) < 2, `${name} of ${size} proposes for ${count}`);
      }
    }
  });

  it("moves no more than the newcomer's share when a pod is added or taken away", () => {
    for (const size of sizes.slice(1)) {
      const [before, after] = [of(even, size - 1), of(even, size)];
      const share = Math.floor((partitions * copies) / size);
      assert.equal(moved(before, after), share, `${size - 1} to ${size}`);
      assert.equal(moved(after, before), share, `${size} to ${size - 1}`);
    }
  });

  it("is the same whoever computes it, in whatever order it knows the pods", () => {
    const given = pods(12, 3);
    assert.deepEqual(placed(given.toReversed()), placed(given));
  });
});

describe("placement of partitions in zones", () => {
  const zoneOf = new Map(pods(64, 3).map(({ name, zone }) => [name, zone]));

  it("has each partition in as many zones as copies where there are as many", () => {
    for (const size of sizes) {
      for (const row of of(zoned, size)) {
        assert.equal(new Set(row.map((name) => zoneOf.get(name))).size, copies);
      }
    }
  });

  it("is even where zones are", () => {
    for (const size of sizes.filter((count) => count % 3 === 0)) {
      const sums = sumsOf(of(zoned, size), (partition) => keys[partition] as number);
      assert.ok(deviation(sums) <= 0.15, `${size} pods: ${deviation(sums)}`);
    }
  });

  it("uses two zones where there are only two, on distinct pods", () => {
    const given = pods(6, 2);
    const zones = new Map(given.map(({ name, zone }) => [name, zone]));
    for (const row of placed(given)) {
      assert.equal(new Set(row).size, copies);
      assert.equal(new Set(row.map((name) => zones.get(name))).size, 2);
    }
  });
});
