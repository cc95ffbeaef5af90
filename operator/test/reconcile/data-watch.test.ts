/**
 * Goal: an estimate that is right when data moves evenly and absent when nothing is known, and
 * alarms that tell a move from a loss. Method: made-up series of figures, in made-up time.
 */
import assert from "node:assert/strict";
import { DataWatch, type Outlook } from "../../src/reconcile/data-watch.ts";
import { type DataPicture, dataPictureOf } from "../../src/ring/data-picture.ts";

function picture(change: Partial<DataPicture>): DataPicture {
  return { ...dataPictureOf([], []), begun: true, ...change };
}

/** What the watch says after one observation a second. */
function after(series: Partial<DataPicture>[], watch = new DataWatch(), startMs = 0): Outlook {
  const outlooks = series.map((entry, index) =>
    watch.observe(picture(entry), startMs + index * 1_000),
  );
  return outlooks.at(-1) as Outlook;
}

function moving(seconds: number, from: number, each: number): Partial<DataPicture>[] {
  return Array.from({ length: seconds }, (_, index) => ({
    misplaced: from - each * index,
    degraded: 1,
  }));
}

function still(seconds: number, figures: Partial<DataPicture>): Partial<DataPicture>[] {
  return Array.from({ length: seconds }, () => figures);
}

describe("data watch: pace and patience", () => {
  it("estimates by the pace of late", () => {
    assert.equal(after(moving(11, 100, 5)).secondsLeft, 10);
    // Half as fast for longer than counts: the old pace is forgotten.
    const slower = [...moving(11, 10_000, 20), ...moving(600, 9_800, 10)];
    assert.equal(after(slower).secondsLeft, (9_800 - 599 * 10) / 10);
  });

  it("estimates nothing at first, at a standstill, after new orders, and at the end", () => {
    assert.equal(after(moving(3, 100, 5)).secondsLeft, undefined);
    assert.equal(after(moving(20, 100, 0)).secondsLeft, undefined);
    assert.equal(after([...moving(11, 100, 5), { misplaced: 200 }]).secondsLeft, undefined);
    assert.equal(after([...moving(11, 100, 5), { misplaced: 0 }]).secondsLeft, undefined);
  });

  it("observed many times a second, says the same", () => {
    const watch = new DataWatch();
    let outlook: Outlook | undefined;
    for (let ms = 0; ms <= 10_000; ms += 100) {
      outlook = watch.observe(picture({ misplaced: 1_000 - ms / 20 }), ms);
    }
    assert.equal(outlook?.secondsLeft, 10);
  });

  it("measures how long leaders have been missing without a break", () => {
    const unled = { unled: 2 };
    assert.equal(after([unled, unled, unled]).unledMs, 2_000);
    assert.equal(after([unled, {}, unled]).unledMs, 0);
    assert.equal(after([unled, {}]).unledMs, undefined);
  });

  it("measures how long copies have been missing, but not while moves get on", () => {
    assert.equal(after(still(6, { degraded: 2 })).degradedMs, 5_000);
    assert.equal(after([...still(5, { degraded: 2 }), {}]).degradedMs, undefined);
    assert.equal(after(moving(60, 1_000, 10)).degradedMs, 0);
    // They moved, and then no more.
    assert.equal(after([...moving(10, 100, 1), ...moving(10, 91, 0)]).degradedMs, 10_000);
    // One large partition is on its way all the time.
    const copying = Array.from({ length: 60 }, (_, index) => ({
      misplaced: 1,
      degraded: 1,
      bytesLeft: 9_000 - index,
    }));
    assert.equal(after(copying).degradedMs, 0);
  });

  it("measures how long all has been in place, as long as everything is known", () => {
    assert.equal(after([{ misplaced: 1 }, {}, {}, {}]).placedMs, 2_000);
    assert.equal(after([{}, {}, { degraded: 1 }]).placedMs, undefined);
    assert.equal(after([{}, {}, { unknown: ["demo-1"] }]).placedMs, undefined);
  });
});
