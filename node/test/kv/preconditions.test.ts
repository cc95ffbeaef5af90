/** Goal: If-Match and If-None-Match mean what RFC 9110 says. Method: a table of cases. */
import assert from "node:assert/strict";
import { HttpError } from "../../src/http/errors.ts";
import { parsePreconditions } from "../../src/kv/preconditions.ts";
import { mayWrite } from "../../src/replication/operation.ts";

const cases: readonly {
  readonly match?: string;
  readonly noneMatch?: string;
  readonly allows: Readonly<Record<"absent" | "v1" | "v2", boolean>>;
}[] = [
  { match: "*", allows: { absent: false, v1: true, v2: true } },
  { match: '"v1"', allows: { absent: false, v1: true, v2: false } },
  { match: ' "v1" , "v2" ', allows: { absent: false, v1: true, v2: true } },
  { match: '"a,b", "v1"', allows: { absent: false, v1: true, v2: false } },
  { match: 'W/"v1"', allows: { absent: false, v1: false, v2: false } },
  { noneMatch: "*", allows: { absent: true, v1: false, v2: false } },
  { noneMatch: '"v1"', allows: { absent: true, v1: false, v2: true } },
  { noneMatch: 'W/"v1"', allows: { absent: true, v1: false, v2: true } },
  { match: '"v1"', noneMatch: '"v2"', allows: { absent: false, v1: true, v2: false } },
  { match: '"v1"', noneMatch: "*", allows: { absent: false, v1: false, v2: false } },
];

describe("preconditions mean what RFC 9110 says", () => {
  for (const { match, noneMatch, allows } of cases) {
    it(`If-Match: ${match ?? "-"}, If-None-Match: ${noneMatch ?? "-"}`, () => {
      const parsed = parsePreconditions({ "if-match": match, "if-none-match": noneMatch });
      assert.equal(mayWrite(parsed, null), allows.absent, "absent");
      assert.equal(mayWrite(parsed, "v1"), allows.v1, "v1");
      assert.equal(mayWrite(parsed, "v2"), allows.v2, "v2");
    });
  }

  it("none at all allows everything", () => {
    assert.ok(mayWrite(parsePreconditions({}), null));
    assert.ok(mayWrite(parsePreconditions({}), "v1"));
  });

  for (const header of [
    "v1",
    '"v1',
    '"v1",',
    '"v1" "v2"',
    "",
    '"a""b"',
    '"é"',
    Array(33).fill('"v"').join(),
  ]) {
    it(`refuses ${JSON.stringify(header.slice(0, 20))}`, () => {
      assert.throws(
        () => parsePreconditions({ "if-match": header }),
        (error: Error) => error instanceof HttpError && error.code === "bad_precondition",
      );
    });
  }
});
