/** Goal: a query is understood whole or refused with what to change. */
import assert from "node:assert/strict";
import { HttpError } from "../../src/http/errors.ts";
import { parseQuery } from "../../src/http/query.ts";

const names = ["prefix", "limit"] as const;

describe("the query of a URL", () => {
  const understood: readonly [string, Partial<Record<(typeof names)[number], string>>][] = [
    ["/v1/kv", {}],
    ["/v1/kv?", {}],
    ["/v1/kv?prefix=a%2Fb&limit=3", { prefix: "a/b", limit: "3" }],
    ["/v1/kv?prefix=a+b=c?", { prefix: "a+b=c?" }],
    ["/v1/kv?prefix", { prefix: "" }],
  ];
  for (const [url, expected] of understood) {
    it(`${url} is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(parseQuery(url, names), expected);
    });
  }

  for (const url of ["/?other=1", "/?limit=1&limit=2", "/?prefix=%ff", "/?prefix=%", "/?Limit=1"]) {
    it(`${url} is refused`, () => {
      const isRefusal = (error: unknown): boolean =>
        error instanceof HttpError && error.status === 400 && error.code === "bad_query";
      assert.throws(() => parseQuery(url, names), isRefusal);
    });
  }
});
