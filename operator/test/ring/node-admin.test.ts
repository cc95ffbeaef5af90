/**
 * Goal: a node that cannot be read is named with its cause. Method: real servers that misbehave.
 */
import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpNodeAdmin, NodeUnreadable } from "../../src/ring/node-admin.ts";
import { dataReport, idealViews, rosterOf } from "../support/example-views.ts";

describe("node admin: views, or a cause in words", () => {
  const admin = new HttpNodeAdmin();
  let server: Server | undefined;

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  after(() => admin.close());

  async function serve(answer: RequestListener) {
    server = createServer(answer);
    await new Promise<void>((resolve) => {
      server?.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    return { name: "demo-0", address: `127.0.0.1:${port}`, token: "secret" };
  }

  it("reads a view with the ring's token", async () => {
    const [view] = idealViews(["demo-0"]);
    let authorization = "";
    const node = await serve((request, response) => {
      authorization = request.headers.authorization ?? "";
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ ...view, fingers: [], somethingNew: true }));
    });
    assert.deepEqual(await admin.view(node), view);
    assert.equal(authorization, "Bearer secret");
  });

  it("reads what a node says of its data, and refuses what is half of it", async () => {
    const [view] = idealViews(["demo-0"]);
    const data = dataReport({ roster: rosterOf(["demo-0"]), held: 3 });
    const answers = [
      { ...view, data: { ...data, incarnation: "a" } },
      { ...view, data: { ...data, partitions: undefined } },
      { ...view, data: { chartered: true, held: 3 } },
    ];
    const node = await serve((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answers.shift()));
    });
    assert.deepEqual((await admin.view(node)).data, data);
    assert.deepEqual((await admin.view(node)).data, { ...data, partitions: 256 });
    await assert.rejects(admin.view(node), NodeUnreadable);
  });

  it("hands a roster over, and takes a newer one for an answer", async () => {
    const received: unknown[] = [];
    const statuses = [200, 409, 400];
    const node = await serve((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        received.push([request.method, request.url, JSON.parse(body)]);
        response.writeHead(statuses.shift() ?? 500).end("{}");
      });
    });
    const roster = rosterOf(["demo-0", "demo-1"], 7);
    assert.equal(await admin.putRoster(node, roster), "done");
    assert.deepEqual(received, [["PUT", "/admin/roster", roster]]);
    assert.equal(await admin.putRoster(node, roster), "declined");
    await assert.rejects(admin.putRoster(node, roster), /demo-0: it answered 400/);
  });

  it("takes it for an answer that a node with data must not leave", async () => {
    const statuses = [409, 202];
    const node = await serve((_request, response) => {
      response.writeHead(statuses.shift() ?? 500).end('{"error":{"code":"holds_data"}}');
    });
    assert.equal(await admin.leave(node), "declined");
    assert.equal(await admin.leave(node), "done");
  });

  const causes: [string, RequestListener, RegExp][] = [
    ["refuses the token", (_q, r) => r.writeHead(401).end(), /demo-0: it refuses the ring's token/],
    ["fails", (_q, r) => r.writeHead(500).end(), /demo-0: it answered 500/],
    ["hangs up", (_q, r) => r.destroy(), /demo-0: the connection failed/],
    ["says nothing", () => undefined, /demo-0: it did not answer in time/],
    ["speaks another language", (_q, r) => r.end("{}"), /demo-0: /],
  ];
  for (const [what, answer, expected] of causes) {
    it(`says so when a node ${what}`, async () => {
      const node = await serve(answer);
      await assert.rejects(admin.view(node), (error: unknown) => {
        assert.ok(error instanceof NodeUnreadable);
        assert.match(error.message, expected);
        return true;
      });
    });
  }

  it("says so when nobody listens", async () => {
    const node = { name: "demo-0", address: "127.0.0.1:1", token: "secret" };
    await assert.rejects(admin.leave(node), /the connection failed \(ECONNREFUSED\)/);
  });
});
