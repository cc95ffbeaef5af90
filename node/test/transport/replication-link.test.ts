/**
 * Goal: messages about data reach the right node and answers the right caller, and each failure has
 * the code that says what it proves. Method: the real client over loopback to the real server, to a
 * peer that sees each batch and answers what it likes, and through a cable that can be cut.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { freePorts } from "../../../hack/lib/local-ring.ts";
import type { WebSocket } from "ws";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { ReplicationError, type ReplicationErrorCode } from "../../src/replication/errors.ts";
import type { Reply, Request, RequestType } from "../../src/replication/messages.ts";
import {
  ReplicationClient,
  type ReplicationClientParts,
} from "../../src/transport/replication-client.ts";
import type { LinkLimits } from "../../src/transport/replication-link.ts";
import {
  correlationsOf,
  emptyAnswers,
  type RealPeer,
  RING,
  type ScriptedPeer,
  startCable,
  startRealPeer,
  startScriptedPeer,
  TOKEN,
} from "../support/replication-peers.ts";

const PATIENCE_MS = 5_000;
/** What must pass by passes quickly, and yet is much longer than a busy machine pauses. */
const SHORT_MS = 100;
const quick = { timeoutMs: PATIENCE_MS, intervalMs: 2 };

type Yield = Extract<Request, { readonly type: "yield" }>;
const message = (epoch: number): Yield => ({ type: "yield", partition: 1, epoch });

function accept(bytes: Uint8Array): Extract<Request, { readonly type: "accept" }> {
  const state = { version: "1-1-1", content: { contentType: "a/b", bytes }, answered: [] };
  const held = { stamp: { epoch: 1, ballot: 1, count: 1 }, state };
  return { type: "accept", partition: 1, key: "k", held };
}

async function errorOf(promise: Promise<unknown>): Promise<ReplicationError> {
  const error = await promise.then(
    () => assert.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ReplicationError, String(error));
  return error;
}

async function codeOf(promise: Promise<unknown>): Promise<ReplicationErrorCode> {
  return (await errorOf(promise)).code;
}

