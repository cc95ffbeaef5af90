/**
 * Goal: the queue keeps its promises about keys: no doubling, no overlap, nothing lost, no key
 * held up by another. Method: work that is under the test's control.
 */
import assert from "node:assert/strict";
import { WorkQueue } from "../../src/kube/work-queue.ts";
import { silent } from "../support/fake-cluster.ts";
import { until } from "../support/until.ts";

interface Gate {
  open: () => void;
  wait: Promise<undefined>;
}

function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { wait: promise, open: () => resolve(undefined) };
}

describe("work queue: one look at a time for each key, and none lost", () => {
  let queue: WorkQueue | undefined;

  afterEach(async () => {
    await queue?.stop();
  });

  function start(work: (key: string) => Promise<number | undefined>, workers = 4): WorkQueue {
    queue = new WorkQueue({ work, workers, log: silent, backoffBaseMs: 10, backoffMaxMs: 80 });
    return queue;
  }

  it("looks once at a key that was added many times", async () => {
    const hold = gate();
    const seen: string[] = [];
    const under = start(async (key) => {
      seen.push(key);
      await hold.wait;
      return undefined;
    }, 1);
    under.add("first");
    for (let count = 0; count < 50; count += 1) under.add("other");
    assert.equal(under.depth, 1);
    hold.open();
    await until("both seen", () => seen.length === 2);
    assert.deepEqual(seen, ["first", "other"]);
  });

  it("looks again at a key added while it was looked at, but never at the same time", async () => {
    const hold = gate();
    let running = 0;
    let most = 0;
    let passes = 0;
    const under = start(async () => {
      running += 1;
      most = Math.max(most, running);
      passes += 1;
      if (passes === 1) await hold.wait;
      running -= 1;
      return undefined;
    });
    under.add("ring");
    for (let count = 0; count < 10; count += 1) under.add("ring");
    hold.open();
    await until("a second pass", () => passes === 2);
    assert.equal(most, 1);
  });

  it("does not let a stuck or failing key hold up the others", async () => {
    const hold = gate();
    const seen: string[] = [];
    const under = start(async (key) => {
      if (key === "stuck") await hold.wait;
      if (key === "failing") throw new Error("on purpose");
      seen.push(key);
      return undefined;
    }, 2);
    under.add("stuck");
    under.add("failing");
    for (const key of ["a", "b", "c"]) under.add(key);
    await until("the others are done", () => seen.length === 3);
    hold.open();
  });

  it("waits longer after each failure and at once no more after a success", async () => {
    const times: number[] = [];
    const under = start(async () => {
      times.push(Date.now());
      if (times.length < 5) throw new Error("on purpose");
      return undefined;
    });
    under.add("ring");
    await until("five passes", () => times.length === 5);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    assert.ok((gaps[3] ?? 0) > (gaps[0] ?? 0) * 2, `gaps ${gaps.join(", ")}`);
  });

  it("looks again after the time the work asked for, or sooner on an event", async () => {
    const times: number[] = [];
    const under = start(async () => {
      times.push(Date.now());
      return times.length === 1 ? 60_000 : undefined;
    });
    under.add("ring");
    await until("one pass", () => times.length === 1);
    under.add("ring", 20);
    await until("a second pass", () => times.length === 2);
  });

  it("ends only when the work at hand has ended, and takes no more", async () => {
    const hold = gate();
    let done = false;
    const under = start(async () => {
      await hold.wait;
      done = true;
      return 1;
    });
    under.add("ring");
    const stopped = under.stop();
    under.add("late");
    assert.equal(done, false);
    hold.open();
    await stopped;
    assert.equal(done, true);
    assert.equal(under.depth, 0);
  });
});
