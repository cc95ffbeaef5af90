/**
 * Goal: a write with an id is one operation however often it is sent, and an answer that changes is
 * seen. Method: small servers that say at each request what they are told to.
 */
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { Attempts } from "../../live/attempts.ts";
import { Client, type Target } from "../../live/client.ts";

/** What the server does with one request after the other. */
type Step = "drop" | { readonly status: number; readonly etag?: string };

const put = { kind: "put", key: "a", value: "w1+0" } as const;
const written = { status: 201, etag: '"1"' };

describe("the requests of one operation", () => {
  const client = new Client(5_000);
  let server: Server | undefined;
  let received: IncomingHttpHeaders[] = [];

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  after(() => client.close());

  async function serve(...steps: readonly Step[]): Promise<[Attempts, Target]> {
    received = [];
    server = createServer((request, response) => {
      const step = steps[received.length] ?? { status: 500 };
      received.push(request.headers);
      if (step === "drop") request.socket.destroy();
      else response.writeHead(step.status, step.etag ? { etag: step.etag } : {}).end();
    });
    await new Promise<void>((resolve) => {
      server?.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const { port } = server.address() as { port: number };
    const target = { name: "node-0", host: "127.0.0.1", port };
    return [new Attempts(client, () => [target]), target];
  }

  it("a write with an id is sent again, with the same id, until its outcome is known", async () => {
    const [attempts, target] = await serve("drop", { status: 504 }, written);
    const { outcome, etag } = await attempts.perform(target, { ...put, idempotencyKey: "id-1" });
    assert.deepEqual([outcome, etag], ["ok", '"1"']);
    const ids = received.map((headers) => headers["idempotency-key"]);
    assert.deepEqual(ids, ["id-1", "id-1", "id-1"]);
    assert.deepEqual(attempts.repetitions, { unknown: 2, acknowledged: 0 });
  });

  it("a refused repetition leaves the outcome open, be it by a condition", async () => {
    const failed = { status: 412, etag: '"7"' };
    const [attempts, target] = await serve({ status: 504 }, { status: 503 }, failed);
    const asked = { ...put, ifNoneMatch: "*", idempotencyKey: "id-1" } as const;
    const { outcome, detail } = await attempts.perform(target, asked);
    assert.equal(outcome, "unknown");
    assert.equal(detail, '504 no JSON, then 503 no JSON, then 412 "7"');
  });

  it("a write without an id is sent once", async () => {
    const [attempts, target] = await serve("drop", written);
    assert.equal((await attempts.perform(target, put)).outcome, "unknown");
    assert.equal(received.length, 1);
  });

  it("a node that cannot be connected to has seen nothing", async () => {
    const [attempts, target] = await serve();
    server?.close();
    assert.equal((await attempts.perform(target, put)).outcome, "refused");
  });

  it("an acknowledged write is sent once more, and must have the same answer", async () => {
    const asked = { ...put, idempotencyKey: "id-1" };
    const first = { outcome: "ok", ...written } as const;
    const [same, target] = await serve(written);
    assert.equal(await same.repeat(target, asked, first), undefined);
    server?.close();
    const [other, next] = await serve({ status: 200, etag: '"2"' });
    const wrong = await other.repeat(next, asked, first);
    assert.equal(wrong, 'put a id-1: 201 "1", and again 200 "2"');
  });
});
