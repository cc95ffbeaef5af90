/**
 * Goal: the nodes are told exactly what is wanted, once, and no data moves twice. Method: what is
 * wanted and what nodes know, differing in one point.
 */
import assert from "node:assert/strict";
import {
  planRoster,
  type RosterPlan,
  type RosterSituation,
  rosterText,
} from "../../src/reconcile/roster-plan.ts";
import { rosterOf } from "../support/example-views.ts";

function names(count: number): string[] {
  return Array.from({ length: count }, (_, ordinal) => `demo-${ordinal}`);
}

function plan(situation: Partial<RosterSituation>): RosterPlan {
  return planRoster({
    wanted: names(3),
    copies: 3,
    present: undefined,
    contested: false,
    zones: new Map(),
    ...situation,
  });
}

/** The first `count` pods in the zones a, b and c, in turn. */
function inZones(count: number): Map<string, string> {
  return new Map(names(count).map((name, index) => [name, "abc"[index % 3] ?? ""]));
}

describe("roster plan: what is wanted, told once", () => {
  it("names all wanted pods in the first roster, running or not", () => {
    assert.deepEqual(plan({ wanted: names(4) }), {
      roster: rosterOf(names(4), 1),
      changed: true,
      pending: [],
    });
  });

  it("keeps a roster that says what is wanted", () => {
    const present = rosterOf(names(3), 8);
    assert.deepEqual(plan({ present }), { roster: present, changed: false, pending: [] });
    const reordered = { ...present, pods: present.pods.toReversed() };
    assert.equal(plan({ present: reordered }).changed, false);
  });

  it("counts on from the present one when pods come, pods go, or copies change", () => {
    const present = rosterOf(names(3), 8);
    assert.deepEqual(plan({ present, wanted: names(9) }).roster, rosterOf(names(9), 9));
    assert.deepEqual(plan({ present, wanted: names(1) }).roster, rosterOf(names(1), 9));
    assert.deepEqual(plan({ present, copies: 5 }).roster, rosterOf(names(3), 9, 5));
  });

  it("puts an end to two rosters of one generation", () => {
    const present = rosterOf(names(3), 8);
    assert.deepEqual(plan({ present, contested: true }).roster, rosterOf(names(3), 9));
  });

  it("puts pods into their zones, and keeps the zone of one that does not run now", () => {
    const zones = inZones(3);
    const { roster } = plan({ zones });
    assert.deepEqual(
      roster.pods.map((pod) => pod.zone),
      ["a", "b", "c"],
    );
    zones.delete("demo-1");
    assert.equal(plan({ zones, present: roster }).changed, false);
    assert.equal(plan({ zones: new Map(), present: roster }).changed, false);
  });

  it("moves a pod that runs in another zone now, or in none any more", () => {
    const present = plan({ zones: inZones(3) }).roster;
    const moved = plan({ present, zones: new Map([...inZones(3), ["demo-1", "c"]]) });
    assert.deepEqual([moved.changed, moved.roster.pods[1]?.zone], [true, "c"]);
    const lost = plan({ present, zones: new Map([["demo-1", null]]) });
    assert.deepEqual([lost.changed, lost.roster.pods[1]?.zone], [true, null]);
  });

  it("where there are zones, names a new pod once it is scheduled", () => {
    const present = plan({ zones: inZones(3) }).roster;
    const waiting = plan({ present, wanted: names(5), zones: inZones(3) });
    assert.deepEqual(waiting, { roster: present, changed: false, pending: ["demo-3", "demo-4"] });
    const first = plan({ present, wanted: names(5), zones: inZones(4) });
    assert.deepEqual(first.pending, ["demo-4"]);
    assert.deepEqual(first.roster.pods.at(-1), { name: "demo-3", zone: "a" });
    // Its zone is known, and it is in none.
    const unreadable = new Map([...inZones(4), ["demo-4", null] as const]);
    const all = plan({ present, wanted: names(5), zones: unreadable });
    assert.deepEqual([all.pending, all.roster.pods.length], [[], 5]);
  });

  it("says what it asks for", () => {
    assert.equal(rosterText(rosterOf(names(1))), "1 copy on 1 node");
    assert.equal(rosterText(rosterOf(names(2))), "2 copies on 2 nodes");
    const { roster } = plan({ zones: inZones(3) });
    assert.equal(rosterText(roster), "3 copies on 3 nodes, spread over 3 zones");
  });
});
