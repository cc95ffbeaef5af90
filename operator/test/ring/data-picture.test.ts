/**
 * Goal: what the nodes say of the data adds up, and what they do not say is not taken for nothing.
 * Method: reports that differ in one field.
 */
import assert from "node:assert/strict";
import { dataPictureOf, wantTheSame } from "../../src/ring/data-picture.ts";
import { pictureOf } from "../../src/ring/picture.ts";
import type { NodeData, View } from "../../src/ring/view.ts";
import { dataReport, idealViews, readingsOf, rosterOf } from "../support/example-views.ts";

function viewsWith(...reports: Partial<NodeData>[]): View[] {
  const names = reports.map((_, index) => `demo-${index}`);
  const views = new Map(idealViews(names).map((view) => [view.self.name, view]));
  return reports.map((report, index) => ({
    ...(views.get(`demo-${index}`) as View),
    data: dataReport(report),
  }));
}

describe("data picture: sums over nodes, and what is missing from them", () => {
  it("adds up what nodes lead, and counts partitions without a leader once", () => {
    const views = viewsWith(
      { degraded: 1, misplaced: 2, unled: 3, keysLed: 10, bytesLed: 100, keysLeft: 4 },
      { degraded: 1, misplaced: 0, unled: 4, keysLed: 20, bytesLed: 200, bytesLeft: 7 },
    );
    const { roster: _roster, contested: _contested, ...figures } = dataPictureOf(views, []);
    assert.deepEqual(figures, {
      begun: true,
      unknown: [],
      degraded: 2,
      misplaced: 2,
      unled: 4,
      keys: 30,
      bytes: 300,
      keysLeft: 4,
      bytesLeft: 7,
    });
  });

  it("takes a partition that nobody counts for one without a leader, once all is known", () => {
    const views = viewsWith({ partitions: 8, led: 5 }, { partitions: 8, led: 2 });
    assert.equal(dataPictureOf(views, []).unled, 1);
    assert.equal(dataPictureOf(views, [{ name: "demo-9" }]).unled, 0);
    const twice = viewsWith({ partitions: 8, led: 5 }, { partitions: 8, led: 4 });
    assert.equal(dataPictureOf(twice, []).unled, 0);
    const idle = { partitions: 8, chartered: false };
    assert.equal(dataPictureOf(viewsWith(idle, idle), []).unled, 0);
  });

  it("begins with the first node that says so", () => {
    const idle = { chartered: false };
    assert.equal(dataPictureOf(viewsWith(idle, idle), []).begun, false);
    assert.equal(dataPictureOf(viewsWith(idle, {}), []).begun, true);
    assert.equal(dataPictureOf(idealViews(["demo-0"]), []).begun, false);
  });

  it("names the nodes that say nothing: those not read, and those of an earlier version", () => {
    const [first, second] = viewsWith({}, {});
    assert.ok(first && second);
    const { data: _data, ...old } = second;
    const cause = "demo-9: down";
    const readings = readingsOf([first, old]);
    const picture = pictureOf([...readings, { kind: "unreadable", name: "demo-9", cause }], 4);
    assert.deepEqual(picture.data.unknown, ["demo-9", "demo-1"]);
  });

  it("takes the roster with the highest generation, and sees when there are two of it", () => {
    const newest = rosterOf(["demo-0", "demo-1"], 5);
    const picture = dataPictureOf(
      viewsWith({ roster: rosterOf(["demo-0"], 4) }, { roster: newest }, { roster: null }),
      [],
    );
    assert.deepEqual(picture.roster, newest);
    assert.equal(picture.contested, false);
    const other = { roster: rosterOf(["demo-1"], 5) };
    assert.equal(dataPictureOf(viewsWith({ roster: newest }, other), []).contested, true);
    assert.equal(dataPictureOf(viewsWith({}, {}), []).roster, undefined);
  });

  it("compares rosters by what they want, in whatever order", () => {
    const roster = rosterOf(["demo-0", "demo-10", "demo-2"], 1);
    const same = rosterOf(["demo-0", "demo-2", "demo-10"], 8);
    assert.ok(wantTheSame(roster, same));
    assert.ok(!wantTheSame(roster, { ...same, copies: 5 }));
    assert.ok(!wantTheSame(roster, rosterOf(["demo-0", "demo-2", "demo-3"])));
    assert.ok(!wantTheSame(roster, rosterOf(["demo-0", "demo-2"])));
    const [first, ...rest] = same.pods;
    assert.ok(first);
    assert.ok(!wantTheSame(roster, { ...same, pods: [{ ...first, zone: "a" }, ...rest] }));
  });
});
