/**
 * Goal: only a node of the ring gets a connection, its requests are bounded and answered when they
 * are ready, and the end loses none of them. Method: the real server on loopback, spoken to by bare
 * HTTP requests and bare WebSockets that need not behave.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import type { ReplicationError } from "../../src/replication/errors.ts";
import type { Reply, Request } from "../../src/replication/messages.ts";
import { BatchReader, writeRequest } from "../../src/transport/replication-codec.ts";
import {
  NODE_HEADER,
  REPLICATION_PATH,
  REPLICATION_PROTOCOL,
  RING_HEADER,
} from "../../src/transport/replication-handshake.ts";
import {
  batchOf,
  type RealPeer,
  RING,
  startRealPeer,
  TOKEN,
} from "../support/replication-peers.ts";

const quick = { timeoutMs: 5_000, intervalMs: 2 };
const message = (epoch: number): Request => ({ type: "yield", partition: 1, epoch });
const read = (): Request => ({ type: "fetch", partition: 1, keys: ["k"] });

const headers: Readonly<Record<string, string>> = {
  authorization: `Bearer ${TOKEN}`,
  [RING_HEADER]: RING,
  [NODE_HEADER]: "node-0",
};

function requestsOf(requests: readonly Request[]): Buffer {
  return batchOf((writer) => {
    for (const [index, request] of requests.entries()) writeRequest(writer, index, request);
  });
}

function recordsOf(bytes: number): { records: readonly [] } {
  const content = { contentType: "a/b", bytes: Buffer.alloc(bytes) };
  const stamp = { epoch: 1, ballot: 1, count: 1 };
  const held = { stamp, state: { version: "1-1-1", content, answered: [] } };
  return { records: [{ key: "k", held }] as never };
}

type Changes = Readonly<Record<string, string | undefined>>;

/** A request for a connection, as a client without ws would make it. */
function upgradeRequest(port: number, changes: Changes, path: string): ClientRequest {
  const all = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "sec-websocket-protocol": REPLICATION_PROTOCOL,
    ...headers,
    ...changes,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => {
    const [, value] = entry;
    return value !== undefined;
  });
  const request = httpRequest({
    host: "127.0.0.1",
    port,
    path,
    agent: false,
    headers: Object.fromEntries(given),
  });
  request.end();
  return request;
}

async function ask(
  port: number,
  changes: Changes = {},
  path = REPLICATION_PATH,
): Promise<{ status: number; body: string }> {
  const request = upgradeRequest(port, changes, path);
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  const upgraded = once(request, "upgrade") as Promise<[IncomingMessage]>;
  const [response] = await Promise.race([answered, upgraded]);
  const { statusCode: status = 0 } = response;
  if (status === 101) {
    response.socket.destroy();
    return { status, body: "" };
  }
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status, body };
}

