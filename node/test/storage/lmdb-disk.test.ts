/**
 * Goal: the file tells the truth about itself: what is damaged, cut, foreign or from a later
 * program is never taken for data nor for its absence, and neither a killed process nor a failing
 * volume takes what was acknowledged. Method: files changed byte by byte and with lmdb itself, and
 * processes that are killed or run against limits.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { crc32 } from "node:zlib";
import { open } from "lmdb";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import type { ReplicaStore } from "../../src/replication/store.ts";
import { CorruptRecord, DiskError } from "../../src/storage/disk-errors.ts";
import { FORMAT_KEY, recordKey } from "../../src/storage/disk-key.ts";
import { LmdbDisk } from "../../src/storage/lmdb-disk.ts";
import { type Database, knownFormats, settleFormat } from "../../src/storage/lmdb-format.ts";
import { nextTurn } from "../conformance/disk.ts";
import {
  ended,
  fillDisk,
  mustHaveRecovered,
  startChild,
  supportProgram,
} from "../support/disk-children.ts";
import { keyOf, valueOf, writtenPartitions } from "../support/disk-writer.ts";
import { FileOnVolume } from "../support/full-volume.ts";
import { heldOf, stateOf, tombstoneOf } from "../support/held-records.ts";

let directory: string;

/** Gives each test of a suite a directory of its own. */
function useDirectory(): void {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-disk-"));
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });
}

function filePath(): string {
  return join(directory, "data.lmdb");
}

/** A second look at the file, past all checks. */
async function withDatabase<T>(work: (database: Database) => T): Promise<T> {
  const database = open<Buffer, Buffer>({
    path: filePath(),
    encoding: "binary",
    keyEncoding: "binary",
    overlappingSync: false,
  });
  try {
    return work(database);
  } finally {
    await database.close();
  }
}

/** A disk with what the change made. */
async function written(change: (disk: LmdbDisk) => void): Promise<void> {
  const disk = new LmdbDisk(directory);
  change(disk);
  await disk.durable();
  await disk.close();
}

/** Changes one byte where this text lies in the file, wherever that is. */
function damage(text: string): void {
  const bytes = readFileSync(filePath());
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    found += 1;
  }
  assert.ok(found > 0, `${text} is not in the file`);
  writeFileSync(filePath(), bytes);
}

function mustRefuse(reason: RegExp): void {
  assert.throws(
    () => new LmdbDisk(directory),
    (error: Error) =>
      error instanceof DiskError &&
      error.message.includes(`cannot open ${filePath()}`) &&
      reason.test(error.message),
  );
}

function openedOrRefused(): LmdbDisk | null {
  try {
    return new LmdbDisk(directory);
  } catch (error) {
    assert.match(
      (error as Error).message,
      /cannot open .+: the file is damaged or no lmdb database/,
    );
    return null;
  }
}

