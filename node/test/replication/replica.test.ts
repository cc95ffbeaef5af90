/**
 * Goal: replicas keep the rules on which no acknowledged write is lost and every read is the
 * latest, over restarts and changes of the view.
 * Method: each rule alone; then random runs of a whole partition (support/partition-walk.ts), and
 * the same with replicas that break a rule, which the runs must notice.
 */
import assert from "node:assert/strict";
import { SeededRandom } from "../../sim/random.ts";
import { noBallot } from "../../src/replication/ballot.ts";
import { ReplicationError, type ReplicationErrorCode } from "../../src/replication/errors.ts";
import type { Held } from "../../src/replication/record.ts";
import { Replica } from "../../src/replication/replica.ts";
import { isMajority, type Member, type View } from "../../src/replication/view.ts";
import { PartitionWalk } from "../support/partition-walk.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => ({ name, incarnation: "1" })) as [
  Member,
  Member,
  Member,
  Member,
];
const first: View = { epoch: 1, members: [a, b, c] };
const second: View = { epoch: 2, members: [a, b, d] };
const low = 3;
const high = 4;

function replicaIn(view: View, disk = new ReplicaMemory()): Replica {
  const replica = new Replica(a, disk);
  replica.activate(view);
  return replica;
}

function held(version: number, stamp: Partial<Held["stamp"]> = {}): Held {
  return {
    stamp: { epoch: 1, ballot: low, count: version, ...stamp },
    state: { version: `${version}`, content: null, answered: [] },
  };
}

function refused(code: ReplicationErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof ReplicationError && error.code === code);
}

describe("a majority of a view", () => {
  it("counts each member once and nobody else", () => {
    assert.ok(isMajority(first, [a, b]));
    assert.ok(!isMajority(first, [a, a, a]));
    assert.ok(!isMajority(first, [a, d, d]));
  });

  it("does not count a member that came back with another disk", () => {
    assert.ok(!isMajority(first, [a, { name: "b", incarnation: "2" }]));
  });
});

describe("a replica follows one proposer", () => {
  it("answers the highest it promised, and none below", () => {
    const replica = replicaIn(first);
    replica.promise(1, high);
    refused("outranked", () => replica.promise(1, low));
    refused("outranked", () => replica.confirm(1, low));
    refused("outranked", () => replica.read(1, low, "k"));
    refused("outranked", () => replica.accept("k", held(1)));
    replica.confirm(1, high);
  });

  it("takes a write for a promise", () => {
    const replica = replicaIn(first);
    replica.accept("k", held(1, { ballot: high }));
    refused("outranked", () => replica.promise(1, low));
  });

  it("keeps its promise and its records over a restart", () => {
    const disk = new ReplicaMemory();
    replicaIn(first, disk).accept("k", held(1, { ballot: high }));
    const again = new Replica(a, disk);
    refused("outranked", () => again.promise(1, low));
    assert.equal(again.read(1, high, "k")?.state.version, "1");
  });

  it("does not undo a later write by an earlier one that comes after it", () => {
    const replica = replicaIn(first);
    replica.accept("k", held(2));
    replica.accept("k", held(1));
    assert.equal(replica.read(1, low, "k")?.state.version, "2");
  });

  it("takes the repair of the leader that it follows, and of none that is over", () => {
    const replica = replicaIn(first);
    const repair = (ballot: number, version: number): void =>
      replica.repair({ epoch: 1, ballot }, [{ key: "k", held: held(version) }]);
    refused("outranked", () => repair(low, 1));
    replica.promise(1, low);
    repair(low, 1);
    assert.equal(replica.held("k")?.state.version, "1");
    replica.promise(1, high);
    refused("outranked", () => repair(low, 2));
    assert.equal(replica.read(1, high, "k")?.state.version, "1", "as the new leader has read it");
    repair(high, 3);
    assert.equal(replica.held("k")?.state.version, "3");
  });

  it("answers in its own view only", () => {
    const replica = replicaIn(first);
    refused("other-view", () => replica.promise(2, low));
    refused("other-view", () => replica.accept("k", held(1, { epoch: 2 })));
    refused("other-view", () => new Replica(d, new ReplicaMemory()).promise(0, low));
  });
});

