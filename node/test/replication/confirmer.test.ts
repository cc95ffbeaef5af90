/**
 * Goal: a majority confirms reads with few messages, and nobody waits for a peer that is silent
 * while another one answers. Method: peers whose answers the test gives itself.
 */
import assert from "node:assert/strict";
import { type Confirmable, Confirmer } from "../../src/replication/confirmer.ts";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Request } from "../../src/replication/messages.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import { Scheduler } from "../../sim/scheduler.ts";

type Confirm = Extract<Request, { readonly type: "confirm" }>;

interface Asked {
  readonly peer: string;
  readonly partitions: readonly number[];
  readonly confirm: () => void;
  readonly fail: () => void;
}

class Trial {
  readonly asked: Asked[] = [];
  readonly confirmer: Confirmer;
  readonly #peers: Peers;

  constructor() {
    const options = replicationOptions({ name: "a" });
    const call = (peer: string, { leads }: Confirm): Promise<object> =>
      new Promise((resolve, reject) => {
        const partitions = leads.map(({ partition }) => partition);
        const confirm = (): void => resolve({ refused: [] });
        const fail = (): void => reject(new ReplicationError("timeout", "no answer"));
        this.asked.push({ peer, partitions, confirm, fail });
      });
    this.#peers = new Peers({ call: call as Network["call"] }, new Scheduler(), options);
    this.confirmer = new Confirmer(this.#peers, options);
  }

  hear(peer: string): void {
    this.#peers.met(peer, { incarnation: "1", api: "", able: true });
  }

  get peersAsked(): readonly string[] {
    return this.asked.map(({ peer }) => peer);
  }
}

function leaderOf(partition: number): Confirmable {
  const lead = { partition, epoch: 1, ballot: 1 };
  return { lead, others: ["b", "c"], needed: 1, refused: () => undefined };
}

describe("confirmation of reads", () => {
  it("passes by a peer that is silent", async () => {
    const trial = new Trial();
    trial.hear("c");
    const confirmed = trial.confirmer.confirm(leaderOf(1));
    assert.deepEqual(trial.peersAsked, ["c"]);
    trial.asked[0]?.confirm();
    await confirmed;
  });

  it("asks the first in order of those that answer", () => {
    const trial = new Trial();
    trial.hear("b");
    trial.hear("c");
    void trial.confirmer.confirm(leaderOf(1));
    assert.deepEqual(trial.peersAsked, ["b"]);
  });

  it("asks silent peers, one after the other, where there are no others", async () => {
    const trial = new Trial();
    const confirmed = trial.confirmer.confirm(leaderOf(1));
    const refused = assert.rejects(confirmed, { code: "unavailable" });
    trial.asked[0]?.fail();
    await new Promise(setImmediate);
    assert.deepEqual(trial.peersAsked, ["b", "c"]);
    trial.asked[1]?.fail();
    await refused;
  });

  it("asks for all that came meanwhile with the next message", async () => {
    const trial = new Trial();
    trial.hear("b");
    const confirmed = [1, 2, 3].map((partition) => trial.confirmer.confirm(leaderOf(partition)));
    trial.asked[0]?.confirm();
    await new Promise(setImmediate);
    trial.asked[1]?.confirm();
    await Promise.all(confirmed);
    assert.deepEqual(
      trial.asked.map(({ partitions }) => partitions),
      [[1], [2, 3]],
    );
  });
});
