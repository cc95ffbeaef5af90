/**
 * Goal: clients learn from the status whether a write happened, did not, or may have. Method: each
 * failure of the data layer, as scripted.
 */
import assert from "node:assert/strict";
import { silentLog } from "../../sim/silent-ports.ts";
import { HttpError } from "../../src/http/errors.ts";
import { KeyService } from "../../src/kv/key-service.ts";
import {
  type KeyPage,
  noPreconditions,
  type Operation,
  ReplicationError,
  type ReplicationErrorCode,
  type Routed,
} from "../../src/replication/index.ts";
import { systemClock } from "../../src/platform/clock.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import { systemRandom } from "../../src/platform/random.ts";

const operation: Operation = {
  type: "get",
  key: { text: "key", id: sha1Hash().idOf("key") },
  preconditions: noPreconditions,
  head: false,
};

function service(execute: () => Promise<Routed>): KeyService {
  const listKeys = async (): Promise<KeyPage> => {
    await execute();
    return { keys: [], after: null };
  };
  const replication = { execute, readOne: execute, listKeys, partitionCount: 4 };
  const ports = { clock: systemClock, random: systemRandom, hash: sha1Hash(), log: silentLog };
  return new KeyService({ replication, ...ports }, { operationTimeoutMs: 1 });
}

async function failure(code: ReplicationErrorCode): Promise<HttpError> {
  const failing = service(() => Promise.reject(new ReplicationError(code, "as scripted")));
  try {
    await failing.execute(operation);
  } catch (error) {
    assert.ok(error instanceof HttpError);
    return error;
  }
  return assert.fail("it did not fail");
}

describe("a failure says what became of the operation", () => {
  it("504 if the outcome is unknown", async () => {
    const { status, code } = await failure("unknown-outcome");
    assert.deepEqual([status, code], [504, "outcome_unknown"]);
  });

  const certain: readonly [ReplicationErrorCode, string][] = [
    ["unavailable", "unavailable"],
    ["storage", "storage_unavailable"],
    ["busy", "busy"],
    ["not-leader", "unavailable"],
  ];
  for (const [given, expected] of certain) {
    it(`503 ${expected} with Retry-After if nothing happened (${given})`, async () => {
      const { status, code, headers } = await failure(given);
      assert.deepEqual([status, code, headers["Retry-After"]], [503, expected, "1"]);
    });
  }

  it("anything else is a bug and stays one", async () => {
    const broken = service(() => Promise.reject(new TypeError("a bug")));
    await assert.rejects(broken.execute(operation), TypeError);
  });
});
