/**
 * Goal: every answer of the client port is the documented one, also to malformed, endless and
 * half-sent requests. Method: one node that owns everything, fetch and bare sockets.
 */
import assert from "node:assert/strict";
import { type LocalNode, LocalRing } from "../../../hack/lib/local-ring.ts";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import {
  ask,
  errorCode,
  exchange,
  get,
  json,
  keyUrl,
  put,
  sendAndVanish,
} from "../support/clients.ts";

const LIMIT = 1_048_576;

describe("the client port answers as documented", function () {
  this.timeout(60_000);
  let ring: LocalRing;
  let node: LocalNode;

  before(async () => {
    ring = await LocalRing.start({ nodes: 1, stabilizeIntervalMs: 200 });
    await ring.converged();
    node = ring.node(0);
  });

  after(() => ring.stop());

  it("201 to a new value, 200 to a new version, with the version as ETag", async () => {
    const created = await put(node, "a", "1");
    const replaced = await put(node, "a", "2");
    assert.deepEqual([created.status, replaced.status], [201, 200]);
    assert.match(created.headers.get("etag") ?? "", /^"[^"]+"$/);
    assert.notEqual(created.headers.get("etag"), replaced.headers.get("etag"));
    assert.equal(replaced.headers.get("x-chord-owner"), node.name);
    assert.equal(replaced.headers.get("x-chord-hops"), "0");
  });

  it("values so that no browser runs them as a page of this origin", async () => {
    await put(node, "page", "<script>1</script>", { "content-type": "text/html" });
    const { headers } = await get(node, "page");
    assert.equal(headers.get("content-type"), "text/html");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("content-security-policy"), "sandbox");
    assert.equal(headers.get("access-control-allow-origin"), null);
  });

  it("application/octet-stream for a value without a type", async () => {
    await ask(keyUrl(node, "typeless"), { method: "PUT", body: new Uint8Array([1]) });
    const { headers } = await get(node, "typeless");
    assert.equal(headers.get("content-type"), "application/octet-stream");
  });

  const badKeys: Readonly<Record<string, string>> = {
    empty: "/v1/kv/",
    "with a slash": "/v1/kv/a/b",
    "too long": `/v1/kv/${"a".repeat(1_025)}`,
    "not percent-encoded": "/v1/kv/%zz",
    "not UTF-8": "/v1/kv/%ff",
    "with a query": "/v1/kv/a?b=c",
    "with a consistency that there is not": "/v1/kv/a?consistency=two",
    "empty in a lookup": "/v1/lookup/",
    "malformed in a lookup": "/v1/lookup/%",
  };
  for (const [name, path] of Object.entries(badKeys)) {
    it(`400 bad_key to a key that is ${name}`, async () => {
      const reply = await ask(`${node.api}${path}`);
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_key"]);
    });
  }

  it("a key of 1,024 bytes, of dots, and one that is a whole URL", async () => {
    for (const key of ["k".repeat(1_024), "http://a/b?c#d", "\u0000", "%2F", "+ +"]) {
      assert.equal((await put(node, key, key)).status, 201);
      assert.equal((await get(node, key)).bytes.toString(), key);
    }
    // fetch and browsers shorten paths with dots before they send them; others need not.
    const request = "PUT /v1/kv/.. HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    const pieces = [`${request}Content-Length: 0\r\n\r\n`];
    assert.match(await exchange({ port: node.apiPort, pieces }), /^HTTP\/1\.1 201 /);
  });

  const refused: readonly [string, Record<string, string>, number, string][] = [
    ["an If-Match that is no tag", { "if-match": "5" }, 400, "bad_precondition"],
    ["a malformed content type", { "content-type": "nonsense" }, 400, "bad_content_type"],
    ["a content coding", { "content-encoding": "gzip" }, 415, "unsupported_encoding"],
    ["a part of a value", { "content-range": "bytes 0-1/5" }, 400, "partial_put"],
    ["a version that is not there", { "if-match": '"x"' }, 412, "precondition_failed"],
    ["a creation of what exists", { "if-none-match": "*" }, 412, "precondition_failed"],
  ];
  for (const [name, headers, status, code] of refused) {
    it(`${status} ${code} to ${name}`, async () => {
      const before = await put(node, "kept", "kept");
      const reply = await put(node, "kept", "lost", headers);
      assert.deepEqual([reply.status, errorCode(reply)], [status, code]);
      const after = await get(node, "kept");
      assert.equal(after.bytes.toString(), "kept");
      assert.equal(after.headers.get("etag"), before.headers.get("etag"));
    });
  }

  it("404 not_found to a key without a value, also for DELETE", async () => {
    for (const method of ["GET", "DELETE"]) {
      const reply = await ask(keyUrl(node, "nothing"), { method });
      assert.deepEqual([reply.status, errorCode(reply)], [404, "not_found"]);
    }
    assert.equal((await ask(keyUrl(node, "nothing"), { method: "HEAD" })).status, 404);
  });

  it("404 with the routes to a path that is none", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v2/kv/a",
      "/admin/view",
      "/rpc",
      "/ui/../src/main.ts",
      "/ui/%",
      "/ui/%00",
      "/ui/%2e%2e/src/main.ts",
      "/ui/.hidden",
    ]) {
      const reply = await ask(`${node.api}${path}`);
      assert.deepEqual([reply.status, errorCode(reply)], [404, "no_such_route"], path);
      assert.match(reply.bytes.toString(), /\/v1\/kv\/\{key\}/);
    }
  });

  it("405 with Allow to a method that a route does not take", async () => {
    const routes: Readonly<Record<string, string>> = {
      "/v1/kv/a": "GET, HEAD, PUT, DELETE",
      "/v1/lookup/a": "GET, HEAD",
      "/v1/ring": "GET, HEAD",
      "/v1/ring/nodes": "GET, HEAD",
      "/metrics": "GET, HEAD",
      "/healthz": "GET, HEAD",
      "/readyz": "GET, HEAD",
      "/ui": "GET, HEAD",
    };
    for (const [path, allow] of Object.entries(routes)) {
      for (const method of ["POST", "PATCH", "OPTIONS"]) {
        const reply = await ask(`${node.api}${path}`, { method });
        assert.deepEqual([reply.status, errorCode(reply)], [405, "method_not_allowed"], path);
        assert.equal(reply.headers.get("allow"), allow);
      }
    }
  });

  it("400 to a lookup with another query", async () => {
    for (const query of ["mode=fast", "mode", "x=1"]) {
      const reply = await ask(`${node.api}/v1/lookup/a?${query}`);
      assert.deepEqual([reply.status, errorCode(reply)], [400, "bad_query"], query);
    }
  });

  it("413 to a value above the limit, and takes one of the limit", async () => {
    const reply = await put(node, "large", Buffer.alloc(LIMIT + 1));
    assert.deepEqual([reply.status, errorCode(reply)], [413, "too_large"]);
    assert.equal((await get(node, "large")).status, 404);
    assert.equal((await put(node, "large", Buffer.alloc(LIMIT))).status, 201);
  });

  it("413 at once to a client that waits for 100 Continue", async () => {
    const head = `PUT /v1/kv/large2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${LIMIT + 1}\r\n`;
    const answer = await exchange({
      port: node.apiPort,
      pieces: [`${head}Expect: 100-continue\r\n\r\n`],
      halfClose: true,
    });
    assert.match(answer, /^HTTP\/1\.1 413 /);
  });

  it("413 in the middle of a body without an end", async () => {
    const head = "PUT /v1/kv/endless HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const answer = await exchange({
      port: node.apiPort,
      pieces: [head, ...Array.from({ length: 18 }, () => chunk)],
    });
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.equal((await get(node, "endless")).status, 404);
  });

  it("nothing but 400 to a request that stops in the middle, and stores nothing", async () => {
    const head = "PUT /v1/kv/half HTTP/1.1\r\nHost: x\r\n";
    for (const rest of [
      "Content-Length: 100\r\n\r\nonly this",
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ]) {
      const answer = await exchange({
        port: node.apiPort,
        pieces: [head + rest],
        halfClose: true,
      });
      assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*incomplete_body/);
      await sendAndVanish(node.apiPort, head + rest);
    }
    // A request on a new connection comes after what the node did with those before.
    assert.equal((await get(node, "half")).status, 404);
  });

  it("400, 431 and nothing worse to what is no HTTP", async () => {
    const port = node.apiPort;
    const garbage = await exchange({ port, pieces: ["\u0000\u0001garbage\r\n\r\n"] });
    assert.match(garbage, /^HTTP\/1\.1 400 [\s\S]*bad_request/);
    const long = `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(20_000)}\r\n\r\n`;
    assert.match(
      await exchange({ port, pieces: [long] }),
      /^HTTP\/1\.1 431 [\s\S]*headers_too_large/,
    );
    const smuggled =
      "PUT /v1/kv/s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n" +
      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert.match(await exchange({ port, pieces: [smuggled] }), /^HTTP\/1\.1 400 /);
    assert.equal((await get(node, "s")).status, 404);
  });

  it("its own view, a ring of one", async () => {
    const view = json(await ask(`${node.api}/v1/ring`));
    assert.equal(view["state"], "member");
    assert.deepEqual(view["successors"], [view["self"]]);
    assert.deepEqual(view["predecessor"], view["self"]);
    const whole = json(await ask(`${node.api}/v1/ring/nodes`));
    assert.deepEqual([whole["ideal"], whole["problems"]], [true, []]);
  });

  it("the page, which may load nothing from elsewhere", async () => {
    const page = await ask(`${node.api}/ui`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    const redirect = await ask(`${node.api}/ui/`);
    assert.deepEqual([redirect.status, redirect.headers.get("location")], [308, "../ui"]);
  });
});

