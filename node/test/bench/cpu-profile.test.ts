/**
 * Goal: a profile's summary names what the time went to. Method: a small profile with known sums.
 */
import assert from "node:assert/strict";
import { type CpuProfile, summarize } from "../../bench/cpu-profile.ts";

const frame = (functionName: string, url = "", lineNumber = -1) => ({
  functionName,
  url,
  lineNumber,
});

/** Idle for half of 1,000 µs; the rest in a call of the project that calls itself and others. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 3, 7] },
    { id: 2, callFrame: frame("(idle)") },
    { id: 3, callFrame: frame("put", "file:///x/node/src/kv/a.ts", 9), children: [4, 5] },
    { id: 4, callFrame: frame("put", "file:///x/node/src/kv/a.ts", 9), children: [6] },
    { id: 5, callFrame: frame("writeBuffer") },
    { id: 6, callFrame: frame("", "file:///x/node_modules/lmdb/write.js", 0) },
    { id: 7, callFrame: frame("(program)") },
  ],
  samples: [2, 3, 4, 5, 6, 7],
  timeDeltas: [500, 100, 50, 150, 100, 100],
};

describe("a profile's summary names what the time went to", () => {
  const summary = summarize(profile);
  const shareOf = (list: readonly { name: string; share: number }[], name: string) =>
    list.find((one) => one.name === name)?.share;

  it("leaves idle time out", () => {
    assert.equal(summary.busyShare, 0.5);
    assert.equal(shareOf(summary.functions, "(idle)"), undefined);
  });

  it("functions, the engine's own with their callers", () => {
    assert.equal(shareOf(summary.functions, "put src/kv/a.ts:10"), 0.3);
    assert.equal(shareOf(summary.functions, "writeBuffer in put src/kv/a.ts:10"), 0.3);
    assert.equal(shareOf(summary.functions, "(anonymous) lmdb/write.js:1"), 0.2);
    assert.equal(shareOf(summary.functions, "(program)"), 0.2);
  });

  it("files", () => {
    assert.equal(shareOf(summary.files, "src/kv/a.ts"), 0.3);
    assert.equal(shareOf(summary.files, "(built in)"), 0.3);
  });

  it("own functions with all they call, once when they call themselves", () => {
    assert.deepEqual(summary.inclusive, [{ name: "put src/kv/a.ts:10", share: 0.8 }]);
  });
});
