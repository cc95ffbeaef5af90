/**
 * Goal: what nodes say about data arrives as it was said, and bytes that nobody could have meant do
 * no harm. Method: any message of each kind there and back; then batches cut, changed and made up,
 * of which nothing but `bad-message` may come.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ReplicationError } from "../../src/replication/errors.ts";
import type { Reply, Request, RequestType } from "../../src/replication/messages.ts";
import type { Held } from "../../src/replication/record.ts";
import {
  BATCH_FRAMES_MAX,
  BatchReader,
  writeError,
  writeReply,
  writeRequest,
} from "../../src/transport/replication-codec.ts";
import {
  anyError,
  anyRequest,
  exchanges,
  requestOf,
  requestTypes,
} from "../support/replication-messages.ts";
import { batchOf } from "../support/replication-peers.ts";

/** Bytes as text, so that a view equals the bytes that it shows. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, comparable(one)]));
}

function readerAt(batch: Buffer): BatchReader {
  const reader = new BatchReader(batch);
  assert.ok(reader.next());
  return reader;
}

function readRequest(batch: Buffer): Request {
  const reader = readerAt(batch);
  const request = reader.request();
  assert.ok(!reader.next());
  return request;
}

/** Whether it was taken; anything but the documented error fails. */
function takes(step: () => unknown): boolean {
  try {
    step();
    return true;
  } catch (error) {
    assert.ok(error instanceof ReplicationError, String(error));
    assert.equal(error.code, "bad-message");
    return false;
  }
}

/** Reads a hostile batch as a server does, and as a client that waits for this kind of answer. */
function readAll(batch: Buffer, type: RequestType): void {
  takes(() => {
    const reader = new BatchReader(batch);
    while (reader.next()) takes(() => reader.request());
  });
  takes(() => {
    const reader = new BatchReader(batch);
    while (reader.next()) readAnswer(reader, type);
  });
}

function readAnswer(reader: BatchReader, type: RequestType): void {
  try {
    reader.reply(type);
  } catch (error) {
    // A refusal may have any code, and changed bytes may make one of another.
    assert.ok(error instanceof ReplicationError, String(error));
  }
}

