/**
 * Goal: DataPlaced is true only when it is known to be, and says otherwise how much is missing.
 * Method: passes that have seen this or that, without a cluster.
 */
import assert from "node:assert/strict";
import type { Condition } from "../../src/api/chordring.ts";
import { contents, dataStatus, placement } from "../../src/reconcile/data-findings.ts";
import { PACE, type Pass } from "../../src/reconcile/pass.ts";
import { pictureOf } from "../../src/ring/picture.ts";
import type { NodeData } from "../../src/ring/view.ts";
import { dataReport, idealViews, readingsOf, rosterOf } from "../support/example-views.ts";

const names = ["demo-0", "demo-1", "demo-2"];
const roster = rosterOf(names, 3);

/** A pass over three nodes that are all in place, but for this change to what demo-0 says. */
function passWith(report: Partial<NodeData> | undefined, change: Partial<Pass> = {}): Pass {
  const views = idealViews(names).map((view) => {
    if (view.self.name !== "demo-0") return { ...view, data: dataReport({ roster }) };
    return report === undefined ? view : { ...view, data: dataReport({ roster, ...report }) };
  });
  const pass: Partial<Pass> = {
    chartered: true,
    picture: pictureOf(readingsOf(views), 4),
    roster: { roster, changed: false, pending: [] },
    outlook: { secondsLeft: 12, unledMs: undefined, degradedMs: undefined, placedMs: 60_000 },
    tools: { options: { pace: PACE } } as Pass["tools"],
    ...change,
  };
  return pass as Pass;
}

function found(pass: Pass, before: Partial<Condition>[] = []): string {
  const data = pass.picture?.data;
  assert.ok(data);
  const { status, reason, message } = placement(pass, data, before as Condition[]);
  return `${status} ${reason}: ${message}`;
}

describe("data findings: in place, or how far from it", () => {
  it("is true when all is where the present roster wants it", () => {
    assert.equal(found(passWith({})), "True AllPlaced: all data is in place, in 3 copies");
    const one = { roster: { ...roster, copies: 1 }, changed: false, pending: [] };
    assert.match(found(passWith({}, { roster: one })), /in 1 copy$/);
  });

  it("is unknown before the data layer begins, and while a node does not say", () => {
    assert.match(found(passWith({}, { chartered: false })), /^Unknown NotBegun/);
    assert.match(found(passWith(undefined)), /^Unknown NodesUnreadable: .*: demo-0$/);
    const { picture } = passWith({});
    assert.ok(picture);
    const silent = { ...picture, data: { ...picture.data, begun: false } };
    assert.match(found(passWith({}, { picture: silent })), /^Unknown NodesUnreadable/);
  });

  it("says what is missing, the worst as the reason, and how much there is left to do", () => {
    const left = { keysLeft: 1_234, bytesLeft: 2_048 };
    assert.equal(
      found(passWith({ misplaced: 14, ...left })),
      "False DataMoving: 14 partitions not yet where they belong; " +
        "1,200 keys (2 KiB) left to move, about 12 s",
    );
    assert.match(found(passWith({ misplaced: 1, degraded: 1 })), /^False CopiesMissing: 1 part/);
    assert.match(found(passWith({ misplaced: 1, unled: 2 })), /^False PartitionsLeaderless: 2 par/);
  });

  it("does not take figures for true that are about an older roster", () => {
    assert.match(found(passWith({ roster: rosterOf(names, 2) })), /^False RosterSpreading/);
    assert.match(found(passWith({ roster: null })), /^False RosterSpreading/);
    assert.match(found(passWith({ roster: null, chartered: false })), /^True/);
  });

  it("waits for nodes that are not scheduled", () => {
    const pending = { roster, changed: false, pending: ["demo-3"] };
    assert.match(found(passWith({}, { roster: pending })), /^False NodesNotScheduled: .*demo-3/);
  });

  it("leaves it as it was when the pass did not come so far", () => {
    const failed = passWith({}, { roster: undefined });
    const was = { type: "DataPlaced", status: "True", reason: "AllPlaced", message: "x" } as const;
    assert.equal(found(failed, [was]), "True AllPlaced: x");
    assert.match(found(failed), /^Unknown NotObserved/);
  });

  it("becomes true only after a moment, and stays true over a change of operators", () => {
    const outlook = { secondsLeft: undefined, unledMs: undefined, degradedMs: undefined };
    const fresh = passWith({}, { outlook: { ...outlook, placedMs: 0 } });
    assert.match(found(fresh), /^False Settling/);
    assert.match(found(fresh, [{ type: "DataPlaced", status: "False" }]), /^False Settling/);
    assert.match(found(fresh, [{ type: "DataPlaced", status: "True" }]), /^True/);
  });

  it("gives figures only when they are of the whole ring", () => {
    const whole = passWith({ misplaced: 2, keysLed: 5, bytesLed: 50, keysLeft: 1 }).picture?.data;
    assert.ok(whole);
    assert.deepEqual(contents(whole), { keys: 5, bytes: 50 });
    assert.deepEqual(dataStatus(whole), {
      degradedPartitions: 0,
      misplacedPartitions: 2,
      leaderlessPartitions: 0,
      keysToMove: 1,
      bytesToMove: 0,
    });
    assert.equal(contents({ ...whole, unled: 1 }), undefined);
    for (const part of [{ unknown: ["demo-1"] }, { begun: false }]) {
      assert.equal(contents({ ...whole, ...part }), undefined);
      assert.equal(dataStatus({ ...whole, ...part }), undefined);
    }
  });
});
