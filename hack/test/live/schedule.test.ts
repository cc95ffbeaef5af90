/**
 * Goal: a seed alone decides on the faults, and no fault is drawn that the ring need not survive.
 * Method: schedules of many seeds, compared and looked through.
 */
import assert from "node:assert/strict";
import { allFaults, liveOptions } from "../../live/options.ts";
import { type Schedule, type ScheduleOptions, scheduleOf } from "../../live/schedule.ts";

const base: ScheduleOptions = {
  seed: 7,
  nodes: 5,
  durationMs: 120_000,
  kinds: allFaults,
  outageMsMax: 8_000,
};

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

function all(options: Partial<ScheduleOptions> = {}): Schedule[] {
  return seeds.map((seed) => scheduleOf({ ...base, ...options, seed }));
}

describe("a seed alone decides on the schedule of faults", () => {
  it("the same seed gives the same one, another seed another one", () => {
    assert.deepEqual(scheduleOf(base), scheduleOf(base));
    const different = new Set(all().map((schedule) => JSON.stringify(schedule)));
    assert.equal(different.size, seeds.length);
  });

  it("a longer test begins as a shorter one does", () => {
    const short = scheduleOf({ ...base, durationMs: 30_000 });
    const long = scheduleOf(base);
    assert.deepEqual(long.processes.slice(0, short.processes.length), short.processes);
    assert.deepEqual(long.links.slice(0, short.links.length), short.links);
  });

  it("without faults of links those of processes stay what they are", () => {
    const kinds = allFaults.filter((kind) => kind !== "cut" && kind !== "slow");
    assert.deepEqual(scheduleOf({ ...base, kinds }).processes, scheduleOf(base).processes);
    assert.deepEqual(scheduleOf({ ...base, kinds: ["kill"] }).links, []);
    assert.deepEqual(scheduleOf({ ...base, kinds: [] }), { processes: [], links: [] });
  });

  it("each kind of fault comes, in order, within the time", () => {
    const kinds = new Set<string>();
    for (const { processes, links } of all()) {
      for (const lane of [processes, links]) {
        const times = lane.map(({ atMs }) => atMs);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.ok(times.every((atMs) => atMs > 0 && atMs < base.durationMs));
        for (const { fault } of lane) kinds.add(fault.kind);
      }
    }
    assert.deepEqual([...kinds].toSorted(), [...allFaults].toSorted());
  });

  it("one node dies, or some, or all of them", () => {
    const sizes = all().flatMap(({ processes }) =>
      processes.flatMap(({ fault }) => ("nodes" in fault ? [fault.nodes.length] : [])),
    );
    assert.deepEqual(new Set(sizes), new Set([1, 2, 3, 4, 5]));
    assert.ok(sizes.filter((size) => size === 1).length > sizes.length / 2);
    const alone = all({ nodes: 1, kinds: ["kill"] }).flatMap(({ processes }) => processes);
    assert.ok(alone.every(({ fault }) => "nodes" in fault && fault.nodes.length === 1));
  });

  it("links join two different nodes of the ring, and a split leaves both sides whole", () => {
    for (const { links } of all()) {
      for (const { fault } of links) {
        for (const [from, to] of fault.directions) {
          assert.notEqual(from, to);
          assert.ok([from, to].every((node) => node >= 0 && node < base.nodes));
        }
        assert.ok(fault.directions.length > 0);
        assert.ok(fault.kind !== "split" || fault.directions.length >= 2 * (base.nodes - 1));
      }
    }
  });

  it("a ring with one copy loses no disk", () => {
    assert.ok(!liveOptions({ copies: 1 }).faults.includes("replace"));
    assert.ok(liveOptions().faults.includes("replace"));
  });
});