describe("messages about data arrive as they were sent", () => {
  for (const type of requestTypes) {
    it(`${type}: any request and any answer`, () => {
      fc.assert(
        fc.property(requestOf(type), exchanges[type][1], (request, reply) => {
          const asked = batchOf((writer) => writeRequest(writer, 7, request));
          assert.deepEqual(comparable(readRequest(asked)), comparable(request));
          const answered = batchOf((writer) => writeReply(writer, { correlation: 7, type }, reply));
          assert.deepEqual(comparable(readerAt(answered).reply(type)), comparable(reply));
        }),
      );
    });
  }

  it("a refusal: any code, with the view, the ballot and the leader", () => {
    fc.assert(
      fc.property(anyError, (error) => {
        const batch = batchOf((writer) => writeError(writer, 7, error));
        try {
          readerAt(batch).reply("accept");
          assert.fail("it was taken for an answer");
        } catch (read) {
          assert.ok(read instanceof ReplicationError);
          const { code, message, view, promised, leader } = read;
          assert.deepEqual(
            { code, message, view, promised, leader },
            {
              code: error.code,
              message: error.message,
              view: error.view,
              promised: error.promised,
              leader: error.leader,
            },
          );
        }
      }),
    );
  });

  it("many in one batch, each with its correlation", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), anyRequest), { maxLength: 20 }), (messages) => {
        const batch = batchOf((writer) => {
          for (const [correlation, request] of messages) writeRequest(writer, correlation, request);
        });
        const reader = new BatchReader(batch);
        const read: unknown[] = [];
        while (reader.next()) read.push([reader.correlation, comparable(reader.request())]);
        assert.deepEqual(read, comparable(messages));
      }),
    );
  });

  const heldOf = (bytes: number): Held => ({
    stamp: { epoch: 1, ballot: 1, count: 1 },
    state: {
      version: "1-1-1",
      content: { contentType: "text/plain", bytes: Buffer.alloc(bytes, bytes % 251) },
      answered: [],
    },
  });

  it("large values among small ones, which are not copied into the batch", () => {
    const sizes = [40_000, 10, 0, 32_768, 32_767, 100_000];
    const records = sizes.map((size) => ({ key: `k${size}`, held: heldOf(size) }));
    const requests: readonly Request[] = [
      { type: "accept", partition: 1, key: "k", held: heldOf(50_000) },
      { type: "repair", partition: 1, epoch: 2, ballot: 3, records },
      { type: "yield", partition: 1, epoch: 2 },
      { type: "accept", partition: 1, key: "k", held: heldOf(60_000) },
    ];
    const unwritable = [...records, { key: "", held: heldOf(70_000) }];
    const batch = batchOf((writer) => {
      for (const [index, request] of requests.entries()) {
        writeRequest(writer, index, request);
        const lead = { partition: 1, epoch: 2, ballot: 3 };
        const wrong: Request = { type: "repair", ...lead, records: unwritable };
        assert.ok(!takes(() => writeRequest(writer, 9, wrong)));
      }
    });
    const reader = new BatchReader(batch);
    const read: unknown[] = [];
    while (reader.next()) read.push(comparable(reader.request()));
    assert.deepEqual(read, comparable(requests));
  });

  it("a value is a view of the batch, not a copy", () => {
    const request: Request = { type: "accept", partition: 1, key: "k", held: heldOf(100_000) };
    const batch = batchOf((writer) => writeRequest(writer, 1, request));
    const read = readRequest(batch);
    assert.ok(read.type === "accept");
    assert.equal(read.held.state.content?.bytes.buffer, batch.buffer);
  });

  it("that a peer was not reached is for this side to say, not for the peer", () => {
    for (const code of ["unreachable", "no-such-code"]) {
      const error = new ReplicationError(code as "unreachable", "why");
      const batch = batchOf((writer) => writeError(writer, 1, error));
      assert.throws(() => readerAt(batch).reply("accept"), { code: "internal", message: "why" });
    }
  });
});

describe("a message that cannot be written leaves its batch as it was", () => {
  const wrong: Readonly<Record<string, Request>> = {
    "no key": { type: "fetch", partition: 1, keys: [""] },
    "a key of 1,153 bytes": { type: "fetch", partition: 1, keys: ["é".repeat(576) + "a"] },
    "half a surrogate pair": { type: "fetch", partition: 1, keys: ["\ud800"] },
    "a partition below 0": { type: "promise", partition: -1, epoch: 1, ballot: 1 },
    "half an epoch": { type: "promise", partition: 1, epoch: 1.5, ballot: 1 },
    "too many keys": { type: "fetch", partition: 1, keys: Array<string>(65_537).fill("k") },
    "a value of 68 MiB": {
      type: "operate",
      timeoutMs: 1,
      operation: {
        type: "put",
        key: { id: "0".repeat(40), text: "k" } as never,
        preconditions: {},
        content: { contentType: "text/plain", bytes: Buffer.alloc(68 * 1024 * 1024) },
        requestId: null,
      },
    },
  };

  for (const [what, request] of Object.entries(wrong)) {
    it(what, () => {
      const good: Request = { type: "yield", partition: 1, epoch: 2 };
      const batch = batchOf((writer) => {
        writeRequest(writer, 1, good);
        assert.ok(!takes(() => writeRequest(writer, 2, request)));
        writeRequest(writer, 3, good);
      });
      const reader = readerAt(batch);
      assert.equal(reader.correlation, 1);
      assert.ok(reader.next());
      assert.equal(reader.correlation, 3);
      assert.ok(!reader.next());
    });
  }
});

