/**
 * Goal: records that a node listed all come, as they were or newer, or the transfer fails: what is
 * left out would be lost to whoever counts on it.
 * Method: a peer that answers as scripted.
 */
import assert from "node:assert/strict";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Reply } from "../../src/replication/messages.ts";
import { Peers } from "../../src/replication/peers.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import type { Network } from "../../src/replication/ports.ts";
import type { KeyedRecord } from "../../src/replication/record.ts";
import { fetchRecords } from "../../src/replication/transfer.ts";

function record(key: string, count: number): KeyedRecord {
  const state = { version: `1-3-${count}`, content: null, answered: [] };
  return { key, held: { stamp: { epoch: 1, ballot: 3, count }, state } };
}

const entries = ["a", "b", "c"].map((key) => ({ key, stamp: record(key, 2).held.stamp }));

/** Fetches the three entries from a peer that gives these records, one list after the other. */
function fetched(...answers: readonly KeyedRecord[][]): Promise<readonly KeyedRecord[]> {
  let index = 0;
  const call = async (): Promise<Reply<"fetch">> => ({ records: answers[index++] ?? [] });
  const network = { call } as unknown as Network;
  const clock = { now: () => 0, after: () => () => undefined };
  const peers = new Peers(network, clock, replicationOptions({ name: "me" }));
  return fetchRecords(peers, "peer", { partition: 0, entries });
}

const isIncomplete = (error: unknown): boolean =>
  error instanceof ReplicationError && error.code === "unavailable";

describe("records that were listed", () => {
  it("come in as many messages as it takes, as they were listed or newer", async () => {
    const [a, b, c] = [record("a", 2), record("b", 7), record("c", 2)];
    assert.deepEqual(await fetched([a, b], [c]), [a, b, c]);
    assert.deepEqual(await fetched([a, b, c]), [a, b, c]);
  });

  it("are missed when the peer has none of them any more", async () => {
    await assert.rejects(fetched([]), isIncomplete);
    await assert.rejects(fetched([record("a", 2), record("b", 2)], []), isIncomplete);
  });

  it("are missed one by one", async () => {
    await assert.rejects(fetched([record("a", 2), record("c", 2)]), isIncomplete);
  });

  it("are not taken older than they were listed: that is another disk's copy", async () => {
    await assert.rejects(fetched([record("a", 1)]), isIncomplete);
  });
});
