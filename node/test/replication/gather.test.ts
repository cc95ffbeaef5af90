/**
 * Goal: a member begins in a view with what a majority of the view before holds, and lists that
 * only where somebody holds something else. Method: replicas in memory that answer each other.
 */
import assert from "node:assert/strict";
import { Scheduler } from "../../sim/scheduler.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import { gather } from "../../src/replication/gather.ts";
import type { Request } from "../../src/replication/messages.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import { Replica } from "../../src/replication/replica.ts";
import type { Disk } from "../../src/replication/store.ts";
import type { Member, View } from "../../src/replication/view.ts";
import { heldOf } from "../support/held-records.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => ({ name, incarnation: name })) as [
  Member,
  Member,
  Member,
  Member,
];
const before: View = { epoch: 1, members: [a, b, c] };
const next: View = { epoch: 2, members: [a, b, d] };

class Trial {
  readonly stores = new Map([a, b, c, d].map(({ name }) => [name, new ReplicaMemory()]));
  readonly replicas = new Map<string, Replica>();
  readonly asked: string[] = [];
  /** They do not answer. */
  readonly silent = new Set<string>();

  constructor() {
    for (const member of [a, b, c, d]) {
      const store = this.store(member);
      for (const key of ["one", "two"]) store.keep(key, heldOf(1, key));
      const replica = new Replica(member, store);
      if (member !== d) replica.activate(before);
      this.replicas.set(member.name, replica);
    }
  }

  store({ name }: Member): ReplicaMemory {
    return this.stores.get(name) as ReplicaMemory;
  }

  replica({ name }: Member): Replica {
    return this.replicas.get(name) as Replica;
  }

  async begins(member: Member): Promise<void> {
    const options = replicationOptions({ name: member.name });
    const peers = new Peers(this.#network(), new Scheduler(), options);
    const disk = { durable: () => Promise.resolve() } as Disk;
    const metrics = { expired: () => undefined, moved: () => undefined };
    const replica = this.replica(member);
    const parts = { partition: 0, replica, disk, peers, options, metrics };
    await gather(parts, { view: next, previous: before.members });
  }

  #network(): Network {
    const call = async (to: string, request: Request): Promise<unknown> => {
      this.asked.push(request.type);
      const replica = this.replicas.get(to);
      if (replica === undefined || this.silent.has(to)) {
        throw new ReplicationError("unreachable", to);
      }
      if (request.type === "shows-same") {
        replica.sealFor(request.next);
        return { same: replica.digest === request.digest };
      }
      if (request.type === "show") {
        const shown = replica.show(request.next, request.after, request.limit);
        return { ...shown, active: replica.active && replica.view.epoch === request.next.epoch };
      }
      assert.equal(request.type, "fetch");
      const { keys } = request;
      return { records: keys.flatMap((key) => ({ key, held: replica.held(key) ?? [] })) };
    };
    return { call } as unknown as Network;
  }
}

describe("a member that begins in a view", () => {
  it("lists nothing where all hold what it holds, and they are sealed by being asked", async () => {
    const trial = new Trial();
    await trial.begins(d);
    assert.deepEqual(new Set(trial.asked), new Set(["shows-same"]));
    assert.deepEqual(trial.replica(d).view, next);
    for (const member of [a, b, c]) assert.ok(trial.replica(member).sealed, member.name);
  });

  it("takes what one of them holds beyond that, though another one holds the same", async () => {
    const trial = new Trial();
    for (const member of [a, b]) trial.store(member).keep("two", heldOf(2, "newer"));
    await trial.begins(d);
    assert.deepEqual(trial.store(d).held("two"), heldOf(2, "newer"));
    assert.deepEqual(trial.replica(d).view, next);
  });

  it("does without one that is silent, and not without a majority", async () => {
    const trial = new Trial();
    trial.silent.add("c");
    await trial.begins(a);
    assert.deepEqual(trial.replica(a).view, next);
    trial.silent.add("b").add("a");
    await assert.rejects(trial.begins(d), { code: "unavailable" });
    assert.equal(trial.replica(d).view.epoch, 0);
  });

  it("drops what none of them holds, and keeps what it voted on itself", async () => {
    const trial = new Trial();
    trial.store(d).keep("cached", heldOf(3));
    await trial.begins(d);
    assert.equal(trial.store(d).held("cached"), null);
    const other = new Trial();
    other.store(a).keep("own", heldOf(3));
    await other.begins(a);
    assert.deepEqual(other.store(a).held("own"), heldOf(3));
  });
});
