/**
 * Goal: a comparison of copies whose leader is outranked in the middle fails as a whole; no part of
 * it fails alone, unheard, which would end the process. One that a write is under way in forgets
 * nobody who did not get that write.
 * Method: a peer that answers as scripted.
 */
import assert from "node:assert/strict";
import { ReplicationError } from "../../src/replication/errors.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import type { Held } from "../../src/replication/record.ts";
import { Replica } from "../../src/replication/replica.ts";
import type { Disk } from "../../src/replication/store.ts";
import { Synchronizer } from "../../src/replication/synchronizer.ts";
import type { Member, View } from "../../src/replication/view.ts";
import { Writes } from "../../src/replication/writes.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const [me, peer, absent] = ["me", "peer", "absent"].map((name) => ({ name, incarnation: "1" })) as [
  Member,
  Member,
  Member,
];
const view: View = { epoch: 1, members: [me, peer, absent] };
const earlier = 2;
const ballot = 3;
const later = 4;

function held(count: number): Held {
  const state = { version: `1-${earlier}-${count}`, content: null, answered: [] };
  return { stamp: { epoch: 1, ballot: earlier, count }, state };
}

interface Parts {
  readonly synchronizer: Synchronizer;
  readonly writes: Writes;
}

function partsOf(replica: Replica, network: Network): Parts {
  const options = replicationOptions({ name: "me" });
  const peers = new Peers(network, { now: () => 0, after: () => () => undefined }, options);
  peers.met("peer", { incarnation: "1", api: "", able: true });
  const disk = { writable: true, durable: async () => undefined } as unknown as Disk;
  const lead = { partition: 0, epoch: 1, ballot };
  const shared = { replica, peers, options, disk, view, deposed: () => undefined };
  const writes = new Writes({ ...shared, ...lead });
  const synchronizer = new Synchronizer({
    ...shared,
    lead,
    others: ["peer"],
    needed: 1,
    followers: new Set(["peer"]),
    writes,
    known: () => false,
    over: () => false,
  });
  return { synchronizer, writes };
}

describe("a comparison of copies", () => {
  it("fails as a whole when another leader wins while records are fetched", async () => {
    const replica = new Replica(me, new ReplicaMemory());
    replica.activate(view);
    // To be written again, as nobody else has it; the peer has another one to be fetched.
    replica.accept("own", held(1));
    replica.promise(1, ballot);
    const answers: Readonly<Record<string, () => object>> = {
      list: () => ({ entries: [{ key: "theirs", stamp: held(2).stamp }], after: null }),
      fetch: () => {
        replica.promise(1, later);
        return { records: [{ key: "theirs", held: held(2) }] };
      },
    };
    const call = async (_to: string, { type }: { type: string }): Promise<object> =>
      answers[type]?.() ?? {};
    const network = { call } as unknown as Network;
    const isOutranked = (error: unknown): boolean =>
      error instanceof ReplicationError && error.code === "outranked";
    const unheard: unknown[] = [];
    const note = (error: unknown): number => unheard.push(error);
    process.on("unhandledRejection", note);
    await assert.rejects(partsOf(replica, network).synchronizer.run(), isOutranked);
    // What nobody waits for is told by then.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    process.off("unhandledRejection", note);
    assert.deepEqual(unheard, []);
  });

  it("leaves a member behind that did not get a write which is still under way", async () => {
    const replica = new Replica(me, new ReplicaMemory());
    replica.activate(view);
    replica.promise(1, ballot);
    const { promise: never }: PromiseWithResolvers<never> = Promise.withResolvers();
    const unreachable = new ReplicationError("unreachable", "the network lost it");
    const call = async (to: string, { type }: { type: string }): Promise<object> => {
      if (type === "accept") return to === "peer" ? await Promise.reject(unreachable) : await never;
      return { entries: [], after: null };
    };
    const { synchronizer, writes } = partsOf(replica, { call } as Network);
    writes.write("key", held(1).state);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.deepEqual([...writes.behind], ["peer"]);
    assert.equal(await synchronizer.run(), "all");
    assert.deepEqual([...writes.behind], ["peer"]);
  });
});
