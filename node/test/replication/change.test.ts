/**
 * Goal: a proposal of a next view seals nobody once its proposer leads no more, and takes over what
 * may have been decided before.
 * Method: one member with a disk in memory, whose peers answer as scripted.
 */
import assert from "node:assert/strict";
import { decideNextView } from "../../src/replication/change.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Request } from "../../src/replication/messages.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import { Replica } from "../../src/replication/replica.ts";
import type { AcceptedChange, Disk } from "../../src/replication/store.ts";
import type { Member, View } from "../../src/replication/view.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => ({ name, incarnation: "1" })) as [
  Member,
  Member,
  Member,
  Member,
];
const wanted = [a, b, d];

/** The member a, and what it asked the others. */
function proposer(accepted: AcceptedChange | null, onPromise: (replica: Replica) => void) {
  const replica = new Replica(a, new ReplicaMemory());
  replica.activate({ epoch: 1, members: [a, b, c] });
  const asked: string[] = [];
  const call = async (_to: string, { type }: Request): Promise<unknown> => {
    asked.push(type);
    onPromise(replica);
    return type === "promise-change" ? { accepted } : {};
  };
  const clock = { now: () => 0, after: () => () => undefined };
  const peers = new Peers({ call } as Network, clock, replicationOptions({ name: "a" }));
  const disk = { durable: async () => undefined } as unknown as Disk;
  const decide = (stillWanted: () => boolean): Promise<View> =>
    decideNextView(
      { partition: 0, replica, disk, peers },
      { members: wanted, above: 0, stillWanted },
    );
  return { replica, asked, decide };
}

describe("the decision on a next view", () => {
  it("is what a majority accepts", async () => {
    const { replica, decide } = proposer(null, () => undefined);
    assert.deepEqual(await decide(() => true), { epoch: 2, members: wanted });
    assert.ok(replica.sealed);
  });

  it("is what may have been decided before", async () => {
    const { decide } = proposer({ ballot: 1, members: [b, c, d] }, () => undefined);
    assert.deepEqual((await decide(() => true)).members, [b, c, d]);
  });

  it("seals nobody if another leader was promised meanwhile", async () => {
    const { replica, asked, decide } = proposer(null, (own) => own.promise(1, 7));
    await assert.rejects(
      decide(() => replica.promised === 0),
      (error) => error instanceof ReplicationError && error.code === "unavailable",
    );
    assert.ok(!replica.sealed);
    assert.ok(!asked.includes("accept-change"));
  });
});
