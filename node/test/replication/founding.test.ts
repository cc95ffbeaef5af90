/**
 * Goal: there are never two complete charters, whatever founders remember and lose.
 * Method: one founder that is told of charters, with a disk in memory.
 */
import assert from "node:assert/strict";
import type { Charter } from "../../src/replication/charter.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import { Founding, type FoundingParts } from "../../src/replication/founding.ts";
import type { Greeting } from "../../src/replication/messages.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import type { Disk, NodeRecord } from "../../src/replication/store.ts";
import { silentLog } from "../../sim/silent-ports.ts";

interface Founder {
  readonly founding: Founding;
  readonly begun: Charter[];
  readonly kept: () => Charter | null;
  /** What may change while it runs. */
  readonly around: { nowMs: number; inRing: boolean; durable: () => Promise<void> };
}

/** The founder b with its first disk. */
function founder(given: Partial<FoundingParts> = {}): Founder {
  let record: NodeRecord = { charter: null, roster: null };
  const around: Founder["around"] = { nowMs: 0, inRing: true, durable: async () => undefined };
  const disk = {
    get record() {
      return record;
    },
    saveRecord: (saved: NodeRecord) => (record = saved),
    durable: () => around.durable(),
  } as unknown as Disk;
  const clock = { now: () => around.nowMs, after: () => () => undefined };
  const options = replicationOptions({ name: "b" });
  const begun: Charter[] = [];
  const parts: FoundingParts = {
    self: { name: "b", incarnation: "b1" },
    disk,
    peers: new Peers({} as Network, clock, options),
    clock,
    log: silentLog,
    options,
    founders: async () => ["a", "b", "c"],
    inRing: () => around.inRing,
    heardOf: () => [],
    chartered: (charter) => begun.push(charter),
    ...given,
  };
  return { founding: new Founding(parts), begun, kept: () => record.charter, around };
}

function charter(attempt: number, members: string, complete = false): Charter {
  const named = members.split(" ").map((member) => ({
    name: member.slice(0, 1),
    incarnation: member,
    zone: null,
  }));
  return { attempt, complete, partitions: 4, copies: 3, members: named, pods: named };
}

describe("a founder that is told of a charter", () => {
  it("keeps it, and gives it up for a newer one that has all of its members", () => {
    const { founding, kept, begun } = founder();
    assert.equal(founding.receive(charter(1, "a1 b1")), null);
    assert.equal(founding.receive(charter(1, "a1 b1")), null, "again");
    assert.equal(founding.receive(charter(2, "a1 b1 c1")), null);
    assert.equal(kept()?.attempt, 2);
    assert.deepEqual(begun, []);
  });

  it("does not give it up for one without whoever may have completed it", () => {
    const { founding, kept } = founder();
    founding.receive(charter(1, "a1 b1 c1"));
    assert.equal(founding.receive(charter(2, "b1 c1"))?.attempt, 1);
    assert.equal(kept()?.attempt, 1);
    assert.equal(founding.receive(charter(2, "a2 b1 c1")), null, "a has another disk");
  });

  it("does not give it up for an older one", () => {
    const { founding } = founder();
    founding.receive(charter(2, "a1 b1"));
    assert.equal(founding.receive(charter(1, "a1 b1 c1"))?.attempt, 2);
  });

  it("refuses one that names another disk of it, or none", () => {
    const { founding, kept } = founder();
    const isRefusal = (error: unknown): boolean => error instanceof ReplicationError;
    assert.throws(() => founding.receive(charter(1, "a1 b2")), isRefusal);
    assert.throws(() => founding.receive(charter(1, "a1 c1")), isRefusal);
    assert.equal(kept(), null);
  });

  it("begins with a complete one, whatever it had, and takes no other", () => {
    const { founding, begun } = founder();
    founding.receive(charter(3, "b1 c1"));
    assert.equal(founding.receive(charter(1, "a1 b1", true)), null);
    assert.deepEqual(begun, [charter(1, "a1 b1", true)]);
    assert.equal(founding.receive(charter(4, "a1 b1 c1"))?.attempt, 1);
    assert.equal(founding.receive(charter(4, "a1 b1 c1", true))?.attempt, 1);
  });
});

describe("a founder that is alone with its disk", () => {
  const alone = { founders: async () => ["b"] };
  const longMs = 3_600_000;

  it("begins at once", async () => {
    const { founding, begun } = founder(alone);
    await founding.round();
    assert.deepEqual(begun, [charter(1, "b1", true)].map(asFounded));
  });

  it("does not begin, however long it waits, while a node that it heard of is silent", async () => {
    const { founding, begun, around } = founder({ ...alone, heardOf: () => ["b", "c"] });
    await founding.round();
    around.nowMs = longMs;
    await founding.round();
    assert.deepEqual(begun, []);
    founding.greeted("c", greeting(null));
    await founding.round();
    assert.equal(begun.length, 1);
  });

  it("takes what a node that it heard of has begun with", async () => {
    const { founding, begun } = founder({ ...alone, heardOf: () => ["c"] });
    founding.greeted("c", greeting(charter(1, "b0 c1", true)));
    await founding.round();
    assert.deepEqual(begun, [charter(1, "b0 c1", true)]);
  });

  it("does not begin, however long it waits, while it is in no ring", async () => {
    const { founding, begun, around } = founder(alone);
    around.inRing = false;
    await founding.round();
    around.nowMs = longMs;
    await founding.round();
    assert.deepEqual(begun, []);
  });

  it("begins though its disk is full just then, and tells nobody before", async () => {
    const told: string[] = [];
    const call = (name: string): Promise<never> => {
      told.push(name);
      return Promise.reject(new ReplicationError("unreachable", "not in this test"));
    };
    const { founding, begun, around } = founder({ ...alone, peers: talking(call) });
    founding.greeted("c", greeting(null));
    let calls = 0;
    around.durable = async () => {
      calls += 1;
      if (calls === 2) throw new Error("no space is left on the disk");
    };
    await founding.round();
    assert.equal(begun.length, 1);
    assert.deepEqual(told, []);
  });
});

/** Peers that all answer lately. */
function talking(call: (name: string) => Promise<never>): Peers {
  return { call, reachable: () => true } as unknown as Peers;
}

function greeting(known: Charter | null): Greeting {
  const introduction = { incarnation: "c1", api: "", able: true };
  return { ...introduction, zone: null, charter: known, roster: null, epochs: null };
}

/** With the defaults of a ring that is founded. */
function asFounded(one: Charter): Charter {
  const { partitions, copies } = replicationOptions({ name: "b" });
  return { ...one, partitions, copies };
}
