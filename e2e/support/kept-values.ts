/** Values stored before something happens to a ring, to be read again after it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { get, put, type Ring, type Value } from "./ring.ts";

export type KeptValues = ReadonlyMap<string, Value>;

/** Stores values of many lengths, through all nodes in turn. */
export async function storeValues(ring: Ring, count: number): Promise<KeptValues> {
  const nodes = await ring.nodes();
  const values = new Map<string, Value>();
  for (let i = 0; i < count; i += 1) {
    const value = { contentType: "application/x-e2e", bytes: randomBytes(1 + 37 * i) };
    const node = nodes[i % nodes.length];
    assert.ok(node);
    await put(node, `kept-${i}`, value);
    values.set(`kept-${i}`, value);
  }
  return values;
}

/** That each is there, byte for byte, through whatever node. */
export async function assertKept(ring: Ring, values: KeptValues): Promise<void> {
  const nodes = await ring.nodes();
  for (const [index, [key, value]] of [...values].entries()) {
    const node = nodes[index % nodes.length];
    assert.ok(node);
    const { status, headers, body } = await get(node, key);
    assert.equal(status, 200, `${key} through ${node.name}: ${body.toString()}`);
    assert.ok(body.equals(value.bytes), `bytes of ${key} through ${node.name}`);
    assert.equal(headers["content-type"], value.contentType);
  }
}
