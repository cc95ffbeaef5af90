/**
 * Goal: copying ahead takes as many records as somebody asks for, and so to the end; what was
 * written meanwhile it takes at once. Method: a source in memory that answers each message a while
 * later, in virtual time.
 */
import assert from "node:assert/strict";
import { Copier, type CopyProgress } from "../../src/replication/copier.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";
import type { Network } from "../../src/replication/ports.ts";
import { Replica } from "../../src/replication/replica.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { heldOf } from "../support/held-records.ts";
import { ReplicaMemory } from "../support/replica-memory.ts";

const KEYS = 1_000;
const ANSWER_MS = 10;
const keys = Array.from({ length: KEYS }, (_, index) => `key-${String(index).padStart(4, "0")}`);

class Trial {
  readonly clock = new Scheduler();
  readonly store = new ReplicaMemory();
  readonly source = new ReplicaMemory();
  readonly copier: Copier;
  answeredMs = 0;
  #asked = 0;

  constructor() {
    const { source } = this;
    for (const key of keys) source.keep(key, heldOf(1, key));
    const options = replicationOptions({ name: "b" });
    const answers: Readonly<Record<string, (request: never) => object>> = {
      list: ({ after, limit }: { after: string | null; limit: number }) => {
        const entries = source.entries(after, limit);
        return { entries, after: entries.length < limit ? null : entries.at(-1)?.key };
      },
      fetch: (request: { keys: readonly string[] }) => ({
        records: request.keys.map((key) => ({ key, held: source.held(key) })),
      }),
    };
    const call: Network["call"] = (_to, request) => {
      this.#asked += 1;
      return new Promise((resolve) => {
        const answer = answers[request.type]?.(request as never) ?? {};
        this.clock.after(ANSWER_MS, () => resolve(answer));
      });
    };
    const { clock } = this;
    this.copier = new Copier({
      partition: 0,
      replica: new Replica({ name: "b", incarnation: "1" }, this.store),
      peers: new Peers({ call }, clock, options),
      clock,
      options,
      admit: () => Promise.resolve(),
      metrics: { expired: () => undefined, moved: () => undefined },
    });
  }

  async ask(limit: number): Promise<CopyProgress> {
    let progress: CopyProgress | null = null;
    void this.copier.continue({ epoch: 1, from: "a", limit }).then((answer) => {
      progress = answer;
      this.answeredMs = this.clock.now();
    });
    assert.ok(await this.clock.runUntil(() => progress !== null, 10_000), "it does not answer");
    return progress as unknown as CopyProgress;
  }

  async copied(): Promise<CopyProgress> {
    let progress = await this.ask(100);
    for (let times = 0; times < KEYS && !progress.ready; times += 1) progress = await this.ask(100);
    assert.ok(progress.ready, "it comes to no end");
    return progress;
  }

  /** Messages that it sends meanwhile. */
  async askedIn(ms: number): Promise<number> {
    const before = this.#asked;
    await this.clock.run(ms);
    return this.#asked - before;
  }
}

describe("copying ahead", () => {
  it("takes no more than was asked for", async () => {
    const trial = new Trial();
    await trial.ask(100);
    await trial.clock.run(1_000);
    assert.equal(trial.store.counts().keys, 100);
    assert.equal(await trial.askedIn(10_000), 0, "it goes on though nobody asks");
    assert.equal((await trial.ask(7)).keys, 107, "it does not answer with all that was asked for");
  });

  it("answers as soon as it has what was asked for", async () => {
    const trial = new Trial();
    const startMs = trial.clock.now();
    await trial.ask(100);
    // Is it all the same, one list, one fetch.
    assert.equal(trial.answeredMs - startMs, 3 * ANSWER_MS);
  });

  it("comes to its end while somebody asks, and tells so", async () => {
    const trial = new Trial();
    const progress = await trial.copied();
    assert.equal(progress.keys, KEYS);
    assert.equal(trial.store.counts().keys, KEYS);
  });

  it("takes what was written meanwhile at once, so that writes cannot outrun it", async () => {
    const trial = new Trial();
    await trial.copied();
    for (const key of keys) trial.source.keep(key, heldOf(2, key));
    const { ready, keys: taken } = await trial.ask(1);
    assert.equal(ready, false);
    await trial.clock.run(1_000);
    assert.ok(taken < 2 * KEYS, "it was through before it answered");
    assert.equal((await trial.ask(1)).keys, 2 * KEYS);
  });

  it("keeps nothing more once it was stopped, and asks for nothing", async () => {
    const trial = new Trial();
    await trial.ask(100);
    trial.copier.stop();
    const { keys: before } = trial.store.counts();
    await trial.clock.run(10_000);
    assert.equal(trial.store.counts().keys, before);
    assert.equal(await trial.askedIn(10_000), 0);
  });
});