describe("a node that is in no ring", function () {
  this.timeout(60_000);
  let ring: LocalRing;

  before(async () => {
    // Its fellow founders never start.
    ring = await LocalRing.start({ nodes: 1, founders: ["node-0", "node-1", "node-2"] });
    await waitFor("the process", async () => (await ask(`${ring.node(0).api}/healthz`)).status, {
      timeoutMs: 20_000,
    });
  });

  after(() => ring.stop());

  it("lives, is not ready, and says what it waits for", async () => {
    const { api } = ring.node(0);
    const ready = await ask(`${api}/readyz`);
    assert.deepEqual([ready.status, errorCode(ready)], [503, "not_ready"]);
    assert.equal(json(await ask(`${api}/v1/ring`))["state"], "waiting");
  });

  it("answers 503 with Retry-After to every operation, never 404", async () => {
    const node = ring.node(0);
    const urls = { unavailable: keyUrl(node, "a"), not_in_ring: `${node.api}/v1/lookup/a` };
    for (const [code, url] of Object.entries(urls)) {
      const reply = await ask(url);
      assert.deepEqual([reply.status, errorCode(reply)], [503, code]);
      assert.equal(reply.headers.get("retry-after"), "1");
    }
    assert.equal((await put(node, "a", "1")).status, 503);
  });
});
