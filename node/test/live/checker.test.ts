/**
 * Goal: the linearizability checker can be believed. Method: its own tests, in Go, and histories
 * written as a live test writes them, of each verdict.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  checkLinearizability,
  goEnvironment,
  goProgram,
  type LinearizabilityReport,
} from "../../../hack/lib/linearizability.ts";
import { run } from "../../../hack/lib/run.ts";
import { settings } from "../../../hack/lib/settings.ts";
import { type Completion, History, type Invocation } from "../../../hack/live/history.ts";

describe("the linearizability checker can be believed", function () {
  this.timeout(300_000);
  let directory = "";

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-checker-"));
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  it("its own tests pass", async () => {
    const go = await goProgram();
    const cwd = join(settings.repositoryRoot, "hack", "linearizability");
    await run([go, "vet", "./..."], { cwd, environment: goEnvironment });
    await run([go, "test", "./..."], { cwd, environment: goEnvironment });
  });

  type Told = readonly [Omit<Invocation, "process" | "node">, Completion];

  /** One client does one thing after the other. */
  async function judge(name: string, steps: readonly Told[]): Promise<LinearizabilityReport> {
    const history = new History(join(directory, `${name}.jsonl`));
    history.test({ seed: 1 });
    for (const [invocation, completion] of steps) {
      const id = history.invoke({ process: 1, node: "node-0", ...invocation });
      history.complete(id, completion);
    }
    await history.close();
    return await checkLinearizability({
      history: history.path,
      pictures: directory,
      timeoutSeconds: 60,
    });
  }

  const put = (key: string, value: string): Told[0] => ({ kind: "put", key, value });
  const get = (key: string): Told[0] => ({ kind: "get", key });
  const created: Completion = { outcome: "ok", status: 201, etag: '"1"' };
  const absent: Completion = { outcome: "ok", status: 404 };

  it("a history that one copy could have given passes", async () => {
    const unknown: Completion = { outcome: "unknown", status: 504 };
    const report = await judge("good", [
      [put("a", "w1+0"), created],
      [get("a"), { outcome: "ok", status: 200, etag: '"1"', value: "w1+0" }],
      [put("a", "w2+0"), unknown],
      [get("b"), absent],
    ]);
    assert.deepEqual([report.keys, report.ok, report.operations], [2, 2, 4]);
  });

  it("a lost write is found, named and drawn, and the other keys are not blamed", async () => {
    const report = await judge("lost", [
      [put("a", "w1+0"), created],
      [put("b", "w2+0"), created],
      [get("a"), absent],
    ]);
    assert.deepEqual([report.ok, report.illegal], [1, 1]);
    const [worst] = report.verdicts;
    assert.equal(worst?.key, "a");
    assert.match(worst.reason ?? "", /get → absent \(operation 3 through node-0/);
    assert.ok(existsSync(worst.picture ?? ""));
  });

  it("a history that makes no sense is no verdict", async () => {
    const wrong: Completion = { outcome: "ok", status: 404 };
    await assert.rejects(judge("wrong", [[put("a", "w1+0"), wrong]]), /404 is no answer to a put/);
  });
});
