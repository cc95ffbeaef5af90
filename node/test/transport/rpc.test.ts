/**
 * Goal: messages arrive, answers come back to the right caller, and each failure has the code that
 * says what it proves. Method: the real client against the real peer port with a scripted core.
 */
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Answer,
  ChordError,
  type Envelope,
  type ErrorCode,
  type NodeRef,
  type Request,
} from "../../src/chord/index.ts";
import { freePorts } from "../../../hack/lib/local-ring.ts";
import { PeerHttp } from "../../src/transport/peer-http.ts";
import { RpcClient } from "../../src/transport/rpc-client.ts";
import { keyOf } from "../support/keys.ts";
import { type ScriptedPeer, startPeer } from "../support/scripted-peer.ts";

const TOKEN = "the token of the test ring";
const TIMEOUT_MS = 2_000;

const nodeRef = (name: string): NodeRef => ({ name, id: keyOf(name).id, address: `${name}:1` });
const envelope: Envelope = { ring: "r", epoch: 1, from: nodeRef("client"), to: "server" };
const answerOf = (epoch: number): Answer => ({
  self: nodeRef("server"),
  epoch,
  reply: { state: "member", predecessor: null },
});
const next = (text: string): Request => ({
  type: "next",
  id: keyOf(text).id,
  mode: "finger",
  exclude: [],
});

