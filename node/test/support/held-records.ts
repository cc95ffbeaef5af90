/** Records to store, and arbitrary ones. */
import fc from "fast-check";
import type { Stamp } from "../../src/replication/ballot.ts";
import type { Held, KeyState, Manifest } from "../../src/replication/record.ts";
import type { ReplicaState } from "../../src/replication/store.ts";
import { EXPIRES_MS_MAX } from "../../src/storage/held-codec.ts";

export function stampOf(count: number): Stamp {
  return { epoch: 1, ballot: 2, count };
}

/** A record with content, the age of which is its count. */
export function heldOf(count: number, value: Uint8Array | string = `value ${count}`): Held {
  const content = { contentType: "text/plain", bytes: Buffer.from(value) };
  return { stamp: stampOf(count), state: { version: `1-2-${count}`, content, answered: [] } };
}

/** The same, with a time of expiry. */
export function expiringOf(count: number, expiresMs: number, value?: Uint8Array | string): Held {
  const { stamp, state } = heldOf(count, value);
  const content = { contentType: "text/plain", bytes: Buffer.alloc(0), ...state.content };
  return { stamp, state: { ...state, content: { ...content, expiresMs } } };
}

/** A value of this length in chunks. */
export function largeOf(count: number, length: number): Held {
  const { stamp, state } = heldOf(count);
  const manifest = { upload: "0123456789abcdef".repeat(2), fence: 0, length, chunkBytes: 4 };
  const content = { contentType: "text/plain", bytes: Buffer.alloc(0), manifest };
  return { stamp, state: { ...state, content } };
}

export function tombstoneOf(count: number): Held {
  return { stamp: stampOf(count), state: { version: `1-2-${count}`, content: null, answered: [] } };
}

export function stateOf(promised: number): ReplicaState {
  const members = [{ name: "chord-0", incarnation: "0123456789abcdef" }];
  const view = { epoch: 1, members };
  return { view, sealed: false, promised, changePromised: 0, changeAccepted: null };
}

const number = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
const text = fc.string({
  unit: fc.nat(255).map((code) => String.fromCharCode(code)),
  maxLength: 255,
});
const outcome = fc.constantFrom("created" as const, "replaced" as const, "deleted" as const);

/** As the program makes them, with the prototype of all objects. */
function plain<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const bytes = fc.uint8Array({ maxLength: 3_000 }).map((values) => Buffer.from(values));
const content = fc.oneof(
  plain({ contentType: text, bytes }),
  plain({
    contentType: text,
    bytes,
    expiresMs: fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat().map(toMoment)),
  }),
);
const manifest = plain<Manifest>({
  upload: fc.stringMatching(/^[0-9a-f]{32}$/),
  fence: number,
  length: fc.integer({ min: 1 }),
  chunkBytes: fc.integer({ min: 1 }),
});
const large = plain({ contentType: text, bytes: fc.constant(Buffer.alloc(0)), manifest });
const anyContent = fc.oneof(
  { weight: 3, arbitrary: content },
  { weight: 1, arbitrary: large },
  {
    weight: 1,
    arbitrary: fc.tuple(large, fc.nat()).map(([value, expiresMs]) => ({ ...value, expiresMs })),
  },
);
const answered = fc.array(plain({ id: text, outcome, version: text }), { maxLength: 10 });

function toMoment(count: number): number {
  return Math.min(count, EXPIRES_MS_MAX);
}

const unfenced = plain<KeyState>({ version: text, content: fc.option(anyContent), answered });
const fence = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1 }));

export const anyHeld: fc.Arbitrary<Held> = plain({
  stamp: plain({ epoch: number, ballot: number, count: number }),
  state: fc.oneof(
    unfenced,
    fc.tuple(unfenced, fence).map(([state, raised]) => ({ ...state, fence: raised })),
  ),
});
