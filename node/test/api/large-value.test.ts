/**
 * Goal: a large value is sent whole or the connection breaks, a body that is not wanted is not
 * waited for, and the bytes of bodies stay within their budget. Method: the handler of keys behind
 * a real socket, over a ring that answers as scripted.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { keyHandler } from "../../src/api/kv.ts";
import { silentLog } from "../../sim/silent-ports.ts";
import { BodyBudget } from "../../src/http/body.ts";
import { unavailable } from "../../src/http/errors.ts";
import { safely } from "../../src/http/handler.ts";
import type { KeyService } from "../../src/kv/key-service.ts";
import type { LargePut } from "../../src/large-values/index.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import type { Outcome, Routed } from "../../src/replication/index.ts";
import { ask, errorCode } from "../support/clients.ts";

const MIB = 1024 * 1024;
const upload = "0123456789abcdef".repeat(2);

function large(version: string): Outcome {
  const manifest = { upload, fence: 0, length: 3 * MIB, chunkBytes: MIB };
  const none = new Uint8Array();
  const value = { contentType: "text/plain", bytes: none, manifest, length: 3 * MIB };
  return { type: "value", version, ...value };
}

type Keys = Pick<KeyService, "execute" | "readOne" | "upload" | "download">;

describe("a large value between a client and the ring", () => {
  let server: Server;
  let url: string;
  let outcomes: Outcome[];
  let download: () => AsyncGenerator<Uint8Array, void>;
  let store: (put: LargePut, chunks: AsyncIterable<Uint8Array>) => Promise<Outcome>;
  let budget: BodyBudget;

  beforeEach(async () => {
    outcomes = [];
    budget = new BodyBudget(64 * MIB);
    const routed = (outcome: Outcome): Routed => ({ outcome, leader: "one", hops: 0 });
    const next = (): Promise<Routed> => Promise.resolve(routed(outcomes.shift() as Outcome));
    const keys: Keys = {
      execute: next,
      readOne: next,
      upload: async (put, chunks) => routed(await store(put, chunks)),
      download: () => download(),
    };
    const parts = { keys, hash: sha1Hash(), metrics: { request: () => undefined } };
    const handler = (...given: Parameters<ReturnType<typeof safely>>): void =>
      safely(keyHandler({ ...parts, budget }, { valueBytesMax: 8 * MIB }), silentLog)(...given);
    server = createServer(handler);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/kv/large`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const gone = async function* (pieces: number): AsyncGenerator<Uint8Array, void> {
    for (let piece = 0; piece < pieces; piece += 1) yield new Uint8Array(MIB);
    throw unavailable("value_replaced", "as scripted");
  };

  it("breaks off where it cannot go on, before the length that it was to have", async () => {
    outcomes = [large("1")];
    download = () => gone(2);
    await assert.rejects(ask(url));
  });

  it("is read again if it was replaced before the first byte", async () => {
    outcomes = [large("1"), large("2")];
    let attempts = 0;
    download = async function* () {
      attempts += 1;
      if (attempts === 1) yield* gone(0);
      for (let piece = 0; piece < 3; piece += 1) yield new Uint8Array(MIB);
    };
    const reply = await ask(url);
    assert.deepEqual([reply.status, reply.headers.get("etag")], [200, '"2"']);
    assert.equal(reply.bytes.length, 3 * MIB);
  });

  it("may be deleted meanwhile, or a small one", async () => {
    download = () => gone(0);
    outcomes = [large("1"), { type: "not-found" }];
    assert.equal((await ask(url)).status, 404);
    const bytes = Buffer.from("small");
    outcomes = [
      large("1"),
      { type: "value", version: "2", contentType: "text/plain", bytes, length: 5 },
    ];
    assert.equal((await ask(url)).bytes.toString(), "small");
  });

  it("is a 503 if its chunks stay away", async () => {
    download = () => gone(0);
    outcomes = [large("1"), large("1"), large("1")];
    const reply = await ask(url);
    assert.deepEqual([reply.status, errorCode(reply)], [503, "value_replaced"]);
    assert.equal(reply.headers.get("retry-after"), "1");
  });

  it("is refused before it is sent, with the version that is in the way", async () => {
    store = async () => ({ type: "precondition-failed", version: "7" });
    const sent = httpRequest(url, { method: "PUT", headers: { "content-length": 4 * MIB } });
    sent.on("error", () => undefined);
    // The rest never comes.
    sent.write(new Uint8Array(10));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    assert.equal(response.statusCode, 412);
    assert.equal(response.headers.etag, '"7"');
    assert.equal(response.headers["x-chord-owner"], "one");
    sent.destroy();
  });

  it("comes in pieces of one size, whatever the client sends", async () => {
    const lengths: number[] = [];
    store = async (_, chunks) => {
      for await (const chunk of chunks) lengths.push(chunk.length);
      return { type: "stored", version: "1", created: true };
    };
    const reply = await ask(url, { method: "PUT", body: new Uint8Array(2 * MIB + 5) });
    assert.equal(reply.status, 201);
    assert.deepEqual(lengths, [MIB, MIB, 5]);
  });

  it("has to wait where too many are under way, and gives back what it held", async () => {
    budget = new BodyBudget(6 * MIB);
    store = async (_, chunks) => {
      for await (const chunk of chunks) void chunk;
      return { type: "stored", version: "1", created: true };
    };
    download = async function* () {
      for (let piece = 0; piece < 3; piece += 1) yield new Uint8Array(MIB);
    };
    const refusal = budget.take(2 * MIB);
    assert.equal(refusal, undefined);
    const body = new Uint8Array(2 * MIB);
    const busy = await ask(url, { method: "PUT", body });
    assert.deepEqual([busy.status, errorCode(busy)], [503, "overloaded"]);
    budget.give(2 * MIB);
    for (let round = 0; round < 5; round += 1) {
      assert.equal((await ask(url, { method: "PUT", body })).status, 201);
      outcomes = [large("1")];
      assert.equal((await ask(url)).bytes.length, 3 * MIB);
    }
  });
});
