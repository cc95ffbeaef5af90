/** Goal: nobody is declared dead on thin evidence, and timeouts follow the measured round trips. */
import assert from "node:assert/strict";
import { ChordError, chordOptions, type NodeRef } from "../../src/chord/index.ts";
import { Peers } from "../../src/chord/peers.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { silentMetrics } from "../../sim/silent-ports.ts";
import { sha1 } from "../../sim/world.ts";

const ref = (name: string): NodeRef => ({ name, id: sha1(name), address: `${name}:8081` });
const timeout = (): ChordError => new ChordError("timeout", "no answer");

/** Peers whose transport does what the test says, and tells the clock how long it took. */
class Bench {
  readonly clock = new Scheduler();
  tookMs = 1;
  failure: ChordError | null = null;
  answeredBy = ref("b");
  readonly peers: Peers;

  constructor() {
    const transport = {
      call: async () => {
        await this.clock.run(this.tookMs);
        if (this.failure !== null) throw this.failure;
        return {
          self: this.answeredBy,
          epoch: 1,
          reply: { state: "member" as const, predecessor: null },
        };
      },
    };
    const options = chordOptions({ ring: "r", name: "a", address: "a:8081" });
    const hash = { idOf: sha1 };
    this.peers = new Peers(
      { transport, clock: this.clock, hash, metrics: silentMetrics },
      options,
      () => ({ self: ref("a"), epoch: 1 }),
    );
  }

  async ping(to = ref("b")): Promise<string> {
    try {
      await this.peers.call<"ping">(to, { type: "ping" });
      return "answered";
    } catch (error) {
      return this.peers.verdictOn(to, error);
    }
  }
}

describe("suspicion", () => {
  it("needs three failed probes and two stabilize intervals", async () => {
    const bench = new Bench();
    bench.failure = timeout();
    assert.equal(await bench.ping(), "silent");
    assert.equal(await bench.ping(), "silent");
    assert.equal(await bench.ping(), "silent", "three failures within milliseconds");
    await bench.clock.run(2000);
    assert.equal(await bench.ping(), "gone");
  });

  it("starts anew after one answer", async () => {
    const bench = new Bench();
    bench.failure = timeout();
    await bench.ping();
    await bench.ping();
    await bench.clock.run(2000);
    bench.failure = null;
    assert.equal(await bench.ping(), "answered");
    bench.failure = timeout();
    assert.equal(await bench.ping(), "silent");
  });

  it("does not count a stall of this very process", async () => {
    const bench = new Bench();
    bench.failure = timeout();
    bench.tookMs = 60_000;
    for (let i = 0; i < 5; i++) assert.equal(await bench.ping(), "silent");
  });

  it("needs no time where the peer itself says that it is no member", async () => {
    const bench = new Bench();
    bench.failure = new ChordError("not-member", "joining");
    assert.equal(await bench.ping(), "gone");
    bench.failure = new ChordError("busy", "ask again");
    assert.equal(await bench.ping(), "busy");
  });
});

describe("the timeout of a request", () => {
  it("starts at the initial value, follows the round trips, and stays in its bounds", async () => {
    const bench = new Bench();
    assert.equal(bench.peers.timeoutMs("b:8081"), 500);
    for (let i = 0; i < 20; i++) await bench.ping();
    assert.equal(bench.peers.timeoutMs("b:8081"), 200);
    bench.tookMs = 400;
    for (let i = 0; i < 20; i++) await bench.ping();
    const slowMs = bench.peers.timeoutMs("b:8081");
    assert.ok(slowMs > 400 && slowMs < 1500, `${slowMs} ms`);
  });

  it("doubles with each failure in a row, up to four times", async () => {
    const bench = new Bench();
    await bench.ping();
    bench.failure = timeout();
    await bench.ping();
    assert.equal(bench.peers.timeoutMs("b:8081"), 400);
    for (let i = 0; i < 8; i++) await bench.ping();
    assert.equal(bench.peers.timeoutMs("b:8081"), 800);
  });
});

describe("who answered", () => {
  it("must be the node that was asked", async () => {
    const bench = new Bench();
    bench.answeredBy = ref("c");
    assert.equal(await bench.ping(), "gone");
  });

  it("must have the identifier of its name", async () => {
    const bench = new Bench();
    bench.answeredBy = { ...ref("b"), id: sha1("c") };
    assert.equal(await bench.ping(), "gone");
  });
});