describe("a damaged record is never taken for data nor for none", () => {
  useDirectory();

  const isCorrupt =
    (key: string | null) =>
    (error: Error): boolean => {
      assert.ok(error instanceof CorruptRecord);
      assert.deepEqual([error.partition, error.key], [7, key]);
      assert.match(error.message, /data\.lmdb is damaged: .+; check the volume's health and give/);
      return true;
    };

  const damaged = async (value: string | Buffer, text: string): Promise<LmdbDisk> => {
    await written((disk) => {
      disk.replica(7).keep("hurt", heldOf(1, value));
      disk.replica(7).keep("sound", heldOf(2));
    });
    damage(text);
    return new LmdbDisk(directory);
  };

  it("when its value has another byte", async () => {
    const disk = await damaged("a little value", "little");
    assert.throws(() => disk.replica(7).held("hurt"), isCorrupt("hurt"));
    assert.throws(() => disk.replica(7).entries(null, 10), isCorrupt("hurt"));
    assert.deepEqual(disk.replica(7).held("sound"), heldOf(2));
    await disk.close();
  });

  it("when a value that lies apart has another byte, at which no listing looks", async () => {
    const disk = await damaged(Buffer.concat([Buffer.alloc(9_000), Buffer.from("far")]), "far");
    assert.throws(() => disk.replica(7).held("hurt"), isCorrupt("hurt"));
    assert.equal(disk.replica(7).entries(null, 10).length, 2);
    await disk.close();
  });

  it("when its value is missing, or its head", async () => {
    await written((disk) => disk.replica(7).keep("hurt", heldOf(1, Buffer.alloc(5_000))));
    await withDatabase((database) => {
      const at = recordKey(7, 0, "hurt");
      at[2] = 3;
      assert.equal(database.removeSync(at), true);
      database.putSync(recordKey(7, 0, "headless"), Buffer.alloc(0));
    });
    const disk = new LmdbDisk(directory);
    assert.throws(() => disk.replica(7).held("hurt"), isCorrupt("hurt"));
    assert.throws(() => disk.replica(7).held("headless"), isCorrupt("headless"));
    await disk.close();
  });

  it("when it lies under another key", async () => {
    await written((disk) => disk.replica(7).keep("sound", heldOf(1)));
    await withDatabase((database) => {
      const sealed = database.get(recordKey(7, 0, "sound"));
      database.putSync(recordKey(7, 0, "other"), sealed ?? Buffer.alloc(0));
    });
    const disk = new LmdbDisk(directory);
    assert.throws(() => disk.replica(7).held("other"), isCorrupt("other"));
    await disk.close();
  });

  it("and can be replaced, counted right", async () => {
    const disk = await damaged("a little value", "little");
    assert.deepEqual(disk.replica(7).counts(), { keys: 2, bytes: 14 + 7 });
    disk.replica(7).keep("hurt", heldOf(3, "mended"));
    await disk.durable();
    assert.deepEqual(disk.replica(7).held("hurt"), heldOf(3, "mended"));
    assert.deepEqual(disk.replica(7).counts(), { keys: 2, bytes: 6 + 7 });
    await disk.close();
  });

  it("of a replica's state", async () => {
    await written((disk) => disk.replica(7).save(stateOf(1)));
    damage('"promised"');
    const disk = new LmdbDisk(directory);
    assert.throws(() => disk.replica(7).state, isCorrupt(null));
    await disk.close();
  });

  it("of the node", async () => {
    await written((disk) => {
      disk.saveRecord({ charter: null, roster: { generation: 1, copies: 3, pods: [] } });
    });
    damage('"roster"');
    const disk = new LmdbDisk(directory);
    assert.throws(
      () => disk.record,
      (error: Error) => error instanceof CorruptRecord && error.partition === null,
    );
    await disk.close();
  });
});

describe("a file that is no sound database is refused with the reason", () => {
  useDirectory();

  it("of another program", () => {
    writeFileSync(filePath(), Buffer.alloc(16_384, 7));
    mustRefuse(/the file is damaged or no lmdb database; check the volume/);
  });

  it("of another program that uses lmdb", async () => {
    await withDatabase((database) => database.putSync(Buffer.from("key"), Buffer.from("value")));
    mustRefuse(/an lmdb database of something else/);
  });

  it("cut at any length, unless it has all its records", async () => {
    await written((disk) => {
      for (let number = 0; number < 300; number += 1) {
        disk.replica(0).keep(`key ${number}`, heldOf(number));
      }
    });
    const long = heldOf(1, Buffer.alloc(50_000));
    await written((disk) => disk.replica(0).keep("long", long));
    // Two times more, and all pages behind the long value are free.
    await written((disk) => disk.replica(0).keep("key 0", heldOf(0)));
    await written((disk) => disk.replica(0).keep("key 0", heldOf(0)));
    const whole = readFileSync(filePath());
    let opened = 0;
    for (let length = whole.length; length > 0; length -= 4_096) {
      writeFileSync(filePath(), whole.subarray(0, length));
      const disk = openedOrRefused();
      if (disk === null) continue;
      opened += 1;
      for (let number = 0; number < 300; number += 1) {
        assert.deepEqual(disk.replica(0).held(`key ${number}`), heldOf(number));
      }
      assert.deepEqual(disk.replica(0).held("long"), long);
      await disk.close();
    }
    assert.ok(opened > 1 && opened < 10, `${opened} opened`);
  });

  it("but not one that lacks only pages at its end that are free", async () => {
    await written((disk) => disk.replica(0).keep("short", heldOf(1)));
    await written((disk) => disk.replica(0).keep("long", heldOf(1, Buffer.alloc(50_000))));
    await written((disk) => disk.replica(0).forget("long"));
    await written((disk) => disk.replica(0).keep("short", heldOf(2)));
    truncateSync(filePath(), statSync(filePath()).size - 4_096);
    const disk = new LmdbDisk(directory);
    assert.deepEqual(disk.replica(0).held("short"), heldOf(2));
    disk.replica(0).keep("long", heldOf(3, Buffer.alloc(90_000)));
    await disk.durable();
    await disk.close();
  });

  it("in a directory that cannot be made", () => {
    writeFileSync(join(directory, "file"), "");
    directory = join(directory, "file", "data");
    mustRefuse(/ENOTDIR|EEXIST/);
    directory = join(directory, "..", "..");
  });
});

describe("a file of another format", () => {
  useDirectory();

  const format = (database: Database): number => database.get(FORMAT_KEY)?.readUInt32BE(0) ?? -1;

  it("keeps its incarnation, which is another for each file", async () => {
    const first = new LmdbDisk(directory);
    await first.close();
    const again = new LmdbDisk(directory);
    assert.equal(again.incarnation, first.incarnation);
    await again.close();
    await rm(filePath());
    const other = new LmdbDisk(directory);
    assert.match(other.incarnation, /^[0-9a-f]{16}$/);
    assert.notEqual(other.incarnation, first.incarnation);
    await other.close();
  });

  it("is refused if it is later, with which program to run", async () => {
    await written(() => undefined);
    await withDatabase((database) => {
      // A later program may have changed all but the number.
      const later = Buffer.from([0, 0, 0, knownFormats.current + 1, 1, 2, 3]);
      database.putSync(FORMAT_KEY, later);
    });
    mustRefuse(/has format 4, this program knows 1 to 3: run the version of chordring that wrote/);
  });

  for (const older of [1, 2]) {
    it(`of format ${older} is read, and has its records`, async () => {
      await written((disk) => disk.replica(0).keep("a", heldOf(1)));
      await withDatabase((database) => {
        const record = Buffer.from(database.get(FORMAT_KEY) as Buffer);
        record.writeUInt32BE(older, 0);
        record.writeUInt32BE(crc32(record.subarray(8), crc32(record.subarray(0, 4))), 4);
        database.putSync(FORMAT_KEY, record);
      });
      const disk = new LmdbDisk(directory);
      assert.deepEqual(disk.replica(0).held("a"), heldOf(1));
      assert.deepEqual(disk.replica(0).expired(Number.MAX_SAFE_INTEGER, 10), []);
      await disk.close();
      await withDatabase((database) => assert.equal(format(database), knownFormats.current));
    });
  }

  it("is refused if its record is damaged", async () => {
    await written(() => undefined);
    const disk = new LmdbDisk(directory);
    await disk.close();
    damage(disk.incarnation);
    mustRefuse(/the record of the file's format is damaged/);
  });

  it("is brought from an older one step by step, each with its number", async () => {
    await written((disk) => disk.replica(0).keep("a", heldOf(1)));
    const seen: number[] = [];
    const step = (database: Database): void => {
      seen.push(format(database));
      database.putSync(Buffer.from([9, format(database)]), Buffer.from("new"));
    };
    const { current } = knownFormats;
    const steps = new Map([
      [current, step],
      [current + 1, step],
    ]);
    const known = { current: current + 2, steps };
    await withDatabase((database) => {
      const incarnation = settleFormat(database);
      assert.equal(settleFormat(database, known), incarnation);
      assert.deepEqual(seen, [current, current + 1]);
      assert.equal(format(database), current + 2);
      assert.ok(database.doesExist(Buffer.from([9, current + 1])));
      assert.equal(settleFormat(database, known), incarnation);
      assert.deepEqual(seen, [current, current + 1]);
    });
  });

  it("stays at the last step that succeeded, and is refused without one", async () => {
    await written(() => undefined);
    const { current } = knownFormats;
    const steps = new Map([
      [current, (database: Database) => database.putSync(Buffer.from([9]), Buffer.from("new"))],
      [current + 1, failingStep],
    ]);
    await withDatabase((database) => {
      const half = { current: current + 2, steps };
      assert.throws(() => settleFormat(database, half), /no such record/);
      assert.equal(format(database), current + 1);
      assert.equal(database.doesExist(Buffer.from([8])), false);
      const known = { current: 9, steps: new Map([[8, () => undefined]]) };
      assert.throws(
        () => settleFormat(database, known),
        /has format 4, this program knows 8 to 9: run an older version of chordring first/,
      );
    });
  });
});

function failingStep(database: Database): void {
  database.putSync(Buffer.from([8]), Buffer.from("half done"));
  throw new Error("no such record");
}

describe("cleared records leave the file", () => {
  useDirectory();

  const recordsInFile = (): Promise<number> =>
    withDatabase((database) => database.getCount({ start: Buffer.from([0, 3, 2]) }));

  const fill = (disk: LmdbDisk): void => {
    for (let number = 0; number < 1_800; number += 1) {
      const value = Buffer.alloc(number % 3 === 0 ? 2_000 : 10);
      disk.replica(3).keep(`key ${number}`, heldOf(number, value));
    }
  };

  it("bit by bit", async () => {
    await written(fill);
    assert.equal(await recordsInFile(), 1_800 + 600);
    const disk = new LmdbDisk(directory);
    disk.replica(3).clear();
    disk.replica(3).keep("key 1", heldOf(1));
    await waitFor("the records to be gone", async () => (await recordsInFile()) === 1, {
      timeoutMs: 5_000,
      intervalMs: 5,
    });
    assert.deepEqual(disk.replica(3).held("key 1"), heldOf(1));
    await disk.close();
  });

  it("also if the process ended before", async () => {
    await written(fill);
    await written((disk) => disk.replica(3).clear());
    assert.ok((await recordsInFile()) > 0);
    const disk = new LmdbDisk(directory);
    assert.deepEqual(disk.replica(3).counts(), { keys: 0, bytes: 0 });
    disk.replica(4).keep("any change", heldOf(1));
    await waitFor("the records to be gone", async () => (await recordsInFile()) === 1, {
      timeoutMs: 5_000,
      intervalMs: 5,
    });
    await disk.close();
  });
});

describe("a value that lay apart leaves the file", () => {
  useDirectory();

  const valuesInFile = (): Promise<number> =>
    withDatabase((database) => database.getCount({ start: Buffer.from([0, 3, 3]) }));

  const long = Buffer.alloc(5_000);

  it("when it is replaced by a shorter one, deleted or forgotten", async () => {
    const changes: readonly ((replica: ReplicaStore) => void)[] = [
      (replica) => replica.keep("a", heldOf(2, "short")),
      (replica) => replica.keep("a", tombstoneOf(2)),
      (replica) => replica.forget("a"),
    ];
    for (const change of changes) {
      await written((disk) => disk.replica(3).keep("a", heldOf(1, long)));
      assert.equal(await valuesInFile(), 1);
      await written((disk) => change(disk.replica(3)));
      assert.equal(await valuesInFile(), 0);
    }
  });

  it("also if it was replaced twice, whatever became durable of that", async () => {
    const volume = { full: false };
    const disk = new LmdbDisk(directory, new FileOnVolume(directory, volume));
    const replica = disk.replica(3);
    replica.keep("a", heldOf(1, long));
    await disk.durable();
    replica.keep("a", heldOf(2, "short"));
    replica.keep("a", heldOf(3, "shorter"));
    await disk.durable();
    assert.equal(await valuesInFile(), 0);
    replica.keep("a", heldOf(4, long));
    await disk.durable();
    replica.keep("a", heldOf(5, "short"));
    replica.keep("a", heldOf(6, long));
    await disk.durable();
    assert.deepEqual(replica.held("a"), heldOf(6, long));
    assert.equal(await valuesInFile(), 1);
    volume.full = true;
    replica.keep("a", heldOf(7, "short"));
    const failed = assert.rejects(disk.durable());
    await nextTurn();
    replica.keep("a", heldOf(8, "shorter"));
    volume.full = false;
    await failed;
    await disk.durable();
    assert.equal(await valuesInFile(), 0);
    await disk.close();
  });
});

describe("what a key cannot be is refused before anything is changed", () => {
  useDirectory();

  it("too long, half a surrogate pair, of no partition", async () => {
    const disk = new LmdbDisk(directory);
    assert.throws(() => disk.replica(0).keep("x".repeat(1_972), heldOf(1)), RangeError);
    assert.throws(() => disk.replica(0).keep("\ud83d", heldOf(1)), RangeError);
    assert.throws(() => disk.replica(65_536), RangeError);
    assert.throws(() => disk.replica(-1), RangeError);
    disk.replica(0).keep("x".repeat(1_971), heldOf(1));
    await disk.durable();
    assert.deepEqual(disk.replica(0).counts().keys, 1);
    await disk.close();
  });
});

describe("a killed process takes nothing that was durable", () => {
  useDirectory();

  it("and what it takes are the last changes, none between", async () => {
    let acknowledged = -1;
    for (let life = 0; life < 3; life += 1) {
      const child = startChild(supportProgram("disk-writer.ts", directory));
      const enough = acknowledged + 300 * (life + 1);
      for await (const line of createInterface(child.stdout)) {
        acknowledged = Math.max(acknowledged, Number(line));
        if (acknowledged >= enough) child.kill("SIGKILL");
      }
      await ended(child);
      const disk = new LmdbDisk(directory);
      const found = countWritten(disk);
      assert.ok(found > acknowledged, `${found} found, ${acknowledged} acknowledged`);
      await disk.close();
    }
  });
});

/** Checks that all records up to some number are there, and no other ones. */
function countWritten(disk: LmdbDisk): number {
  let number = 0;
  for (;;) {
    const held = disk.replica(number % writtenPartitions).held(keyOf(number));
    if (held === null) break;
    assert.deepEqual(held, heldOf(number, valueOf(number)));
    number += 1;
  }
  let keys = 0;
  for (let index = 0; index < writtenPartitions; index += 1) {
    keys += disk.replica(index).counts().keys;
  }
  assert.equal(keys, number);
  return number;
}

describe("a volume that is full takes nothing", function () {
  this.timeout(30_000);
  useDirectory();

  it("and when it is larger, what was not written is", async () => {
    // A limit on the size of files stands in for the end of a volume.
    const wrapper = ["bash", "-c", 'ulimit -S -f 1024; exec "$@"', "limited"];
    const events = await fillDisk(wrapper, { directory, valueLength: 50_000 }, (child) => {
      execFileSync("prlimit", ["--pid", `${child.pid}`, "--fsize=unlimited"]);
    });
    // A write of which only a part fits is an error of another name.
    mustHaveRecovered(events, /File too large|Input\/output error/);
    const disk = new LmdbDisk(directory);
    assert.equal(disk.replica(0).counts().keys, events.at(-1)?.recovered);
    await disk.close();
  });
});
