/**
 * Goal: a node knows who answers, at the cost of one greeting for two nodes. Method: a network that
 * answers as told, on a clock that is moved by hand.
 */
import assert from "node:assert/strict";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Network } from "../../src/replication/ports.ts";
import { replicationOptions } from "../../src/replication/options.ts";
import { Peers } from "../../src/replication/peers.ts";

const introduction = { incarnation: "disk-1", api: "b:8080", able: true };
const options = replicationOptions({ name: "a", greetMs: 400, silenceMs: 1_500 });

interface Known {
  readonly peers: Peers;
  readonly pass: (ms: number) => void;
  /** One request to the node b, which answers or fails so. */
  readonly call: (failure?: "timeout" | "unreachable" | "busy" | "outranked") => Promise<void>;
}

function known(): Known {
  let nowMs = 10_000;
  let failure: ReplicationError | null = null;
  const network = {
    call: () => (failure === null ? Promise.resolve({}) : Promise.reject(failure)),
  } as unknown as Network;
  const clock = { now: () => nowMs, after: () => () => undefined };
  const peers = new Peers(network, clock, options);
  return {
    peers,
    pass: (ms) => {
      nowMs += ms;
    },
    call: async (code) => {
      failure = code === undefined ? null : new ReplicationError(code, "as told");
      await peers.call<"farewell">("b", { type: "farewell" }).catch(() => undefined);
    },
  };
}

describe("a node that greets is known to live", () => {
  it("and need not be greeted in turn for a while", () => {
    const { peers, pass } = known();
    peers.greetedBy("b", introduction);
    assert.ok(peers.reachable("b"));
    assert.ok(peers.present({ name: "b", incarnation: "disk-1" }));
    assert.ok(peers.metLately("b"));
    pass(options.greetMs);
    assert.ok(!peers.metLately("b"), "it would never be greeted again");
    assert.ok(peers.reachable("b"));
    pass(options.silenceMs);
    assert.ok(!peers.reachable("b"));
  });

  for (const failure of ["timeout", "unreachable"] as const) {
    it(`but not while it does not answer what it is asked (${failure})`, async () => {
      const { peers, pass, call } = known();
      peers.greetedBy("b", introduction);
      await call(failure);
      assert.ok(!peers.metLately("b"), "it is not asked whether it answers");
      pass(options.silenceMs + 1);
      peers.greetedBy("b", introduction);
      assert.ok(!peers.reachable("b"), "only one of two directions works");
      await call();
      peers.greetedBy("b", introduction);
      assert.ok(peers.reachable("b"));
      assert.ok(peers.metLately("b"));
    });
  }

  it("nor once it said that it ends", () => {
    const { peers } = known();
    peers.left("b");
    peers.greetedBy("b", introduction);
    assert.ok(!peers.reachable("b"));
  });
});

describe("any answer is a sign of life", () => {
  for (const refusal of ["outranked", undefined] as const) {
    it(refusal === undefined ? "a reply" : `a refusal (${refusal})`, async () => {
      const { peers, call } = known();
      await call(refusal);
      assert.ok(peers.reachable("b"));
    });
  }

  it("but not that there was no room for the question", async () => {
    const { peers, call } = known();
    await call("busy");
    assert.ok(!peers.reachable("b"));
  });
});
