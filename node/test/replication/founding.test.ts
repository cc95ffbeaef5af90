/**
 * Goal: there are never two complete charters, whatever founders remember and lose.
 * Method: one founder that is told of charters, with a disk in memory.
 */
import assert from "node:assert/strict";
import type { Charter } from "../../src/replication/charter.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import { Founding, type FoundingParts } from "../../src/replication/founding.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import type { Disk, NodeRecord } from "../../src/replication/store.ts";
import { silentLog } from "../../sim/silent-ports.ts";

interface Founder {
  readonly founding: Founding;
  readonly begun: Charter[];
  readonly kept: () => Charter | null;
}

/** The founder b with its first disk. */
function founder(): Founder {
  let record: NodeRecord = { charter: null, roster: null };
  const disk = {
    get record() {
      return record;
    },
    saveRecord: (saved: NodeRecord) => (record = saved),
    durable: async () => undefined,
  } as unknown as Disk;
  const clock = { now: () => 0, after: () => () => undefined };
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
    ring: () => [],
    chartered: (charter) => begun.push(charter),
  };
  return { founding: new Founding(parts), begun, kept: () => record.charter };
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
