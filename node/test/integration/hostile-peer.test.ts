/**
 * Goal: the peer port obeys nobody but the nodes of its ring. Method: messages with a wrong token,
 * of another ring, to another node, with forged identities, without form; the ring must not move.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { ask, errorCode, exchange, json, type Reply } from "../support/clients.ts";

interface Ref {
  readonly name: string;
  readonly id: string;
  readonly address: string;
}

const idOf = (text: string): string => createHash("sha1").update(text).digest("hex");
const stranger = (name: string): Ref => ({ name, id: idOf(name), address: "127.0.0.1:9" });

describe("the peer port obeys only its own ring", function () {
  this.timeout(60_000);
  let ring: LocalRing;
  let pointersBefore: unknown;

  before(async () => {
    ring = await LocalRing.start({ nodes: 3, successors: 2, stabilizeIntervalMs: 300 });
    await ring.converged();
  });

  after(() => ring.stop());

  const pointers = async (): Promise<unknown> => {
    const view = json(await ask(`${ring.node(0).api}/v1/ring`));
    return [view["epoch"], view["predecessor"], view["successors"], view["state"]];
  };

  beforeEach(async () => {
    pointersBefore = await pointers();
  });

  afterEach(async () => {
    assert.deepEqual(await pointers(), pointersBefore, "the node's pointers moved");
  });

  const post = (body: unknown, token = ring.token): Promise<Reply> =>
    ask(`${ring.node(0).peer}/rpc`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  const message = (
    changes: Readonly<Record<string, unknown>>,
    request: Readonly<Record<string, unknown>> = { type: "notify" },
  ): unknown => {
    const from = stranger("mallory");
    return { envelope: { ring: "local/ring", epoch: 1, from, to: "node-0", ...changes }, request };
  };

  const codes = async (...messages: unknown[]): Promise<unknown[]> => {
    const reply = await post(messages);
    assert.equal(reply.status, 200);
    const results = JSON.parse(reply.bytes.toString()) as { error?: { code: string } }[];
    return results.map(({ error }) => error?.code);
  };

  it("401 without the token, with a part of it, or with another, on every route", async () => {
    const tokens = ["", `Bearer ${ring.token.slice(0, -1)}`, `Bearer ${ring.token}x`, ring.token];
    for (const path of ["/rpc", "/kv/a", "/admin/view", "/admin/ring", "/admin/leave", "/none"]) {
      for (const authorization of tokens) {
        const reply = await ask(`${ring.node(0).peer}${path}`, {
          method: path === "/rpc" || path === "/admin/leave" ? "POST" : "GET",
          headers: authorization === "" ? {} : { authorization },
        });
        assert.deepEqual([reply.status, errorCode(reply)], [401, "unauthorized"], path);
      }
    }
  });

  it("refuses messages of another ring and to another node", async () => {
    assert.deepEqual(await codes(message({ ring: "local/other" }), message({ to: "node-1" })), [
      "wrong-ring",
      "wrong-node",
    ]);
  });

  it("refuses identities that are not the hash of their names", async () => {
    const forged = { ...stranger("mallory"), id: idOf("node-0").replace(/.$/, "0") };
    const list = { type: "hint", leaving: true, successors: [forged] };
    assert.deepEqual(await codes(message({ from: forged }), message({}, list)), [
      "forged",
      "forged",
    ]);
  });

  it("refuses members of a ring of another epoch", async () => {
    assert.deepEqual(await codes(message({ epoch: 77 })), ["wrong-epoch"]);
  });

  it("does not take a stranger that does not answer for its predecessor", async () => {
    await codes(message({}), message({ from: stranger("eve") }));
    await ring.converged();
  });

  it("400 to what has not the form, 413 to what is too much", async () => {
    const bodies = ["", "{", "null", "{}", "[1]", [message({ epoch: -1 })], [message({}, {})]];
    for (const body of bodies) {
      const reply = await post(body);
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad-message"]);
    }
    assert.equal((await post(Array.from({ length: 257 }, () => message({})))).status, 400);
    assert.equal((await post(" ".repeat(1_048_577))).status, 413);
  });

  it("400 to a roster that is none, and nothing changes", async () => {
    const headers = { authorization: `Bearer ${ring.token}` };
    const url = `${ring.node(0).peer}/admin/roster`;
    const pod = { name: "node-0", zone: null };
    const rosters = [
      "{",
      "null",
      "{}",
      JSON.stringify({ generation: 1, copies: 3, pods: [] }),
      JSON.stringify({ generation: -1, copies: 3, pods: [pod] }),
      JSON.stringify({ generation: 1, copies: 0, pods: [pod] }),
      JSON.stringify({ generation: 1, copies: 3, pods: [pod, pod] }),
      JSON.stringify({ generation: 1, copies: 3, pods: [{ name: "../x", zone: null }] }),
    ];
    for (const body of rosters) {
      const reply = await ask(url, { method: "PUT", headers, body });
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_roster"], body);
    }
    const view = json(await ask(`${ring.node(0).peer}/admin/view`, { headers }));
    const { roster } = view["data"] as { roster: { generation: number } };
    assert.equal(roster.generation, 0);
  });

  it("409 to a roster that is older than the one it has", async () => {
    const headers = { authorization: `Bearer ${ring.token}` };
    const pods = ring.nodes.map(({ name }) => ({ name, zone: null }));
    const send = async (generation: number): Promise<number> => {
      const body = JSON.stringify({ generation, copies: 3, pods });
      const url = `${ring.node(1).peer}/admin/roster`;
      return (await ask(url, { method: "PUT", headers, body })).status;
    };
    assert.deepEqual([await send(7), await send(7), await send(6)], [200, 200, 409]);
  });

  it("405 and 404 to what it does not know", async () => {
    const headers = { authorization: `Bearer ${ring.token}` };
    const leave = await ask(`${ring.node(0).peer}/admin/leave`, { headers });
    assert.deepEqual([leave.status, errorCode(leave)], [405, "method_not_allowed"]);
    const none = await ask(`${ring.node(0).peer}/admin`, { headers });
    assert.deepEqual([none.status, errorCode(none)], [404, "no_such_route"]);
  });

  it("shows the operator its view and the whole ring", async () => {
    const headers = { authorization: `Bearer ${ring.token}` };
    const view = json(await ask(`${ring.node(1).peer}/admin/view`, { headers }));
    const fields =
      "bytes data detail epoch fingers founded keys predecessor ring self split state successors";
    assert.equal(Object.keys(view).toSorted().join(" "), fields);
    const whole = json(await ask(`${ring.node(1).peer}/admin/ring`, { headers }));
    assert.equal(whole["ideal"], true);
    assert.equal((whole["nodes"] as unknown[]).length, 3);
  });

  it("closes a connection that is no HTTP", async () => {
    const { peerPort: port } = ring.node(0);
    assert.match(await exchange({ port, pieces: ["\u0000\r\n\r\n"] }), /^HTTP\/1\.1 400 /);
  });
});