describe("the serving end of connections between nodes", () => {
  const cleanups: (() => unknown)[] = [];

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  });

  const start = async (...options: Parameters<typeof startRealPeer>): Promise<RealPeer> => {
    const peer = await startRealPeer(...options);
    cleanups.push(() => peer.close());
    return peer;
  };

  interface Bare {
    readonly socket: WebSocket;
    readonly batches: Buffer[];
    /** Correlation and code, or "ok", of each answer so far. */
    answers(): (readonly [number, string])[];
  }

  const connect = async (peer: RealPeer): Promise<Bare> => {
    const url = `ws://${peer.address}${REPLICATION_PATH}`;
    const socket = new WebSocket(url, REPLICATION_PROTOCOL, { headers });
    cleanups.push(() => socket.terminate());
    const batches: Buffer[] = [];
    socket.on("error", () => undefined);
    socket.on("message", (data) => batches.push(data as Buffer));
    await once(socket, "open");
    return { socket, batches, answers: () => batches.flatMap(answersOf) };
  };

  const answersOf = (batch: Buffer): (readonly [number, string])[] => {
    const reader = new BatchReader(batch);
    const answers: (readonly [number, string])[] = [];
    while (reader.next()) answers.push([reader.correlation, codeOf(reader)]);
    return answers;
  };

  const codeOf = (reader: BatchReader): string => {
    try {
      reader.reply("fetch");
      return "ok";
    } catch (error) {
      return (error as ReplicationError).code;
    }
  };

  const answered = async (bare: Bare, count: number): Promise<Map<number, string>> => {
    await waitFor(`${count} answers`, async () => bare.answers().length >= count, quick);
    return new Map(bare.answers());
  };

  const closed = async (socket: WebSocket): Promise<number> => {
    if (socket.readyState === WebSocket.CLOSED) return 0;
    const [code] = (await once(socket, "close")) as [number];
    return code;
  };

  describe("refuses, in plain HTTP,", () => {
    it("who has not the token, is of another ring, has no name or another form", async () => {
      const { port } = await start();
      const cases: readonly [Readonly<Record<string, string | undefined>>, number, string][] = [
        [{ authorization: undefined }, 401, "unauthorized"],
        [{ authorization: `Bearer ${TOKEN.slice(1)}` }, 401, "unauthorized"],
        [{ authorization: `Bearer ${TOKEN.replace("t", "T")}` }, 401, "unauthorized"],
        [{ [RING_HEADER]: undefined }, 421, "wrong-ring"],
        [{ [RING_HEADER]: `${RING}x` }, 421, "wrong-ring"],
        [{ [NODE_HEADER]: undefined }, 400, "bad-message"],
        [{ [NODE_HEADER]: "Node 0" }, 400, "bad-message"],
        [{ "sec-websocket-protocol": "chordring-replication-99" }, 400, "other-protocol"],
      ];
      for (const [changes, status, code] of cases) {
        const answer = await ask(port, changes);
        assert.equal(answer.status, status, JSON.stringify(changes));
        const { error } = JSON.parse(answer.body) as { error: { code: string } };
        assert.equal(error.code, code);
      }
      assert.equal((await ask(port, { "sec-websocket-key": "short" })).status, 400);
      assert.equal((await ask(port)).status, 101);
    });

    it("more connections than it takes, until one is gone", async () => {
      const peer = await start({ connectionsMax: 2 });
      const [first] = [await connect(peer), await connect(peer)];
      assert.equal((await ask(peer.port)).status, 503);
      first.socket.terminate();
      const again = async (): Promise<boolean> => (await ask(peer.port)).status === 101;
      await waitFor("one is taken again", again, quick);
    });

    it("nothing elsewhere: such a request is one like any other", async () => {
      const { port } = await start();
      assert.deepEqual(await ask(port, {}, "/elsewhere"), { status: 200, body: "plain" });
    });
  });

  describe("answers", () => {
    it("all that is ready in one turn in one batch", async () => {
      const peer = await start();
      peer.handle = async () => ({ records: [] });
      const bare = await connect(peer);
      bare.socket.send(requestsOf(Array.from({ length: 50 }, read)));
      assert.equal((await answered(bare, 50)).size, 50);
      assert.equal(bare.batches.length, 1);
    });

    it("what is ready, and the rest later", async () => {
      const peer = await start();
      let release = (): void => undefined;
      peer.handle = async (_from, request) => {
        if (request.type !== "fetch") {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        return { records: [] };
      };
      const bare = await connect(peer);
      bare.socket.send(requestsOf([message(1), read(), read()]));
      assert.deepEqual([...(await answered(bare, 2)).keys()], [1, 2]);
      release();
      assert.deepEqual([...(await answered(bare, 3)).keys()], [1, 2, 0]);
    });

    it("a message without the documented form by itself", async () => {
      const peer = await start();
      peer.handle = async () => ({ records: [] });
      const bare = await connect(peer);
      const batch = requestsOf([read(), message(1), read()]);
      // The kind of the second message, behind the first one.
      batch[batch.readUInt32BE(0) + 4 + 8] = 99;
      bare.socket.send(batch);
      const answers = await answered(bare, 3);
      assert.deepEqual(
        [answers.get(0), answers.get(1), answers.get(2)],
        ["ok", "bad-message", "ok"],
      );
    });

    it("an answer that has no form as internal", async () => {
      const peer = await start();
      const wrong: unknown = { records: [{ key: "", held: null }] };
      peer.handle = async () => wrong as Reply<"fetch">;
      const bare = await connect(peer);
      bare.socket.send(requestsOf([read()]));
      assert.equal((await answered(bare, 1)).get(0), "internal");
      assert.match(peer.warnings.join(), /a message failed/);
    });

    it("busy beyond the requests that it handles at once", async () => {
      const peer = await start({ limits: { requestsMax: 2, requestBytesMax: 1_000 } });
      const releases: (() => void)[] = [];
      peer.handle = () =>
        new Promise((resolve) => {
          releases.push(() => resolve({ records: [] }));
        });
      const bare = await connect(peer);
      bare.socket.send(requestsOf([read(), read(), read()]));
      assert.equal((await answered(bare, 1)).get(2), "busy");
      for (const release of releases.splice(0)) release();
      await answered(bare, 3);
      const large: Request = { type: "fetch", partition: 1, keys: ["k".repeat(999)] };
      bare.socket.send(requestsOf([large, read()]));
      assert.equal((await answered(bare, 4)).get(1), "busy");
      assert.equal(releases.length, 1);
    });
  });

  describe("is not hurt by a peer that", () => {
    it("sends text or garbage", async () => {
      const peer = await start();
      for (const piece of ["text", Buffer.from("garbage")]) {
        const { socket } = await connect(peer);
        socket.send(piece);
        await closed(socket);
      }
      assert.match(peer.warnings.join(), /has not the documented form/);
    });

    it("announces more than any message may have", async () => {
      const { port, warnings } = await start();
      const request = upgradeRequest(port, {}, REPLICATION_PATH);
      const [, stream] = (await once(request, "upgrade")) as [IncomingMessage, Socket];
      stream.on("error", () => undefined);
      // A binary message of 69 MiB, masked with zeros.
      const head = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x04, 0x50, 0, 0, 0, 0, 0, 0]);
      stream.write(head);
      stream.resume();
      await once(stream, "close");
      assert.match(warnings.join(), /Max payload size exceeded/);
    });

    it("asks for values and does not take them: it is asked to come back", async () => {
      const peer = await start({ limits: { answerBytesMax: 8 * 1024 * 1024 } });
      peer.handle = async () => recordsOf(512 * 1024);
      const bare = await connect(peer);
      bare.socket.pause();
      bare.socket.send(requestsOf(Array.from({ length: 80 }, read)));
      await waitFor("all were handled", async () => peer.received.length === 80, quick);
      bare.socket.resume();
      const codes = [...(await answered(bare, 80)).values()];
      const taken = codes.filter((code) => code === "ok").length;
      assert.ok(taken >= 15 && taken < 80, `${taken} values`);
      assert.equal(codes.filter((code) => code === "busy").length, 80 - taken);
    });

    it("does not take its answers: nothing more is read, until it does", async () => {
      const peer = await start();
      peer.handle = async () => recordsOf(1024 * 1024);
      const bare = await connect(peer);
      bare.socket.pause();
      bare.socket.send(requestsOf(Array.from({ length: 20 }, read)));
      await waitFor("they are handled", async () => peer.received.length === 20, quick);
      for (let index = 0; index < 10; index += 1) bare.socket.send(requestsOf([read()]));
      await waitFor("they are sent", async () => bare.socket.bufferedAmount === 0, quick);
      assert.ok(peer.received.length < 30);
      bare.socket.resume();
      await answered(bare, 30);
      assert.equal(peer.received.length, 30);
    });

    it("says nothing any more", async () => {
      const peer = await start({ limits: { silenceMs: 40 } });
      const { socket } = await connect(peer);
      await closed(socket);
    });

    it("goes away while its request is handled", async () => {
      const peer = await start();
      let release = (): void => undefined;
      peer.handle = () =>
        new Promise((resolve) => {
          release = () => resolve({ records: [] });
        });
      const { socket } = await connect(peer);
      socket.send(requestsOf([read()]));
      await waitFor("it is handled", async () => peer.received.length === 1, quick);
      socket.terminate();
      await closed(socket);
      release();
      const bare = await connect(peer);
      peer.handle = async () => ({ records: [] });
      bare.socket.send(requestsOf([read()]));
      await answered(bare, 1);
    });
  });

  describe("ends", () => {
    it("when what it handles is answered; what comes meanwhile is told to come back", async () => {
      const peer = await start();
      let release = (): void => undefined;
      peer.handle = () =>
        new Promise((resolve) => {
          release = () => resolve({ records: [] });
        });
      const bare = await connect(peer);
      const idle = await connect(peer);
      bare.socket.send(requestsOf([read()]));
      await waitFor("it is handled", async () => peer.received.length === 1, quick);
      const ended = peer.server.close(60_000);
      assert.equal(await closed(idle.socket), 1_001);
      assert.equal((await ask(peer.port)).status, 503);
      bare.socket.send(requestsOf([message(1), message(1)]));
      assert.equal((await answered(bare, 2)).get(1), "busy");
      release();
      assert.equal(await closed(bare.socket), 1_001);
      await ended;
      assert.deepEqual(bare.answers().at(-1), [0, "ok"]);
    });

    it("though messages come while it does", async () => {
      const peer = await start();
      const { socket } = await connect(peer);
      const ended = peer.server.close(60_000);
      socket.send(requestsOf([read(), read()]));
      assert.equal(await closed(socket), 1_001);
      await ended;
      assert.equal(peer.received.length, 0);
    });

    it("after its grace, whatever is left", async () => {
      const peer = await start();
      peer.handle = () => Promise.withResolvers<never>().promise;
      const { socket } = await connect(peer);
      socket.send(requestsOf([read()]));
      await waitFor("it is handled", async () => peer.received.length === 1, quick);
      await Promise.all([peer.server.close(20), closed(socket)]);
    });

    it("with its HTTP server, also if nobody else ends its connections", async () => {
      const peer = await start();
      const { socket } = await connect(peer);
      await Promise.all([peer.http.close(20), closed(socket)]);
    });
  });
});
