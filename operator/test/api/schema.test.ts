/**
 * Goal: the published schema is complete: every field described and bounded where it can be, the
 * defaults those the operator counts on. Method: a walk over the generated definition.
 */
import assert from "node:assert/strict";
import { DEFAULTS, durationMs, sizeBytes } from "../../src/api/chordring.ts";
import { customResourceDefinition } from "../../src/api/crd.ts";
import { chordRingSchema } from "../../src/api/schema.ts";
import type { Schema } from "../../src/api/schema-type.ts";

function walk(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    walk(field, `${path}.${name}`, visit);
  }
  if (schema.items) walk(schema.items, `${path}[]`, visit);
  if (schema.additionalProperties) walk(schema.additionalProperties, `${path}{}`, visit);
}

describe("schema: complete, and one with the operator", () => {
  it("describes every field in a sentence", () => {
    walk(chordRingSchema, "", (schema, path) => {
      // Metadata belongs to the API server, which refuses a description there.
      if (path.startsWith(".metadata")) return;
      assert.match(schema.description ?? "", /\.$/, path);
    });
  });

  it("gives every map, list and rule bounds or a message", () => {
    walk(chordRingSchema, "", (schema, path) => {
      for (const { message } of schema["x-kubernetes-validations"] ?? []) {
        assert.ok(message.length > 20, path);
      }
      if (schema.type === "array") assert.ok(schema["x-kubernetes-list-type"], path);
    });
  });

  it("publishes the defaults the operator counts on", () => {
    const fields = chordRingSchema.properties?.["spec"]?.properties ?? {};
    for (const [name, value] of Object.entries(DEFAULTS)) {
      const field = fields[name];
      const published =
        name === "storage"
          ? Object.fromEntries(
              Object.entries(field?.properties ?? {})
                .filter(([, entry]) => entry.default !== undefined)
                .map(([key, entry]) => [key, entry.default]),
            )
          : field?.default;
      assert.deepEqual(published, value, name);
    }
  });

  it("allows an odd number of copies, and says why", () => {
    const copies = chordRingSchema.properties?.["spec"]?.properties?.["copies"];
    assert.ok(copies?.description);
    assert.deepEqual([copies.minimum, copies.maximum, copies.default], [1, 7, 3]);
    assert.match(copies.description, /3 copies survive the loss of 1 node/);
    const [rule] = copies["x-kubernetes-validations"] ?? [];
    assert.ok(rule);
    assert.equal(rule.rule, "self % 2 == 1");
    assert.match(rule.message, /^copies must be 1, 3, 5 or 7: .* choose/);
  });

  it("has the names, subresources and columns of the contract", () => {
    const text = JSON.stringify(customResourceDefinition());
    for (const part of [
      '"chordrings.chordring.dev"',
      '"shortNames":["ring"]',
      '"specReplicasPath":".spec.replicas"',
      '"labelSelectorPath":".status.selector"',
      '"name":"Desired"',
      '"name":"Ready"',
      '"name":"Converged"',
      '"name":"Keys"',
      '"name":"Age"',
    ]) {
      assert.ok(text.includes(part), part);
    }
  });

  it("reads sizes as the schema lets them in", () => {
    assert.deepEqual(["1Ki", "64Mi", "4Gi"].map(sizeBytes), [1_024, 67_108_864, 4_294_967_296]);
    assert.throws(() => sizeBytes("64MB"), /a whole number of Ki, Mi or Gi/);
  });

  it("reads durations as the schema lets them in", () => {
    assert.equal(durationMs("500ms"), 500);
    assert.equal(durationMs("2s"), 2_000);
    assert.throws(() => durationMs("1m"), /such as 500ms/);
  });
});