describe("a replica is replaced", () => {
  it("answers no proposer once it accepted a proposal of the next view", () => {
    const replica = replicaIn(first);
    replica.promise(1, low);
    replica.acceptChange(1, low, second.members);
    refused("sealed", () => replica.confirm(1, low));
    refused("sealed", () => replica.accept("k", held(1)));
  });

  it("tells a later proposal of the next view what it accepted", () => {
    const replica = replicaIn(first);
    replica.acceptChange(1, low, second.members);
    assert.deepEqual(replica.promiseChange(1, high)?.members, second.members);
    refused("outranked", () => replica.acceptChange(1, low, first.members));
  });

  it("votes only on the view after the one it is active in", () => {
    refused("other-view", () => replicaIn(first).promiseChange(2, low));
    refused("other-view", () => new Replica(d, new ReplicaMemory()).promiseChange(0, low));
  });

  it("is sealed by being asked for its records, and shows them page by page", () => {
    const replica = replicaIn(first);
    for (const key of ["k1", "k2", "k3"]) replica.accept(key, held(1));
    const page = replica.show(second, null, 2);
    assert.deepEqual(
      page.entries.map(({ key }) => key),
      ["k1", "k2"],
    );
    const rest = replica.show(second, page.after, 2);
    assert.deepEqual(
      rest.entries.map(({ key }) => key),
      ["k3"],
    );
    assert.equal(rest.after, null);
    refused("sealed", () => replica.confirm(1, low));
  });

  it("begins anew in the next view, with its records and without its promises", () => {
    const replica = replicaIn(first);
    replica.accept("k", held(1, { ballot: high }));
    replica.acceptChange(1, low, second.members);
    replica.activate(second);
    replica.promise(2, low);
    assert.equal(replica.read(2, low, "k")?.state.version, "1");
    assert.equal(replica.promiseChange(2, low), null);
    assert.throws(() => replica.activate(first));
  });

  it("forgets what it copied ahead at any time, as long as it is no member", () => {
    const replica = new Replica(d, new ReplicaMemory());
    replica.merge("k", held(1));
    replica.forgetCopies();
    assert.equal(replica.held("k"), null);
    replica.activate(second);
    refused("other-view", () => replica.forgetCopies());
  });

  it("forgets its records only when it is no member any more", () => {
    const replica = replicaIn(first);
    replica.accept("k", held(1));
    refused("other-view", () => replica.retire(second));
    replica.retire({ epoch: 2, members: [b, c, d] });
    assert.ok(!replica.active);
    refused("other-view", () => replica.show({ epoch: 3, members: [a, b, c] }, null, 1));
  });
});

/** Replicas that break one rule each. */
const broken = {
  "an old write undoes a new one": class extends Replica {
    override accept(key: string, write: Held): void {
      super.accept(key, { ...write, stamp: { ...write.stamp, count: (count += 1) } });
    }
  },
  "a promise is forgotten": class extends Replica {
    constructor(self: Member, disk: ReplicaMemory) {
      if (disk.state !== null) disk.save({ ...disk.state, promised: noBallot });
      super(self, disk);
    }
  },
  "every get is confirmed": class extends Replica {
    override confirm(): void {}
  },
  "a seal is forgotten": class extends Replica {
    constructor(self: Member, disk: ReplicaMemory) {
      if (disk.state !== null) disk.save({ ...disk.state, sealed: false });
      super(self, disk);
    }
  },
};
let count = 0;

describe("a partition in random runs", function () {
  this.timeout(60_000);
  const walkCount = 500;
  const stepCount = 2000;

  function walk(seed: number, make: (member: Member, disk: ReplicaMemory) => Replica) {
    const run = new PartitionWalk(new SeededRandom(seed, 1), make);
    for (let step = 0; step < stepCount; step += 1) run.step();
    return run.counts;
  }

  it("is linearizable, decides one view at a time, and gets on", () => {
    const sums = { puts: 0, gets: 0, views: 0 };
    for (let seed = 1; seed <= walkCount; seed += 1) {
      const counts = walk(seed, (member, disk) => new Replica(member, disk));
      for (const name of ["puts", "gets", "views"] as const) sums[name] += counts[name];
    }
    assert.ok(sums.puts > 3 * walkCount, `${sums.puts} puts`);
    assert.ok(sums.gets > walkCount, `${sums.gets} gets`);
    assert.ok(sums.views > walkCount, `${sums.views} views`);
  });

  for (const [what, Broken] of Object.entries(broken)) {
    it(`notices that ${what}`, () => {
      assert.throws(() => {
        for (let seed = 1; seed <= walkCount; seed += 1) {
          walk(seed, (member, disk) => new Broken(member, disk));
        }
      }, /out of date|clients saw two|two views were decided/);
    });
  }
});
