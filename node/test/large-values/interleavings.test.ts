/**
 * Goal: a key that holds a manifest has all its chunks, whatever is late, lost or dead; and chunks
 * that no key holds are removed in the end. Method: random lives in virtual time, and the same with
 * a rule taken out, which must be noticed.
 */
import assert from "node:assert/strict";
import type { KeyOperation } from "../../src/replication/index.ts";
import { decide } from "../../src/replication/key-operation.ts";
import type { KeyState } from "../../src/replication/record.ts";
import { type Decide, type LifeCounts, live, Violation } from "./interleavings.ts";

const SEEDS = 100;

async function firstViolation(broken: Decide): Promise<string | null> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    try {
      await live(seed, broken);
    } catch (error) {
      if (error instanceof Violation) return `${seed}: ${error.message}`;
      throw error;
    }
  }
  return null;
}

function fenced(state: KeyState | null, fence: number): KeyState {
  return { ...(state ?? { version: "", content: null, answered: [] }), fence };
}

/** A manifest is committed whatever the fence is. */
const commitsPastFence: Decide = (operation, state, circumstances) => {
  const manifest = operation.type === "put" ? operation.content.manifest : undefined;
  if (manifest === undefined) return decide(operation, state, circumstances);
  const { outcome, next } = decide(operation, fenced(state, manifest.fence), circumstances);
  return { outcome, next: next === null ? null : fenced(next, state?.fence ?? 0) };
};

/** The collector is told that the upload is unused, and nothing keeps it so. */
const looksOnly: Decide = (operation, state, circumstances) => {
  const { outcome, next } = decide(operation, state, circumstances);
  return { outcome, next: operation.type === "fence" ? null : next };
};

/** The fence is forgotten with what the key held. */
const forgetsFence: Decide = (operation, state, circumstances) => {
  const { outcome, next } = decide(operation, state, circumstances);
  if (operation.type !== "delete" || next === null) return { outcome, next };
  const { version, content, answered } = next;
  return { outcome, next: { version, content, answered } };
};

/** Whoever asks is told that another upload is in the way. */
const forgetsUse: Decide = (operation, state, circumstances) => {
  const asked: KeyOperation | typeof operation =
    operation.type === "fence" ? { ...operation, upload: null } : operation;
  return decide(asked, state, circumstances);
};

describe("large values in random lives", function () {
  this.timeout(120_000);

  it("are whole or not there, and leave nothing behind", async () => {
    const sum: LifeCounts = { stored: 0, fenced: 0, read: 0, orphaned: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const counts = await live(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
      });
      for (const name of Object.keys(sum) as (keyof LifeCounts)[]) sum[name] += counts[name];
    }
    // These lives would prove nothing if little happened in them.
    assert.ok(sum.stored > 5 * SEEDS && sum.read > 5 * SEEDS, JSON.stringify(sum));
    assert.ok(sum.fenced > SEEDS / 5 && sum.orphaned > SEEDS / 5, JSON.stringify(sum));
  });

  const broken: Readonly<Record<string, Decide>> = {
    "commits past the fence": commitsPastFence,
    "raises no fence": looksOnly,
    "forgets the fence with the value": forgetsFence,
    "does not see what is in use": forgetsUse,
  };
  for (const [what, how] of Object.entries(broken)) {
    it(`are noticed to break when a ring ${what}`, async () => {
      assert.notEqual(await firstViolation(how), null);
    });
  }
});