describe("hostile bytes are a bad message and nothing else", () => {
  const valid = fc
    .array(fc.tuple(anyRequest, fc.nat({ max: 2 })), { minLength: 1, maxLength: 4 })
    .map((messages) =>
      batchOf((writer) => {
        for (const [index, [request]] of messages.entries()) writeRequest(writer, index, request);
      }),
    );
  const type = fc.constantFrom(...requestTypes);
  const answers = type.chain((kind) =>
    exchanges[kind][1].map((reply) => ({
      kind,
      batch: batchOf((writer) => writeReply(writer, { correlation: 1, type: kind }, reply)),
    })),
  );
  /** Several ways to change a batch, as making one takes longer than reading it. */
  const changes = fc.array(
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
    { minLength: 10, maxLength: 10 },
  );

  const changed = (batch: Buffer, at: readonly (readonly [number, number])[]): Buffer => {
    const copy = Buffer.from(batch);
    for (const [place, byte] of at) copy[place % copy.length] = byte;
    return copy;
  };

  it("bytes changed", () => {
    fc.assert(
      fc.property(valid, type, changes, (batch, kind, ways) => {
        for (const way of ways) readAll(changed(batch, way), kind);
      }),
    );
    fc.assert(
      fc.property(answers, changes, ({ batch, kind }, ways) => {
        for (const way of ways) readAll(changed(batch, way), kind);
      }),
      { numRuns: 300 },
    );
  });

  it("an answer taken for that to another message", () => {
    fc.assert(fc.property(answers, type, ({ batch }, kind) => readAll(batch, kind)));
  });

  it("cut anywhere: refused, unless where a frame ends", () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), (request, at) => {
        const batch = batchOf((writer) => writeRequest(writer, 1, request));
        const length = 1 + (at % (batch.length - 1));
        assert.ok(!takes(() => readRequest(batch.subarray(0, length))));
      }),
    );
  });

  it("a body cut or with bytes behind it, in a frame of the right length", () => {
    fc.assert(
      fc.property(anyRequest, fc.integer({ min: -9, max: 9 }), (request, by) => {
        const frame = batchOf((writer) => writeRequest(writer, 1, request));
        const length = Math.max(9, frame.length + by);
        const resized = Buffer.alloc(length, 0x80);
        frame.copy(resized);
        resized.writeUInt32BE(length - 4, 0);
        takes(() => readRequest(resized));
      }),
      { numRuns: 300 },
    );
  });

  it("bytes out of nowhere", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), type, (array, kind) => {
        readAll(Buffer.from(array), kind);
        // Behind a right head the random bytes get further.
        const framed = Buffer.alloc(9 + array.length);
        framed.writeUInt32BE(5 + array.length, 0);
        framed[8] = (array[0] ?? 0) % 20;
        framed.set(array, 9);
        readAll(framed, kind);
      }),
      { numRuns: 500 },
    );
  });

  it("a list that says it is long costs no memory", () => {
    const body = Buffer.alloc(8);
    body.writeUInt32BE(0xffff_ffff, 4);
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 13, 0, 0, 0, 1, 7]), body]);
    assert.ok(!takes(() => readRequest(frame)));
  });

  it("more frames than a batch may have", () => {
    const frame = batchOf((writer) =>
      writeRequest(writer, 1, { type: "yield", partition: 1, epoch: 2 }),
    );
    const reader = new BatchReader(Buffer.concat(Array(BATCH_FRAMES_MAX + 1).fill(frame)));
    for (let count = 0; count < BATCH_FRAMES_MAX; count += 1) assert.ok(reader.next());
    assert.ok(!takes(() => reader.next()));
  });

  it("names and views that are none, in JSON", () => {
    const jsons = ['{"from":"A"}', '{"from":"a","partition":0,"epoch":-1}', "[]", "null", "{", ""];
    for (const text of jsons) {
      const json = Buffer.from(text);
      const head = Buffer.alloc(13);
      head.writeUInt32BE(9 + json.length, 0);
      head[8] = 14;
      head.writeUInt32BE(json.length, 9);
      assert.ok(!takes(() => readRequest(Buffer.concat([head, json]))), text);
    }
  });
});

describe("an answer of another kind", () => {
  it("is refused where the forms differ", () => {
    const reply: Reply<"copy"> = { ready: true, keys: 1, bytes: 2 };
    const batch = batchOf((writer) => writeReply(writer, { correlation: 1, type: "copy" }, reply));
    for (const type of ["accept", "announce", "views", "list", "operate"] as const) {
      assert.ok(!takes(() => readerAt(batch).reply(type)), type);
    }
  });
});