describe("messages to a peer", () => {
  let peer: ScriptedPeer;
  let http: PeerHttp;
  let client: RpcClient;

  beforeEach(async () => {
    peer = await startPeer({ token: TOKEN, handle: () => answerOf(1) });
    http = new PeerHttp({ token: TOKEN, connections: 4, responseBytesMax: 64 * 1024 });
    client = new RpcClient(http);
  });

  afterEach(async () => {
    client.close();
    await http.close();
    await peer.close();
  });

  const call = (request: Request = { type: "ping" }, timeoutMs = TIMEOUT_MS): Promise<Answer> =>
    client.call({ address: peer.address, name: "server" }, envelope, request, timeoutMs);

  const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode> => {
    const error = await promise.then(
      () => assert.fail("it did not fail"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ChordError, String(error));
    return error.code;
  };

  it("bring the peer's answer", async () => {
    assert.deepEqual(await call(), answerOf(1));
    assert.deepEqual(peer.received, [{ envelope, request: { type: "ping" } }]);
  });

  it("of one event-loop turn travel as one request, each answer to its caller", async () => {
    peer.handle = (_envelope, request) => {
      if (request.type !== "next") return answerOf(0);
      return {
        ...answerOf(1),
        reply: { step: "owner", nodes: [{ ...nodeRef("owner"), id: request.id }] },
      };
    };
    const texts = Array.from({ length: 30 }, (_, index) => `key-${index}`);
    const answers = await Promise.all(texts.map((text) => call(next(text))));
    for (const [index, text] of texts.entries()) {
      const reply = answers[index]?.reply;
      assert.ok(reply !== undefined && "nodes" in reply);
      assert.equal(reply.nodes[0]?.id, keyOf(text).id);
    }
    assert.equal(peer.requests, 1);
  });

  it("beyond the size of a batch travel as several", async () => {
    await Promise.all(Array.from({ length: 200 }, () => call()));
    assert.equal(peer.requests, 4);
    assert.equal(peer.received.length, 200);
  });

  it("fail alone when the peer refuses one of a batch", async () => {
    peer.handle = (_envelope, request) => {
      if (request.type === "ping") return answerOf(1);
      throw new ChordError("wrong-epoch", "another epoch", { epoch: 7 });
    };
    const refused = call({ type: "notify" });
    const [answer] = await Promise.all([call(), codeOf(refused)]);
    assert.deepEqual(answer, answerOf(1));
    await assert.rejects(refused, (error) => error instanceof ChordError && error.epoch === 7);
    assert.equal(peer.requests, 1);
  });

  it("keep their own timeouts inside a batch", async () => {
    peer.hold();
    const patient = call({ type: "ping" }, 10_000);
    assert.equal(await codeOf(call({ type: "ping" }, 30)), "timeout");
    peer.release();
    assert.deepEqual(await patient, answerOf(1));
  });

  it("end the request when nobody waits for it any more", async () => {
    peer.hold();
    assert.equal(await codeOf(call({ type: "ping" }, 30)), "timeout");
    await peer.aborted();
    peer.release();
  });

  it("fail as internal, without a hint why, when the peer has a bug", async () => {
    peer.handle = () => {
      throw new TypeError("secret detail");
    };
    const error = await call().catch((reason: unknown) => reason);
    assert.ok(error instanceof ChordError);
    assert.equal(error.code, "internal");
    assert.ok(!error.message.includes("secret"));
  });

  it("fail as unreachable when nobody listens", async () => {
    const [port] = await freePorts([0]);
    const target = { address: `127.0.0.1:${port}`, name: null };
    assert.equal(
      await codeOf(client.call(target, envelope, { type: "ping" }, TIMEOUT_MS)),
      "unreachable",
    );
  });

  it("fail as unauthorized with a wrong token", async () => {
    const stranger = new PeerHttp({ token: "another", connections: 1, responseBytesMax: 1_024 });
    const target = { address: peer.address, name: null };
    const call = new RpcClient(stranger).call(target, envelope, { type: "ping" }, TIMEOUT_MS);
    assert.equal(await codeOf(call), "unauthorized");
    assert.equal(peer.received.length, 0);
    await stranger.close();
  });

  it("fail as bad-message when they have not the documented form", async () => {
    const malformed = { type: "next", id: "short", mode: "finger", exclude: [] };
    assert.equal(await codeOf(call(malformed as unknown as Request)), "bad-message");
    assert.equal(peer.received.length, 0);
  });

  it("are told to come back when too many wait", async () => {
    const small = new RpcClient(http, { pendingMax: 2 });
    const target = { address: peer.address, name: null };
    const calls = [1, 2, 3].map(() => small.call(target, envelope, { type: "ping" }, TIMEOUT_MS));
    assert.equal(await codeOf(calls[2] as Promise<Answer>), "busy");
    await Promise.all(calls.slice(0, 2));
  });
});

describe("a hostile answer to a message", () => {
  const hostile: Readonly<Record<string, RequestListener>> = {
    "that is no JSON": (_request, response) => response.end("<html>"),
    "of the wrong number": (_request, response) => response.end("[]"),
    "of the wrong form": (_request, response) =>
      response.end('[{"answer":{"self":{"name":"x"},"epoch":1,"reply":{}}}]'),
    "with an unknown error": (_request, response) =>
      response.end('[{"error":{"code":"__proto__","message":1}}]'),
    "that is endless": (_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        if (!response.destroyed) response.write(chunk, more);
      };
      more();
    },
    "that is cut off": (_request, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("[");
      response.socket?.destroySoon();
    },
  };
  const expected: Readonly<Record<string, readonly ErrorCode[]>> = {
    "that is endless": ["unreachable"],
    "that is cut off": ["unreachable"],
    "with an unknown error": ["internal"],
  };

  for (const [name, listener] of Object.entries(hostile)) {
    it(`${name} is an error with a code`, async () => {
      const server: Server = createServer(listener);
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
      const { port } = server.address() as AddressInfo;
      const http = new PeerHttp({ token: TOKEN, connections: 1, responseBytesMax: 256 * 1024 });
      const target = { address: `127.0.0.1:${port}`, name: null };
      const call = new RpcClient(http).call(target, envelope, { type: "ping" }, TIMEOUT_MS);
      const error = await call.then(
        () => assert.fail("it was taken for an answer"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ChordError, String(error));
      assert.ok((expected[name] ?? ["bad-message"]).includes(error.code), error.code);
      await http.close();
      server.closeAllConnections();
      server.close();
    });
  }
});
