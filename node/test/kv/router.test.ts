/**
 * Goal: the entry node tells the truth about every operation: a value, a refusal, "not reached" or
 * "unknown", and never repeats a write that may have happened. Method: a scripted ring and a clock
 * that jumps.
 */
import assert from "node:assert/strict";
import { ChordError, type Clock, type LookupResult, type NodeRef } from "../../src/chord/index.ts";
import { HttpError } from "../../src/http/errors.ts";
import type { Operation, Outcome } from "../../src/kv/operation.ts";
import { noPreconditions } from "../../src/kv/preconditions.ts";
import { KeyRouter, type Owners } from "../../src/kv/router.ts";
import { MemoryEngine, memoryDisk } from "../../src/storage/memory.ts";
import { VersionedStore } from "../../src/storage/versioned-store.ts";
import { contentOf, keyOf } from "../conformance/store.ts";

const key = keyOf("key");
const get: Operation = { type: "get", key, preconditions: noPreconditions, head: false };
const put: Operation = {
  type: "put",
  key,
  preconditions: noPreconditions,
  content: contentOf("value"),
};
const nodeRef = (name: string): NodeRef => ({ name, id: keyOf(name).id, address: `${name}:1` });
const self = nodeRef("self");
const owner = nodeRef("owner");
const value: Outcome = {
  type: "value",
  version: "1",
  contentType: "text/plain",
  bytes: Buffer.from("value"),
  length: 5,
};

/** Time passes only when someone waits for it and the memory store, two turns at most, is done. */
const TURNS = 4;

function jumpingClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    after: (ms, callback) => {
      let canceled = false;
      const turn = (left: number): void => {
        if (canceled) return;
        if (left > 0) {
          setImmediate(() => turn(left - 1));
          return;
        }
        nowMs += ms;
        callback();
      };
      turn(TURNS);
      return () => {
        canceled = true;
      };
    },
  };
}

interface Script {
  readonly owns?: () => boolean;
  readonly find?: () => Promise<NodeRef>;
  readonly send?: Owners["send"];
}

describe("the entry node tells the truth about an operation", () => {
  let sent: number;
  const disk = memoryDisk();
  const store = new VersionedStore(new MemoryEngine(disk));

  beforeEach(() => {
    sent = 0;
    disk.full = false;
  });

  const router = (script: Script): KeyRouter => {
    const result = (found: NodeRef): LookupResult => {
      const way = { mode: "finger", hops: 2, timeouts: 0, path: [] } as const;
      return { id: key.id, owner: found, candidates: [found], ...way };
    };
    const owns = script.owns ?? ((): boolean => false);
    return new KeyRouter(
      {
        chord: {
          self,
          owns,
          findHere: () => (owns() ? result(self) : null),
          find: async () => result(await (script.find?.() ?? owner)),
        },
        store,
        owners: {
          send: async (...given) => {
            sent += 1;
            return (await script.send?.(...given)) ?? value;
          },
        },
        clock: jumpingClock(),
        random: { next: () => 0.5 },
        log: { debug: () => {}, info: () => {}, warn: () => {} },
      },
      { operationTimeoutMs: 2_000 },
    );
  };

  const failure = async (script: Script, operation: Operation): Promise<HttpError> => {
    try {
      await router(script).route(operation);
    } catch (error) {
      assert.ok(error instanceof HttpError, String(error));
      return error;
    }
    return assert.fail("it did not fail");
  };

  const refuses = (code: "not-owner" | "unreachable" | "timeout") => (): never => {
    throw new ChordError(code, "as scripted");
  };

  it("carries out here what this node owns", async () => {
    const routed = await router({ owns: () => true }).route(put);
    assert.equal(routed.outcome.type, "stored");
    assert.deepEqual([routed.owner, routed.hops, sent], ["self", 0, 0]);
    const read = router({ owns: () => true }).route(get);
    assert.ok(!(read instanceof Promise), "a local read needs no promise");
    assert.equal(read.outcome.type, "value");
  });

  it("names the owner and the hops of what another node carried out", async () => {
    const routed = await router({}).route(get);
    assert.deepEqual([routed.outcome, routed.owner, routed.hops], [value, "owner", 2]);
  });

  it("looks again while the ring changes", async () => {
    let refusals = 5;
    const send = async (): Promise<Outcome> => {
      refusals -= 1;
      return refusals > 0 ? refuses("not-owner")() : value;
    };
    assert.deepEqual((await router({ send }).route(put)).outcome, value);
    assert.equal(sent, 5);
  });

  it("takes a key that it has come to own itself", async () => {
    let asked = 0;
    const owns = (): boolean => {
      asked += 1;
      return asked > 2;
    };
    const routed = await router({ owns, send: refuses("not-owner") }).route(put);
    assert.equal(routed.owner, "self");
  });

  it("says 503 when it is in no ring", async () => {
    const error = await failure({ find: refuses("not-owner") }, get);
    assert.deepEqual([error.status, error.code], [503, "owner_unreachable"]);
    const find = (): never => {
      throw new ChordError("not-member", "as scripted");
    };
    const outside = await failure({ find }, get);
    assert.deepEqual([outside.status, outside.code], [503, "not_in_ring"]);
    assert.equal(outside.headers["Retry-After"], "1");
  });

  it("says 503, never 404, when the owner is not reached before the deadline", async () => {
    for (const code of ["unreachable", "not-owner", "timeout"] as const) {
      const error = await failure({ send: refuses(code) }, get);
      assert.deepEqual([error.status, error.headers["Retry-After"]], [503, "1"], code);
    }
    assert.ok(sent > 6 && sent < 100, `${sent} attempts are bounded`);
  });

  it("does not repeat a write that may have happened, and says 504", async () => {
    const error = await failure({ send: refuses("timeout") }, put);
    assert.deepEqual([error.status, error.code, sent], [504, "outcome_unknown", 1]);
  });

  it("repeats a write that certainly did not happen", async () => {
    const error = await failure({ send: refuses("unreachable") }, put);
    assert.equal(error.status, 503);
    assert.ok(sent > 2);
  });

  it("passes on what the owner itself refused", async () => {
    const send = async (): Promise<Outcome> => {
      throw new HttpError(503, "storage_unavailable", "as scripted");
    };
    assert.equal((await failure({ send }, put)).code, "storage_unavailable");
    assert.equal(sent, 1);
  });

  it("says 503 when its own disk refuses, and keeps reading", async () => {
    disk.full = true;
    const error = await failure({ owns: () => true }, put);
    assert.deepEqual([error.status, error.code], [503, "storage_unavailable"]);
    assert.equal((await router({ owns: () => true }).route(get)).outcome.type, "value");
  });
});
