/**
 * Goal: a history has all lines in the file once it is closed, in the form that the checker reads.
 * Method: a small one, read back.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History } from "../../live/history.ts";

describe("a history is whole and in order", () => {
  let directory = "";

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-history-"));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("one JSON line for each step, with times that never go back", async () => {
    const history = new History(join(directory, "history.jsonl"));
    history.test({ seed: 7 });
    const put = { process: 1, node: "node-0", kind: "put", key: "k", value: "w1+0" } as const;
    const first = history.invoke({ ...put, ifNoneMatch: "*" });
    history.fault({ fault: "kill", phase: "begin", text: "node-0" });
    const second = history.invoke({ process: 2, node: "node-1", kind: "get", key: "k" });
    history.complete(first, { outcome: "unknown", status: 504, detail: "outcome_unknown" });
    history.complete(second, { outcome: "ok", status: 200, etag: '"1"', value: "w1+0" });
    await history.close();
    const text = readFileSync(history.path, "utf8");
    assert.ok(text.endsWith("\n"));
    const lines = text.trimEnd().split("\n");
    const parsed = lines.map((line) => JSON.parse(line) as { time: number });
    const times = parsed.map(({ time }) => time);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok(times.every((time) => Number.isSafeInteger(time) && time >= 0));
    assert.deepEqual(
      parsed.map(({ time: _time, ...rest }) => rest),
      [
        { type: "test", seed: 7 },
        { type: "invoke", id: 1, ...put, ifNoneMatch: "*" },
        { type: "fault", fault: "kill", phase: "begin", text: "node-0" },
        { type: "invoke", id: 2, process: 2, node: "node-1", kind: "get", key: "k" },
        { type: "complete", id: 1, outcome: "unknown", status: 504, detail: "outcome_unknown" },
        { type: "complete", id: 2, outcome: "ok", status: 200, etag: '"1"', value: "w1+0" },
      ],
    );
  });

  it("one that cannot be written says so", async () => {
    const history = new History(join(directory, "missing", "history.jsonl"));
    history.test({ seed: 7 });
    await assert.rejects(history.close(), /the history is not whole: ENOENT/);
  });
});
