/**
 * Goal: a record comes out of its bytes as it went in, and bytes that are no record are refused
 * without reading beyond them. Method: arbitrary records there and back; each of their bytes
 * changed, cut off or added; arbitrary bytes.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Held, lengthOfValue } from "../../src/replication/record.ts";
import {
  decodeHead,
  decodeHeld,
  encodeHeld,
  EXPIRES_MS_MAX,
  headLength,
  heldLength,
  MalformedHeld,
  readExpiry,
  readStamp,
  readValueLength,
  readWholeLength,
  writeHead,
} from "../../src/storage/held-codec.ts";
import { anyHeld, expiringOf, heldOf, largeOf, tombstoneOf } from "../support/held-records.ts";

/** Whatever the bytes are: a record, or the one error. */
function decodeOrRefuse(bytes: Uint8Array): Held | null {
  try {
    return decodeHeld(bytes);
  } catch (error) {
    assert.ok(error instanceof MalformedHeld, String(error));
    return null;
  }
}

describe("a record comes out of its bytes as it went in", () => {
  it("whole, and by its stamp, the length of its value or its time alone", () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const bytes = encodeHeld(held);
        assert.equal(bytes.length, heldLength(held));
        assert.deepEqual(decodeHeld(bytes), held);
        assert.deepEqual(readStamp(bytes), held.stamp);
        assert.equal(readValueLength(bytes), held.state.content?.bytes.length ?? null);
        assert.equal(readExpiry(bytes), held.state.content?.expiresMs ?? null);
        const { content } = held.state;
        assert.equal(readWholeLength(bytes), content === null ? null : lengthOfValue(content));
      }),
    );
  });

  it("with its value kept apart", () => {
    fc.assert(
      fc.property(anyHeld, (held) => {
        const value = held.state.content?.bytes ?? Buffer.alloc(0);
        const head = Buffer.alloc(headLength(held));
        assert.equal(writeHead(held, head, 0), head.length);
        assert.deepEqual(decodeHead(head, value), held);
        assert.deepEqual(readStamp(head), held.stamp);
        assert.throws(() => decodeHead(head, Buffer.alloc(value.length + 1)), MalformedHeld);
      }),
    );
  });

  it("from bytes that are no Buffer, in the middle of others", () => {
    const encoded = encodeHeld(heldOf(7));
    const around = new Uint8Array(encoded.length + 10);
    around.set(encoded, 5);
    const bytes = around.subarray(5, 5 + encoded.length);
    assert.deepEqual(decodeHeld(bytes), heldOf(7));
  });

  it("without a copy of the value", () => {
    const bytes = encodeHeld(heldOf(1, "abc"));
    const value = decodeHeld(bytes).state.content?.bytes;
    bytes[bytes.length - 1] = "d".charCodeAt(0);
    assert.equal(value?.toString(), "abd");
  });

  it("also from the bytes of a program that knew no time of expiry", () => {
    const bytes = Buffer.from(
      "01010102ac020307312d322d333030010102696407312d322d3330300a746578742f706c61696e6f6c64",
      "hex",
    );
    const version = "1-2-300";
    const held = {
      stamp: { epoch: 1, ballot: 2, count: 300 },
      state: {
        version,
        content: { contentType: "text/plain", bytes: Buffer.from("old") },
        answered: [{ id: "id", outcome: "replaced" as const, version }],
      },
    };
    assert.deepEqual(decodeHeld(bytes), held);
    assert.deepEqual(encodeHeld(held), bytes, "what stays is written as before");
    assert.equal(readExpiry(bytes), null);
  });

  it("in few bytes", () => {
    assert.equal(encodeHeld(tombstoneOf(100)).length, 2 + 3 + 1 + "1-2-100".length + 1);
  });
});

