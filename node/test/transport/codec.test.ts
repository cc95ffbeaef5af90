/**
 * Goal: nothing that lacks the documented form reaches the core. Method: each field of each message
 * replaced by each kind of wrong value, and bounds exceeded.
 */
import assert from "node:assert/strict";
import type { Request } from "../../src/chord/index.ts";
import { MESSAGES_MAX, parseMessages, parseResult } from "../../src/transport/codec.ts";
import { keyOf } from "../support/keys.ts";

const id = keyOf("a").id;
const ref = { name: "a", id, address: "127.0.0.1:8081" };
const envelope = { ring: "r", epoch: 1, from: ref, to: "b" };
const requests: readonly Request[] = [
  { type: "ping" },
  { type: "state" },
  { type: "notify" },
  { type: "hello" },
  { type: "next", id, mode: "walk", exclude: ["b"] },
  { type: "hint", leaving: true, successors: [ref] },
  { type: "prepare", epoch: 2 },
  { type: "start", epoch: 2, members: [ref] },
];
const wrong: readonly unknown[] = [undefined, null, {}, [null], -1, 1.5, "", "x".repeat(9_999)];

/** Every copy of `value` in which one leaf or field is replaced by something wrong. */
function* mutants(value: unknown): Generator {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const bad of wrong) yield withField(value, key, bad);
    for (const mutant of mutants(inner)) yield withField(value, key, mutant);
  }
}

function withField(value: object, key: string, inner: unknown): unknown {
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
  Reflect.set(copy as object, key, inner);
  return copy;
}

/** What may be absent or null, or may well be an empty or a negative-looking text. */
function isHarmless(mutant: { envelope: typeof envelope }): boolean {
  return mutant.envelope?.to === null || mutant.envelope?.ring === "";
}

describe("a message without the documented form goes no further", () => {
  for (const request of requests) {
    it(`${request.type}: taken as it is, refused with any field wrong`, () => {
      const message = { envelope, request };
      assert.deepEqual(parseMessages([message]), [message]);
      for (const mutant of mutants(message)) {
        if (isHarmless(mutant as { envelope: typeof envelope })) continue;
        const text = JSON.stringify(mutant);
        assert.equal(parseMessages(JSON.parse(`[${text}]`)), undefined, text.slice(0, 300));
      }
    });
  }

  it("nor does a batch that is too long or no array", () => {
    const batch = (length: number): unknown =>
      Array.from({ length }, () => ({ envelope, request: { type: "ping" } }));
    assert.equal(parseMessages(batch(MESSAGES_MAX))?.length, MESSAGES_MAX);
    assert.equal(parseMessages(batch(MESSAGES_MAX + 1)), undefined);
    for (const value of [null, {}, "x", 1, [[]], [{ envelope }]]) {
      assert.equal(parseMessages(value), undefined);
    }
    for (const type of ["toString", "__proto__", "constructor", "PING"]) {
      assert.equal(parseMessages([{ envelope, request: { type } }]), undefined);
    }
  });

  it("nor does an answer to another kind of request", () => {
    const answer = { self: ref, epoch: 1, reply: { state: "member", predecessor: null } };
    assert.deepEqual(parseResult({ answer }, "ping"), answer);
    assert.throws(() => parseResult({ answer }, "state"));
    for (const mutant of mutants(answer)) {
      const copy: unknown = JSON.parse(JSON.stringify({ answer: mutant }));
      if (JSON.stringify(mutant) === JSON.stringify(answer)) continue;
      assert.throws(() => parseResult(copy, "ping"), JSON.stringify(copy));
    }
  });
});
