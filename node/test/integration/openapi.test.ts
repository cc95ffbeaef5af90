/**
 * Goal: docs/openapi.yaml says what the server does. Method: real answers of every route and kind
 * against the document: status, headers, form of the body; and the document's own examples.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { LocalRing } from "../../../hack/lib/local-ring.ts";
import { ask } from "../support/clients.ts";
import { violations } from "../support/schema.ts";

type Fields = Readonly<Record<string, unknown>>;

interface Content {
  readonly schema: Fields;
  readonly example?: unknown;
}

interface Answer {
  readonly headers?: Readonly<Record<string, Fields>>;
  readonly content?: Readonly<Record<string, Content>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Document extends Fields {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const methods = ["get", "head", "put", "post", "delete"] as const;
const path = join(import.meta.dirname, "..", "..", "..", "docs", "openapi.yaml");
const document = parse(readFileSync(path, "utf8")) as Document;

/** A documented thing, or what its `$ref` leads to. */
function resolve<T>(value: T): T {
  const reference = (value as Fields)["$ref"];
  if (typeof reference !== "string") return value;
  const steps = reference.split("/").slice(1);
  return steps.reduce<unknown>((at, step) => (at as Fields)[step], document) as T;
}

interface Case {
  readonly method: (typeof methods)[number];
  /** The documented path, and the one that is asked for. */
  readonly route: string;
  readonly url?: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

const kv = "/v1/kv/{key}";
const key = "/v1/kv/documented";
const large = "/v1/kv/large";
const lookup = "/v1/lookup/{key}";
const list = "/v1/kv";
const batch = "/v1/batch";
const asJson = { "content-type": "application/json" };

/** In this order: the first PUT creates what the others need. */
const cases: readonly Case[] = [
  { method: "get", route: kv, url: key, status: 404 },
  { method: "head", route: kv, url: key, status: 404 },
  { method: "delete", route: kv, url: key, status: 404 },
  { method: "put", route: kv, url: key, status: 201, body: "1" },
  { method: "put", route: kv, url: key, status: 200, body: "2" },
  { method: "put", route: kv, url: key, status: 412, headers: { "if-none-match": "*" } },
  { method: "put", route: kv, url: key, status: 400, headers: { "if-match": "x" } },
  { method: "put", route: kv, url: key, status: 413, body: new Uint8Array(2_097_153) },
  { method: "put", route: kv, url: key, status: 415, headers: { "content-encoding": "br" } },
  { method: "get", route: kv, url: key, status: 200 },
  { method: "put", route: kv, url: key, status: 400, headers: { "x-chord-ttl": "0" } },
  { method: "put", route: kv, url: key, status: 200, headers: { "x-chord-ttl": "3600" } },
  { method: "head", route: kv, url: key, status: 200 },
  { method: "get", route: kv, url: key, status: 304, headers: { "if-none-match": "*" } },
  { method: "head", route: kv, url: key, status: 304, headers: { "if-none-match": "*" } },
  { method: "get", route: kv, url: key, status: 412, headers: { "if-match": '"x"' } },
  { method: "head", route: kv, url: key, status: 412, headers: { "if-match": '"x"' } },
  { method: "delete", route: kv, url: key, status: 412, headers: { "if-match": '"x"' } },
  { method: "delete", route: kv, url: key, status: 204 },
  { method: "post", route: batch, status: 200, headers: asJson, body: '{"operations":[]}' },
  { method: "post", route: batch, status: 400, headers: asJson, body: "{}" },
  { method: "post", route: batch, status: 415, body: "{}" },
  {
    method: "post",
    route: batch,
    status: 413,
    headers: asJson,
    body: new Uint8Array(4 * 1024 * 1024 + 1),
  },
  {
    method: "post",
    route: batch,
    status: 200,
    headers: asJson,
    body: JSON.stringify({
      operations: [
        { method: "GET", key: "documented" },
        { method: "PUT", key: "batched", text: "1", ttl: 3_600 },
        { method: "GET", key: "batched" },
        { method: "PUT", key: "batched", base64: "/w==", ifMatch: '"x"' },
        { method: "DELETE", key: "batched" },
      ],
    }),
  },
  { method: "put", route: kv, url: large, status: 201, body: new Uint8Array(1_048_577) },
  { method: "get", route: kv, url: large, status: 200 },
  { method: "head", route: kv, url: large, status: 200 },
  { method: "get", route: kv, url: large, status: 206, headers: { range: "bytes=-9" } },
  { method: "get", route: kv, url: large, status: 416, headers: { range: "bytes=2000000-" } },
  {
    method: "post",
    route: batch,
    status: 200,
    headers: asJson,
    body: '{"operations":[{"method":"GET","key":"large"}]}',
  },
  { method: "get", route: list, url: "/v1/kv?limit=1", status: 200 },
  { method: "get", route: list, url: "/v1/kv?limit=0", status: 400 },
  { method: "get", route: kv, url: "/v1/kv/%", status: 400 },
  { method: "head", route: kv, url: "/v1/kv/%", status: 400 },
  { method: "delete", route: kv, url: "/v1/kv/%", status: 400 },
  { method: "get", route: lookup, url: "/v1/lookup/a", status: 200 },
  { method: "get", route: lookup, url: "/v1/lookup/a?mode=walk", status: 200 },
  { method: "get", route: lookup, url: "/v1/lookup/", status: 400 },
  { method: "get", route: "/v1/ring", status: 200 },
  { method: "get", route: "/v1/ring/nodes", status: 200 },
  { method: "get", route: "/v1/partitions", status: 200 },
  { method: "get", route: "/ui", status: 200 },
  { method: "get", route: "/metrics", status: 200 },
  { method: "get", route: "/healthz", status: 200 },
  { method: "get", route: "/readyz", status: 200 },
];

describe("the API's document says what the server does", function () {
  this.timeout(60_000);
  let ring: LocalRing;

  before(async () => {
    ring = await LocalRing.start({
      nodes: 3,
      successors: 2,
      stabilizeIntervalMs: 300,
      // Twice the default, so that there are values in chunks.
      environment: { CHORD_VALUE_BYTES_MAX: "2097152" },
    });
    await ring.converged();
  });

  after(() => ring.stop());

  for (const { method, route, url = route, status, headers = {}, body } of cases) {
    it(`${status} to ${method.toUpperCase()} ${url} ${JSON.stringify(headers)}`, async () => {
      const reply = await ask(`${ring.node(0).api}${url}`, {
        method: method.toUpperCase(),
        headers,
        body: body ?? null,
      });
      assert.equal(reply.status, status);
      const documented = document.paths[route]?.[method]?.responses[String(status)];
      assert.ok(documented, `${status} of ${method} ${route} is not documented`);
      const answer = resolve(documented);
      for (const [name, header] of Object.entries(answer.headers ?? {})) {
        // An ETag that is refused for is absent when there is nothing.
        const value = reply.headers.get(name);
        const { schema, required } = resolve(header) as { schema: Fields; required?: boolean };
        if (value === null && required === false) continue;
        assert.ok(value !== null, `the answer lacks ${name}`);
        const typed = schema["type"] === "integer" ? Number(value) : value;
        assert.deepEqual(violations(typed, schema, document), [], name);
      }
      if (method !== "head") checkBody(reply.headers.get("content-type"), reply.bytes, answer);
    });
  }

  it("and 431 to each operation with too long headers", async () => {
    for (const [route, operations] of Object.entries(document.paths)) {
      for (const method of methods.filter((name) => operations[name] !== undefined)) {
        const reply = await ask(`${ring.node(0).api}${route.replaceAll(/[{}]/g, "")}`, {
          method: method.toUpperCase(),
          headers: { "x-long": "x".repeat(20_000) },
        });
        assert.equal(reply.status, 431, `${method} ${route}`);
        const documented = operations[method]?.responses["431"];
        assert.ok(documented, `431 of ${method} ${route} is not documented`);
        if (method === "head") continue;
        checkBody(reply.headers.get("content-type"), reply.bytes, resolve(documented));
      }
    }
  });

  it("and nothing documented is left out of these cases but what needs a failure", () => {
    const covered = new Set(
      cases.map(({ method, route, status }) => `${method} ${route} ${status}`),
    );
    const left = Object.entries(document.paths).flatMap(([route, operations]) =>
      methods
        .flatMap((method) =>
          Object.keys(operations[method]?.responses ?? {}).map((status) => ({ method, status })),
        )
        .filter(({ method, status }) => !covered.has(`${method} ${route} ${status}`))
        .map(({ status }) => status),
    );
    assert.deepEqual(new Set(left), new Set(["431", "503", "504"]));
  });

  it("and its examples have the forms it documents", () => {
    const answers = Object.values(document.paths).flatMap((operations) =>
      methods.flatMap((method) => Object.values(operations[method]?.responses ?? {})),
    );
    for (const answer of answers.map(resolve)) {
      const content = answer.content?.["application/json"];
      if (content?.example === undefined) continue;
      assert.deepEqual(violations(content.example, content.schema, document), []);
    }
    const { schemas } = document["components"] as { schemas: Record<string, Fields> };
    for (const [name, schema] of Object.entries(schemas)) {
      if (schema["example"] === undefined) continue;
      assert.deepEqual(violations(schema["example"], schema, document), [], name);
    }
  });
});

function checkBody(type: string | null, bytes: Buffer, { content }: Answer): void {
  if (content === undefined) {
    assert.equal(bytes.length, 0, "the document knows no body");
    return;
  }
  const mediaType = type?.split(";")[0] ?? "";
  const documented = content[mediaType] ?? content["*/*"];
  assert.ok(documented, `${mediaType} is not documented`);
  if (mediaType !== "application/json") return;
  const value: unknown = JSON.parse(bytes.toString());
  assert.deepEqual(violations(value, documented.schema, document), []);
}