describe("what has no binary form is refused when it is written", () => {
  const refused = (change: Partial<Held["state"]>, stamp: Partial<Held["stamp"]> = {}): void => {
    const held = heldOf(1);
    const changed = { stamp: { ...held.stamp, ...stamp }, state: { ...held.state, ...change } };
    assert.throws(() => encodeHeld(changed), RangeError);
  };

  it("a text that is too long or not Latin-1", () => {
    refused({ version: "x".repeat(256) });
    refused({ version: "\u0100" });
    refused({ content: { contentType: "text/\u{1F511}", bytes: Buffer.alloc(0) } });
  });

  it("a number that is negative, no integer or above 2^53", () => {
    refused({}, { epoch: -1 });
    refused({}, { ballot: 1.5 });
    refused({}, { count: 2 ** 53 });
    const expiresAt = (expiresMs: number): void =>
      refused({ content: { contentType: "", bytes: Buffer.alloc(0), expiresMs } });
    for (const expiresMs of [-1, 1.5, EXPIRES_MS_MAX + 1]) expiresAt(expiresMs);
  });

  it("a manifest that names no upload, has no chunks, or has bytes beside it", () => {
    const { content } = largeOf(1, 10).state;
    assert.ok(content?.manifest !== undefined);
    const { manifest } = content;
    for (const wrong of [{ upload: "0" }, { length: 0 }, { chunkBytes: 0 }, { fence: -1 }]) {
      refused({ content: { ...content, manifest: { ...manifest, ...wrong } } });
    }
    refused({ content: { ...content, bytes: Buffer.alloc(1) } });
    refused({ fence: -1 });
  });

  it("too many answered requests", () => {
    const request = { id: "", outcome: "created" as const, version: "" };
    refused({ answered: Array.from({ length: 256 }, () => request) });
  });
});

describe("bytes that are no record are refused", () => {
  it("with each byte changed, and at every length", () => {
    const held = heldOf(2 ** 40, "0123456789");
    const answered = [{ id: "id", outcome: "replaced" as const, version: "1-2-3" }];
    const bytes = encodeHeld({ ...held, state: { ...held.state, answered } });
    for (let index = 0; index < bytes.length; index += 1) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(bytes);
        changed[index] = value;
        decodeOrRefuse(changed);
      }
      assert.equal(decodeOrRefuse(bytes.subarray(0, index)), null);
    }
    assert.equal(decodeOrRefuse(Buffer.concat([bytes, Buffer.alloc(1)])), null);
  });

  it("of any kind; and what is a record is written as the same bytes", () => {
    const flags = fc.constantFrom(0, 1, 3, 5, 7, 8, 9, 11, 13, 15);
    const known = fc
      .tuple(flags, fc.constantFrom([], [0, 0, 0, 0]))
      .map(([flag, zeros]) => [1, flag, ...zeros]);
    const beginning = fc.oneof(fc.constantFrom([], [1]), known);
    const anyBytes = fc.tuple(beginning, fc.uint8Array({ maxLength: 64 }));
    fc.assert(
      fc.property(anyBytes, ([first, rest]) => {
        const bytes = Buffer.from([...first, ...rest]);
        const held = decodeOrRefuse(bytes);
        if (held !== null) assert.deepEqual(encodeHeld(held), bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it("with a time but no content, and with a time that no date can name", () => {
    assert.throws(() => decodeHeld(Buffer.from([1, 2, 0, 0, 0, 0, 0])), /unknown flags/);
    const never = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    const bytes = Buffer.from([1, 3, 0, 0, 0, 0, ...never, 0, 0, 0]);
    assert.throws(() => decodeHeld(bytes), /expires at no time/);
    assert.equal(readExpiry(encodeHeld(expiringOf(1, EXPIRES_MS_MAX))), EXPIRES_MS_MAX);
  });

  it("with a manifest or a fence that says nothing", () => {
    for (const flags of [4, 6, 12, 16, 17]) {
      assert.throws(() => decodeHeld(Buffer.from([1, flags, 0, 0, 0, 0, 0, 0])), /unknown flags/);
    }
    const fenced = { ...tombstoneOf(1), state: { ...tombstoneOf(1).state, fence: 7 } };
    const bytes = encodeHeld(fenced);
    bytes[bytes.indexOf(7)] = 0;
    assert.throws(() => decodeHeld(bytes), /a fence that says nothing/);
    const large = encodeHeld(largeOf(1, 10));
    large[large.length - 1] = "x".charCodeAt(0);
    assert.throws(() => decodeHeld(large), /it names no upload/);
  });

  it("with the format in the reason, if that is another", () => {
    const bytes = encodeHeld(heldOf(1));
    bytes[0] = 9;
    assert.throws(() => decodeHeld(bytes), /format 9, this program knows 1/);
  });

  it("with a length of the value that no memory could hold", () => {
    const length = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    const bytes = Buffer.from([1, 1, 0, 0, 0, ...length, 0, 0, 0]);
    assert.equal(readValueLength(bytes), Number.MAX_SAFE_INTEGER);
    assert.throws(() => decodeHeld(bytes), /cut short/);
  });
});
