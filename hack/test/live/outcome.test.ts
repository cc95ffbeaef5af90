/**
 * Goal: a write counts as undone only where the contract says that nothing happened, and as done
 * only where it was acknowledged. Method: every way in which an exchange can end, in a table.
 */
import assert from "node:assert/strict";
import type { OperationKind, Outcome } from "../../live/history.ts";
import { completionOf, type Exchange, outsideContract } from "../../live/outcome.ts";
import { bodyOf, newValue, valueOf } from "../../live/values.ts";

const error = (code: string): Buffer => Buffer.from(JSON.stringify({ error: { code } }));

function answer(status: number, body: Buffer = Buffer.alloc(0), etag?: string): Exchange {
  return { status, etag, owner: undefined, body };
}

const value = newValue(1, 10);

/** Kind, exchange, outcome, whether the contract knows it. */
const table: readonly (readonly [OperationKind, Exchange, Outcome, boolean])[] = [
  ["get", answer(200, bodyOf(value), '"1"'), "ok", true],
  ["get", answer(200, bodyOf(value)), "ok", false],
  ["get", answer(404, error("not_found")), "ok", true],
  ["get", answer(503, error("lookup_failed")), "refused", true],
  ["put", answer(200, Buffer.alloc(0), '"2"'), "ok", true],
  ["put", answer(201, Buffer.alloc(0), '"2"'), "ok", true],
  ["put", answer(201), "ok", false],
  ["put", answer(412, error("precondition_failed"), '"2"'), "ok", true],
  ["put", answer(412, error("precondition_failed")), "ok", true],
  ["put", answer(503, error("owner_unreachable")), "refused", true],
  ["put", answer(504, error("outcome_unknown")), "unknown", true],
  ["put", answer(404, error("not_found")), "unknown", false],
  ["put", answer(500, error("internal")), "unknown", false],
  ["put", answer(502), "unknown", false],
  ["delete", answer(204), "ok", true],
  ["delete", answer(404, error("not_found")), "ok", true],
  ["delete", answer(412, error("precondition_failed"), '"2"'), "ok", true],
  ["delete", answer(200), "unknown", false],
  ["put", { failure: "not sent", detail: "ECONNREFUSED" }, "refused", true],
  ["put", { failure: "lost", detail: "ECONNRESET" }, "unknown", true],
  ["delete", { failure: "timeout", detail: "" }, "unknown", true],
];

describe("what an exchange proves about an operation", () => {
  for (const [kind, exchange, outcome, known] of table) {
    const text = "failure" in exchange ? exchange.failure : `${exchange.status}`;
    it(`${kind}, ${text}: ${outcome}${known ? "" : ", outside the contract"}`, () => {
      const completion = completionOf(kind, exchange);
      assert.equal(completion.outcome, outcome);
      assert.equal(outsideContract(completion), !known);
    });
  }

  it("a get says which value it saw and in which version, a refusal its code", () => {
    const read = completionOf("get", answer(200, bodyOf(value), '"1"'));
    assert.deepEqual(read, { outcome: "ok", status: 200, etag: '"1"', value });
    const refused = completionOf("put", answer(503, error("owner_unreachable")));
    assert.equal(refused.detail, "owner_unreachable");
  });
});

describe("values prove themselves", () => {
  it("whole ones are recognized, of any length", () => {
    for (const bytes of [0, 1, 63, 40_000]) {
      assert.equal(valueOf(bodyOf(newValue(9, bytes))), newValue(9, bytes));
    }
  });

  it("any other body is a value that nobody wrote", () => {
    const whole = bodyOf(value);
    const bodies = [
      Buffer.alloc(0),
      whole.subarray(0, -1),
      Buffer.concat([whole, whole]),
      Buffer.concat([whole.subarray(0, -1), Buffer.from("y")]),
      Buffer.from("w1+99999999999\n"),
    ];
    for (const body of bodies) assert.match(valueOf(body), /^damaged [0-9a-f]{12} of \d+ bytes$/);
  });
});