describe("messages to another node", () => {
  const cleanups: (() => unknown)[] = [];
  let resolved: number;

  beforeEach(() => {
    resolved = 0;
  });

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  const cleanedUp = <T extends { close(): unknown }>(part: T): T => {
    cleanups.push(() => part.close());
    return part;
  };

  const clientTo = (
    address: string | null | (() => string | null),
    limits: Partial<LinkLimits> = {},
    parts: Partial<ReplicationClientParts> = {},
  ): ReplicationClient => {
    const resolve = (): Promise<string | null> => {
      resolved += 1;
      return Promise.resolve(typeof address === "function" ? address() : address);
    };
    return cleanedUp(
      new ReplicationClient(
        { name: "node-0", ringId: RING, token: TOKEN, resolve, ...parts },
        limits,
      ),
    );
  };

  const realPeer = async (...options: Parameters<typeof startRealPeer>): Promise<RealPeer> =>
    cleanedUp(await startRealPeer(...options));
  const scriptedPeer = async (name?: string): Promise<ScriptedPeer> =>
    cleanedUp(await startScriptedPeer(name));
  const call = (
    client: ReplicationClient,
    epoch = 1,
    timeoutMs = PATIENCE_MS,
  ): Promise<Reply<"yield">> => client.call<"yield">("node-1", message(epoch), timeoutMs);

  /** With its connection made, so that nothing is unreachable for the want of one. */
  const connectedTo = async (
    address: string,
    limits: Partial<LinkLimits> = {},
  ): Promise<ReplicationClient> => {
    const client = clientTo(address, limits);
    await call(client, 0);
    return client;
  };

  const answerAll = (batch: Buffer, socket: WebSocket): void => {
    socket.send(emptyAnswers(correlationsOf(batch)));
  };

  /** Nothing is answered until the test says so. */
  const held = (peer: RealPeer): ((epoch: number) => void) => {
    const waiting = new Map<number, () => void>();
    peer.handle = (_from, request) =>
      new Promise((resolve) => {
        waiting.set((request as Yield).epoch, () => resolve({}));
      });
    return (epoch) => waiting.get(epoch)?.();
  };

  const arrived = (peer: RealPeer, count: number): Promise<unknown> =>
    waitFor(`${count} messages arrive`, async () => peer.received.length >= count, quick);

  /** Takes connections and never says a word. */
  const silentServer = async (): Promise<{ address: string; server: Server }> => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanedUp(server);
    return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, server };
  };

  describe("are answered", () => {
    it("with what the node with this name answers, which knows who asks", async () => {
      const peer = await realPeer();
      const reply: Reply<"copy"> = { ready: true, keys: 3, bytes: 5 };
      let asker = "";
      peer.handle = async (from) => {
        asker = from;
        return reply;
      };
      const request = { type: "copy", partition: 1, epoch: 2, from: "node-2", limit: 7 } as const;
      const client = clientTo(peer.address);
      assert.deepEqual(await client.call<"copy">("node-1", request, PATIENCE_MS), reply);
      assert.deepEqual(peer.received, [request]);
      assert.equal(asker, "node-0");
    });

    it("of one event-loop turn in one batch, and the next turn's in another", async () => {
      const peer = await scriptedPeer();
      peer.onBatch = answerAll;
      const client = clientTo(peer.address);
      await call(client);
      for (const count of [100, 7]) {
        await Promise.all(Array.from({ length: count }, () => call(client)));
        assert.equal(correlationsOf(peer.batches.at(-1) as Buffer).length, count);
      }
      assert.equal(peer.batches.length, 3);
      assert.equal(peer.connections.length, 1);
      assert.equal(resolved, 1);
    });

    it("in any order, a slow one holds up none", async () => {
      const peer = await realPeer();
      const release = held(peer);
      const client = clientTo(peer.address);
      const order: number[] = [];
      const calls = [1, 2, 3].map((epoch) => call(client, epoch).then(() => order.push(epoch)));
      await arrived(peer, 3);
      for (const epoch of [3, 1, 2]) {
        release(epoch);
        await calls[epoch - 1];
      }
      assert.deepEqual(order, [3, 1, 2]);
    });

    it("with values of 0 bytes to some MiB, whole", async () => {
      const peer = await realPeer();
      peer.handle = async (_from, request) => {
        assert.ok(request.type === "accept");
        return { held: request.held };
      };
      const client = clientTo(peer.address);
      for (const size of [0, 1, 70_000, 3_000_000]) {
        const bytes = Buffer.alloc(size, size % 251);
        await client.call<"accept">("node-1", accept(bytes), PATIENCE_MS);
        const received = peer.received.at(-1);
        assert.ok(received?.type === "accept");
        const content = received.held.state.content;
        assert.ok(bytes.equals(content?.bytes as Uint8Array));
      }
    });

    it("with the refusal of the one that is refused, the others as ever", async () => {
      const peer = await realPeer();
      const view = { epoch: 9, members: [{ name: "node-2", incarnation: "i" }] };
      peer.handle = async (_from, request) => {
        if ((request as Yield).epoch === 1) return {};
        throw new ReplicationError("outranked", "a higher one", {
          view,
          promised: 7,
          leader: "node-2",
        });
      };
      const client = clientTo(peer.address);
      const refused = call(client, 2);
      const [error] = await Promise.all([errorOf(refused), call(client, 1)]);
      const { code, promised, leader } = error;
      assert.deepEqual([code, promised, leader, error.view], ["outranked", 7, "node-2", view]);
    });

    it("as internal, without a hint why, when the peer has a defect", async () => {
      const peer = await realPeer();
      peer.handle = async () => {
        throw new TypeError("secret detail");
      };
      const error = await errorOf(call(clientTo(peer.address)));
      assert.equal(error.code, "internal");
      assert.ok(!error.message.includes("secret"));
      assert.match(peer.warnings.join(), /secret detail/);
    });
  });

  describe("time out", () => {
    it("each by itself, whatever the others do", async () => {
      const peer = await realPeer();
      const client = await connectedTo(peer.address);
      const release = held(peer);
      const patient = call(client, 1);
      assert.equal(await codeOf(call(client, 2, SHORT_MS)), "timeout");
      release(2);
      release(1);
      assert.deepEqual(await patient, {});
    });

    it("as unreachable, and are never sent, while there is no connection", async () => {
      const { address } = await silentServer();
      const client = clientTo(address);
      assert.equal(await codeOf(call(client, 1, SHORT_MS)), "unreachable");
    });

    it("as unreachable, and are never sent, while the peer takes nothing more", async () => {
      const peer = await scriptedPeer();
      peer.onBatch = answerAll;
      const client = await connectedTo(peer.address, { silenceMs: 60_000 });
      peer.onBatch = () => undefined;
      const [socket] = peer.connections;
      socket?.pause();
      const bytes = Buffer.alloc(1024 * 1024);
      const calls = Array.from({ length: 40 }, () =>
        codeOf(client.call<"accept">("node-1", accept(bytes), 3 * SHORT_MS)),
      );
      const codes = await Promise.all(calls);
      const sent = codes.filter((code) => code === "timeout").length;
      assert.ok(sent > 0 && sent < 40, `${sent} of 40 were sent`);
      assert.equal(codes.filter((code) => code === "unreachable").length, 40 - sent);
      socket?.resume();
      peer.onBatch = answerAll;
      await call(client);
      // The one that made the connection, and the last.
      assert.equal(framesOf(peer), sent + 2);
    });

    it("when the connection is lost in the middle: the peer may have acted", async () => {
      const peer = await scriptedPeer();
      const client = clientTo(peer.address);
      peer.onBatch = (_batch, socket) => socket.terminate();
      assert.equal(await codeOf(call(client)), "timeout");
      assert.equal(framesOf(peer), 1);
    });
  });

  const framesOf = (peer: ScriptedPeer): number =>
    peer.batches.reduce((sum, batch) => sum + correlationsOf(batch).length, 0);

  describe("are unreachable", () => {
    it("when nobody listens, and then at once for a moment", async () => {
      const [port] = await freePorts([0]);
      const client = clientTo(`127.0.0.1:${port}`, { restMs: 60_000 });
      const first = await errorOf(call(client));
      const second = await errorOf(call(client));
      assert.deepEqual([first.code, second.code], ["unreachable", "unreachable"]);
      assert.match(second.message, /ECONNREFUSED/);
      assert.equal(resolved, 1);
    });

    it("when nobody knows the address, or what is known is none", async () => {
      for (const address of [null, "no address"]) {
        assert.equal(await codeOf(call(clientTo(address))), "unreachable");
      }
      const failing = clientTo(null, {}, { resolve: () => Promise.reject(new Error("no names")) });
      assert.equal(await codeOf(call(failing)), "unreachable");
    });

    it("when the peer takes the connection and says nothing", async () => {
      const { address } = await silentServer();
      const client = clientTo(address, { connectTimeoutMs: 50 });
      assert.equal(await codeOf(call(client)), "unreachable");
    });

    it("when the address takes too long to come", async () => {
      const resolve = (): Promise<null> => Promise.withResolvers<null>().promise;
      const client = clientTo(null, { connectTimeoutMs: 50 }, { resolve });
      assert.equal(await codeOf(call(client)), "unreachable");
    });

    it("when the peer refuses the token", async () => {
      const peer = await realPeer();
      const error = await errorOf(call(clientTo(peer.address, {}, { token: `${TOKEN}.` })));
      assert.equal(error.code, "unreachable");
      assert.match(error.message, /token/);
      assert.equal(peer.received.length, 0);
    });

    it("when another node is there now; its address is asked for again", async () => {
      const [other, right] = [await realPeer({ name: "node-7" }), await realPeer()];
      const addresses = [other.address, right.address];
      const client = clientTo(() => addresses.shift() ?? null, { restMs: 1 });
      const error = await errorOf(call(client));
      assert.equal(error.code, "unreachable");
      assert.match(error.message, /node-7/);
      await waitFor("the right one answers", async () => (await call(client)) !== null, quick);
      assert.equal(other.received.length, 0);
    });
  });

  it("are of a wrong ring when the address is another ring's node", async () => {
    const peer = await realPeer();
    const client = clientTo(peer.address, {}, { ringId: "other/ring" });
    assert.equal(await codeOf(call(client)), "wrong-ring");
    assert.equal(peer.received.length, 0);
  });

  describe("are told to come back", () => {
    it("when too many wait", async () => {
      const peer = await realPeer();
      const release = held(peer);
      const client = clientTo(peer.address, { pendingMax: 2 });
      const calls = [1, 2].map((epoch) => call(client, epoch));
      assert.equal(await codeOf(call(client, 3)), "busy");
      await arrived(peer, 2);
      assert.equal(await codeOf(call(client, 3)), "busy");
      release(1);
      await calls[0];
      release(2);
      await calls[1];
      assert.equal(peer.received.length, 2);
    });

    it("when their values are too large together, never when one is large alone", async () => {
      const peer = await realPeer();
      const client = clientTo(peer.address, { queueBytesMax: 1_000 });
      const large = accept(Buffer.alloc(5_000));
      const first = client.call<"accept">("node-1", large, PATIENCE_MS);
      assert.equal(await codeOf(client.call<"accept">("node-1", large, PATIENCE_MS)), "busy");
      await first;
      await client.call<"accept">("node-1", large, PATIENCE_MS);
    });
  });

  it("that cannot be written fail alone, as bad-message", async () => {
    const peer = await realPeer();
    const client = clientTo(peer.address);
    const wrong = { type: "fetch", partition: 1, keys: [""] } as const;
    const failed = codeOf(client.call<"fetch">("node-1", wrong, PATIENCE_MS));
    await call(client);
    assert.equal(await failed, "bad-message");
    assert.equal(peer.received.length, 1);
  });

  describe("go on", () => {
    it("when the peer comes back, elsewhere", async () => {
      const first = await startRealPeer();
      let { address } = first;
      const client = clientTo(() => address, { restMs: 5 });
      await call(client);
      await first.close();
      assert.equal(await codeOf(call(client)), "unreachable");
      const second = await realPeer();
      ({ address } = second);
      await waitFor("it answers again", async () => (await call(client)) !== null, quick);
      assert.equal(second.received.length, 1);
    });

    it("after a network was cut without a word", async () => {
      const peer = await realPeer();
      const cable = cleanedUp(await startCable(peer.port));
      const client = clientTo(cable.address, {
        silenceMs: 2 * SHORT_MS,
        connectTimeoutMs: 3 * SHORT_MS,
        restMs: 5,
      });
      await call(client);
      cable.cut();
      assert.equal(await codeOf(call(client)), "timeout");
      assert.equal(await codeOf(call(client)), "unreachable");
      cable.mend();
      await waitFor("it answers again", async () => (await call(client)) !== null, quick);
    });

    it("after a cut, though no message waits as long as that takes", async () => {
      const peer = await realPeer();
      const cable = cleanedUp(await startCable(peer.port));
      const client = clientTo(cable.address, { silenceMs: 2 * SHORT_MS, restMs: 5 });
      await call(client);
      cable.cut();
      assert.equal(await codeOf(call(client, 1, SHORT_MS / 2)), "timeout");
      cable.mend();
      const again = async (): Promise<boolean> => (await call(client, 1, SHORT_MS / 2)) !== null;
      await waitFor("it answers again", again, quick);
    });

    it("with a peer that is slow and alive: it answers pings", async () => {
      const peer = await scriptedPeer();
      const client = clientTo(peer.address, { silenceMs: SHORT_MS });
      const slow = call(client);
      await waitFor("it was pinged again and again", async () => peer.pings >= 4, quick);
      const [batch] = peer.batches;
      peer.connections[0]?.send(emptyAnswers(correlationsOf(batch as Buffer)));
      assert.deepEqual(await slow, {});
      assert.equal(peer.connections.length, 1);
    });

    it("after a pause in which the connection was not worth keeping", async () => {
      const peer = await scriptedPeer();
      peer.onBatch = answerAll;
      const client = clientTo(peer.address, { silenceMs: SHORT_MS, idleMs: SHORT_MS });
      await call(client);
      const [first] = peer.connections;
      await waitFor("it is closed", async () => first?.readyState === first?.CLOSED, quick);
      await call(client);
      assert.equal(peer.connections.length, 2);
    });
  });

  describe("survive an answer", () => {
    const hostile: Readonly<Record<string, (correlation: number) => Buffer | string>> = {
      "that is no batch": () => Buffer.from("garbage"),
      "that is text": () => "[]",
      "with another's correlation": (correlation) => emptyAnswers([correlation + 1]),
      "of a kind that is none": (correlation) => {
        const batch = emptyAnswers([correlation]);
        batch[8] = 77;
        return batch;
      },
      "with bytes behind its end": (correlation) => {
        const batch = Buffer.concat([emptyAnswers([correlation]), Buffer.alloc(1)]);
        batch.writeUInt32BE(6, 0);
        return batch;
      },
      "with a refusal that has no form": (correlation) => {
        const batch = Buffer.concat([emptyAnswers([correlation]), Buffer.from("{}")]);
        batch.writeUInt32BE(7, 0);
        batch[8] = 2;
        return batch;
      },
    };
    const timeouts = ["that is no batch", "that is text", "with another's correlation"];

    for (const [what, answer] of Object.entries(hostile)) {
      it(what, async () => {
        const peer = await scriptedPeer();
        peer.onBatch = answerAll;
        const client = await connectedTo(peer.address, { restMs: 1 });
        peer.onBatch = (batch, socket) => {
          const [correlation = 0] = correlationsOf(batch);
          socket.send(answer(correlation));
        };
        const code = await codeOf(call(client, 1, 2 * SHORT_MS));
        assert.equal(code, timeouts.includes(what) ? "timeout" : "bad-message");
        peer.onBatch = answerAll;
        await waitFor("it goes on", async () => (await call(client)) !== null, quick);
      });
    }

    it("that comes twice, or too late", async () => {
      const peer = await scriptedPeer();
      peer.onBatch = answerAll;
      const client = await connectedTo(peer.address);
      let late: number[] = [];
      peer.onBatch = (batch) => {
        late = correlationsOf(batch);
      };
      assert.equal(await codeOf(call(client, 1, SHORT_MS)), "timeout");
      peer.onBatch = (batch, socket) => {
        const correlations = correlationsOf(batch);
        socket.send(emptyAnswers([...late, ...correlations, ...correlations]));
      };
      await call(client);
      assert.equal(peer.connections.length, 1);
    });
  });

  describe("end with the client", () => {
    it("what was sent may have happened, the rest has not", async () => {
      const peer = await realPeer();
      held(peer);
      const client = clientTo(peer.address);
      const sent = codeOf(call(client, 1));
      await arrived(peer, 1);
      const unsent = codeOf(call(client, 2));
      client.close();
      assert.deepEqual([await sent, await unsent], ["timeout", "unreachable"]);
      assert.equal(await codeOf(call(client, 3)), "unreachable");
      const another = client.call<"yield">("node-2", message(4), PATIENCE_MS);
      assert.equal(await codeOf(another), "unreachable");
      assert.equal(peer.received.length, 1);
    });

    it("also while it connects", async () => {
      const { address, server } = await silentServer();
      const client = clientTo(address);
      const pending = codeOf(call(client));
      await once(server, "connection");
      client.close();
      assert.equal(await pending, "unreachable");
    });
  });

  it("travel both ways between two nodes at once", async () => {
    const [left, right] = [await realPeer({ name: "node-0" }), await realPeer()];
    const there = clientTo(right.address);
    const back = clientTo(left.address, {}, { name: "node-1" });
    const calls: Promise<Reply<RequestType>>[] = [];
    for (let index = 0; index < 50; index += 1) {
      calls.push(call(there, index), back.call<"yield">("node-0", message(index), PATIENCE_MS));
    }
    await Promise.all(calls);
    assert.deepEqual([left.received.length, right.received.length], [50, 50]);
  });
});
