/**
 * What every disk keeps, whatever is below it. Goal: what was changed is seen at once, what was
 * acknowledged survives a crash, and nothing is durable before what was changed earlier. Method:
 * the same tests over each disk, with a crash that takes what is not durable, and commits that fail
 * on command.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { waitFor } from "../../../hack/lib/wait-for.ts";
import { digestOf } from "../../src/replication/digest.ts";
import type { Entry } from "../../src/replication/record.ts";
import { RESERVED_PREFIX } from "../../src/replication/reserved-keys.ts";
import type { Disk, ReplicaStore } from "../../src/replication/store.ts";
import { heldOf, largeOf, stampOf, stateOf, tombstoneOf } from "../support/held-records.ts";
import { anySteps, DiskHistory } from "./disk-history.ts";

export interface ClosableDisk extends Disk {
  close(): Promise<void>;
}

export interface DiskFixture {
  readonly name: string;
  /** A disk; called again, after `close` or `crash`, it is the same one after a restart. */
  readonly open: () => ClosableDisk;
  /** Ends the process that has the disk: what is not durable now never will be. */
  readonly crash: () => void;
  /** While full, no commit succeeds. */
  readonly setFull: (full: boolean) => void;
  readonly clean: () => Promise<void>;
}

/** Long enough to lie apart from its record. */
const longValue = Buffer.alloc(5_000, "long");

/** The next turn of the event loop: a commit that waited for it is under way. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What is on the left is durable when what is on the right is not yet. */
async function firstOf(...names: readonly [string, Promise<unknown>][]): Promise<string> {
  return Promise.race(names.map(async ([name, done]) => done.then(() => name)));
}

function keysOf(replica: ReplicaStore): readonly string[] {
  return replica.entries(null, 1_000).map(({ key }) => key);
}

/** All entries, in pages. */
function pagedEntries(replica: ReplicaStore, limit: number): readonly Entry[] {
  const entries: Entry[] = [];
  for (let page = replica.entries(null, limit); page.length > 0; ) {
    entries.push(...page);
    assert.ok(page.length <= limit);
    page = replica.entries(entries.at(-1)?.key ?? null, limit);
  }
  return entries;
}

export function diskSuite(fixture: DiskFixture): void {
  let disk: ClosableDisk;

  const start = (): void => {
    disk = fixture.open();
  };

  const restart = async (): Promise<void> => {
    await disk.close();
    start();
  };

  const crash = (): void => {
    fixture.crash();
    start();
  };

  const end = async (): Promise<void> => {
    fixture.setFull(false);
    await disk.close();
    await fixture.clean();
  };

  describe(`a ${fixture.name} disk shows every change at once`, () => {
    beforeEach(start);
    afterEach(end);

    it("and has nothing when it is new", () => {
      assert.match(disk.incarnation, /^[0-9a-f]{16}$/);
      assert.deepEqual(disk.record, { charter: null, roster: null });
      const replica = disk.replica(3);
      assert.equal(replica.state, null);
      assert.equal(replica.held("a"), null);
      assert.deepEqual(replica.entries(null, 10), []);
      assert.deepEqual(replica.counts(), { keys: 0, bytes: 0 });
      assert.equal(disk.writable, true);
    });

    it("of a record, before, while and after it becomes durable", async () => {
      const replica = disk.replica(3);
      replica.keep("a", heldOf(1, "one"));
      const seen = (): void => {
        assert.deepEqual(replica.held("a"), heldOf(1, "one"));
        assert.deepEqual(replica.entries(null, 10), [{ key: "a", stamp: stampOf(1) }]);
        assert.deepEqual(replica.counts(), { keys: 1, bytes: 3 });
        assert.equal(disk.replica(4).held("a"), null);
      };
      seen();
      const durable = disk.durable();
      await nextTurn();
      seen();
      await durable;
      seen();
    });

    it("of a state and of the node's record", () => {
      const roster = { generation: 1, copies: 3, pods: [] };
      disk.replica(0).save(stateOf(5));
      disk.saveRecord({ charter: null, roster });
      assert.deepEqual(disk.replica(0).state, stateOf(5));
      assert.deepEqual(disk.record.roster, roster);
    });

    it("of a record that is replaced while the first one is under way", async () => {
      const replica = disk.replica(3);
      replica.keep("a", heldOf(1));
      const first = disk.durable();
      await nextTurn();
      replica.keep("a", heldOf(2));
      assert.deepEqual(replica.held("a"), heldOf(2));
      await first;
      assert.deepEqual(replica.held("a"), heldOf(2));
      await disk.durable();
      crash();
      assert.deepEqual(disk.replica(3).held("a"), heldOf(2));
    });

    it("of a record that was read before it changed", async () => {
      const replica = disk.replica(3);
      const short = Buffer.from("short");
      const values = [short, longValue, short, null, short, undefined, longValue, short, short];
      for (const [count, value] of values.entries()) {
        const held = value === null ? tombstoneOf(count) : heldOf(count, value);
        if (value === undefined) replica.forget("a");
        else replica.keep("a", held);
        await disk.durable();
        for (const read of [replica.held("a"), replica.held("a")]) {
          assert.deepEqual(read, value === undefined ? null : held);
        }
      }
    });

    it("of a record that is forgotten, durable or not", async () => {
      const replica = disk.replica(3);
      replica.keep("a", heldOf(1));
      replica.keep("b", heldOf(2));
      await disk.durable();
      replica.forget("a");
      replica.keep("c", heldOf(3));
      replica.forget("c");
      replica.forget("never there");
      assert.equal(replica.held("a"), null);
      assert.deepEqual(keysOf(replica), ["b"]);
      await restart();
      assert.deepEqual(keysOf(disk.replica(3)), ["b"]);
    });
  });

  describe(`a ${fixture.name} disk keeps what was durable`, () => {
    beforeEach(start);
    afterEach(end);

    it("as it was: content, tombstones, answered requests, values of any length", async () => {
      const answered = [{ id: "request", outcome: "created" as const, version: "1-2-0" }];
      const { stamp, state } = heldOf(1, "");
      const records = {
        answered: { stamp, state: { ...state, answered } },
        deleted: tombstoneOf(2),
        empty: heldOf(3, ""),
        long: heldOf(4, longValue),
        binary: heldOf(5, Buffer.from([0, 255, 10, 13, 0])),
      };
      for (const [key, held] of Object.entries(records)) disk.replica(3).keep(key, held);
      await disk.durable();
      crash();
      for (const [key, held] of Object.entries(records)) {
        assert.deepEqual(disk.replica(3).held(key), held);
      }
    });

    it("of replicas, the node and itself", async () => {
      const { incarnation } = disk;
      const roster = { generation: 7, copies: 3, pods: [] };
      disk.saveRecord({ charter: null, roster });
      disk.replica(0).save(stateOf(1));
      disk.replica(65_535).save(stateOf(2));
      await disk.durable();
      crash();
      assert.equal(disk.incarnation, incarnation);
      assert.deepEqual(disk.record, { charter: null, roster });
      assert.deepEqual(disk.replica(0).state, stateOf(1));
      assert.deepEqual(disk.replica(65_535).state, stateOf(2));
      assert.equal(disk.replica(1).state, null);
    });

    it("and nothing that was not", async () => {
      disk.replica(3).keep("a", heldOf(1));
      await disk.durable();
      disk.replica(3).keep("b", heldOf(2));
      disk.replica(3).forget("a");
      disk.replica(3).save(stateOf(1));
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["a"]);
      assert.equal(disk.replica(3).state, null);
    });

    it("and what waits when it is closed", async () => {
      disk.replica(3).keep("a", heldOf(1));
      await restart();
      assert.deepEqual(keysOf(disk.replica(3)), ["a"]);
    });

    it("but takes no change after that", async () => {
      const replica = disk.replica(3);
      await disk.close();
      assert.throws(() => replica.keep("a", heldOf(1)), /closed/);
      assert.throws(() => replica.save(stateOf(1)), /closed/);
      await disk.durable();
      start();
    });

    it("and after a crash a state that it had since, whatever was done", async () => {
      const bench = { disk: () => disk, crash, setFull: fixture.setFull, nextTurn };
      const property = fc.asyncProperty(anySteps, async (steps) => {
        await end();
        start();
        await new DiskHistory(bench).run(steps);
      });
      await fc.assert(property, { numRuns: 50 });
    });
  });

  describe(`a ${fixture.name} disk commits in groups`, () => {
    beforeEach(start);
    afterEach(end);

    it("with one promise for all who wait for the same one", async () => {
      disk.replica(1).keep("a", heldOf(1));
      const first = disk.durable();
      disk.replica(2).keep("b", heldOf(2));
      assert.equal(disk.durable(), first);
      await nextTurn();
      assert.equal(disk.durable(), first);
      disk.replica(1).keep("c", heldOf(3));
      const second = disk.durable();
      assert.notEqual(second, first);
      assert.equal(await firstOf(["second", second], ["first", first]), "first");
      await second;
    });

    it("and makes nobody wait when there is nothing to commit", async () => {
      assert.equal(await firstOf(["durable", disk.durable()], ["turn", nextTurn()]), "durable");
      disk.replica(1).keep("a", heldOf(1));
      await disk.durable();
      assert.equal(await firstOf(["durable", disk.durable()], ["turn", nextTurn()]), "durable");
    });

    it("of which each has all changes made before it began", async () => {
      const replica = disk.replica(1);
      for (let count = 1; count <= 20; count += 1) {
        replica.keep(`key ${count}`, heldOf(count));
        if (count % 3 === 0) await nextTurn();
        if (count % 7 === 0) await disk.durable();
      }
      await disk.durable();
      crash();
      assert.equal(disk.replica(1).counts().keys, 20);
    });
  });

  describe(`a ${fixture.name} disk that is full`, () => {
    beforeEach(start);
    afterEach(end);

    it("says so to who waits, and shows what it could not write", async () => {
      fixture.setFull(true);
      disk.replica(3).keep("a", heldOf(1));
      await assert.rejects(disk.durable(), /cannot write to .+: .+; /);
      assert.equal(disk.writable, false);
      assert.deepEqual(disk.replica(3).held("a"), heldOf(1));
      assert.deepEqual(disk.replica(3).counts().keys, 1);
      crash();
      assert.equal(disk.replica(3).held("a"), null);
      assert.equal(disk.writable, true);
    });

    it("writes what it could not write with the next change", async () => {
      const replica = disk.replica(3);
      fixture.setFull(true);
      replica.keep("a", heldOf(1));
      replica.keep("b", heldOf(2));
      replica.save(stateOf(1));
      disk.saveRecord({ charter: null, roster: { generation: 1, copies: 3, pods: [] } });
      await assert.rejects(disk.durable());
      replica.keep("c", heldOf(3));
      await assert.rejects(disk.durable());
      fixture.setFull(false);
      replica.keep("b", heldOf(4));
      await disk.durable();
      assert.equal(disk.writable, true);
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["a", "b", "c"]);
      assert.deepEqual(disk.replica(3).held("b"), heldOf(4));
      assert.deepEqual(disk.replica(3).state, stateOf(1));
      assert.equal(disk.record.roster?.generation, 1);
    });

    it("fails the group under way and then tries it with the one behind it", async () => {
      const replica = disk.replica(3);
      fixture.setFull(true);
      replica.keep("a", heldOf(1));
      replica.keep("b", heldOf(1));
      const first = assert.rejects(disk.durable());
      await nextTurn();
      replica.keep("a", heldOf(2));
      const second = disk.durable();
      fixture.setFull(false);
      await first;
      await second;
      crash();
      assert.deepEqual(disk.replica(3).held("a"), heldOf(2));
      assert.deepEqual(disk.replica(3).held("b"), heldOf(1));
    });

    it("tries again by itself, and nobody has to listen", async () => {
      const unheard: unknown[] = [];
      const listen = (reason: unknown): void => void unheard.push(reason);
      process.on("unhandledRejection", listen);
      fixture.setFull(true);
      disk.replica(3).keep("a", heldOf(1));
      void disk.durable();
      await waitFor("the commit to fail", async () => !disk.writable, {
        timeoutMs: 3_000,
        intervalMs: 5,
      });
      process.off("unhandledRejection", listen);
      assert.deepEqual(unheard, []);
      const retried = disk.durable();
      fixture.setFull(false);
      await waitFor("the disk to be written", async () => disk.writable, {
        timeoutMs: 3_000,
        intervalMs: 20,
      });
      await retried;
      crash();
      assert.deepEqual(disk.replica(3).held("a"), heldOf(1));
    });

    it("is closed all the same, and says what it could not keep", async () => {
      fixture.setFull(true);
      disk.replica(3).keep("a", heldOf(1));
      const waiting = assert.rejects(disk.durable());
      await disk.close();
      await waiting;
      await assert.rejects(disk.durable());
      start();
      assert.equal(disk.replica(3).held("a"), null);
    });
  });

  describe(`a ${fixture.name} disk lists keys in the order of their UTF-8 bytes`, () => {
    const long = "x".repeat(1_023);
    const keys = [
      ..."\u0000 a ab b é Ω \uD7FF \uE000 \uFFFD \u{1F511} \u{10FFFF}".split(" "),
      "\uFFFDa",
      "\u{1F511}\uFFFD",
      "\u{1F511}\u{1F512}",
      `${long}a`,
      `${long}b`,
      "\u{1F511}".repeat(256),
    ];
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

    beforeEach(start);
    afterEach(end);

    const listed = (): void => {
      const replica = disk.replica(3);
      for (const limit of [1, 2, 5, keys.length, 100]) {
        const found = pagedEntries(replica, limit).map(({ key }) => key);
        assert.deepEqual(found, sorted);
      }
      assert.deepEqual(replica.entries(null, 0), []);
    };

    it("when none is durable, when all are, and when some are", async () => {
      disk.replica(2).keep("before", heldOf(1));
      disk.replica(4).keep("behind", heldOf(1));
      for (const key of keys) disk.replica(3).keep(key, heldOf(1));
      listed();
      await disk.durable();
      listed();
      for (const key of keys.filter((_, index) => index % 2 === 0)) disk.replica(3).forget(key);
      await disk.durable();
      for (const key of keys) disk.replica(3).keep(key, tombstoneOf(2));
      listed();
      await nextTurn();
      listed();
      await restart();
      listed();
    });

    it("with the stamp that is seen, and without what was forgotten", async () => {
      const replica = disk.replica(3);
      for (const key of ["a", "b", "c", "d"]) replica.keep(key, heldOf(1));
      await disk.durable();
      replica.keep("b", heldOf(2));
      replica.forget("c");
      replica.keep("e", heldOf(3));
      const entries = [
        { key: "a", stamp: stampOf(1) },
        { key: "b", stamp: stampOf(2) },
        { key: "d", stamp: stampOf(1) },
        { key: "e", stamp: stampOf(3) },
      ];
      assert.deepEqual(replica.entries(null, 10), entries);
      assert.deepEqual(replica.entries("a", 2), entries.slice(1, 3));
      assert.deepEqual(replica.entries("c", 1), entries.slice(2, 3));
      assert.deepEqual(replica.entries("aa", 10), entries.slice(1));
      assert.deepEqual(replica.entries("e", 10), []);
    });

    it("with the length of a value that is seen, however long, and none without one", async () => {
      const lengths = (): unknown[] =>
        ["short", "long", "empty", "deleted", "never"].map((key) => disk.replica(3).lengthOf(key));
      const replica = disk.replica(3);
      replica.keep("short", heldOf(1, Buffer.alloc(9)));
      replica.keep("long", heldOf(1, Buffer.alloc(100_000)));
      replica.keep("empty", heldOf(1, Buffer.alloc(0)));
      replica.keep("deleted", heldOf(1));
      await disk.durable();
      replica.keep("deleted", tombstoneOf(2));
      assert.deepEqual(lengths(), [9, 100_000, 0, null, null]);
      await disk.durable();
      await restart();
      assert.deepEqual(lengths(), [9, 100_000, 0, null, null]);
    });
  });

  describe(`a ${fixture.name} disk counts keys and bytes`, () => {
    beforeEach(start);
    afterEach(end);

    it("whoever looks at a key before it is changed", async () => {
      const replica = disk.replica(3);
      const changes: readonly [() => void, number, number][] = [
        [() => replica.keep("a", heldOf(1, "123")), 1, 3],
        [() => replica.keep("a", heldOf(2, "1")), 1, 1],
        [() => replica.clear(), 0, 0],
        [() => replica.forget("a"), 0, 0],
        [() => replica.keep("a", heldOf(3, "12")), 1, 2],
      ];
      for (const [change, keys, bytes] of changes) {
        change();
        await disk.durable();
        assert.deepEqual(replica.counts(), { keys, bytes });
      }
      // The last look at the file was before the change that is in it now.
      replica.held("b");
      replica.keep("b", heldOf(1, "1"));
      await disk.durable();
      replica.forget("b");
      assert.deepEqual(replica.counts(), { keys: 1, bytes: 2 });
    });

    it("but no key of the ring's own, and tells lengths as clients see them", async () => {
      const chunk = `${RESERVED_PREFIX}0`;
      const counted = { keys: 1, bytes: 3 };
      disk.replica(3).keep(chunk, heldOf(1, "123"));
      disk.replica(3).keep("a", largeOf(1, 10));
      assert.deepEqual(disk.replica(3).counts(), counted);
      assert.equal(disk.replica(3).lengthOf("a"), 10);
      await disk.durable();
      assert.equal(disk.replica(3).lengthOf("a"), 10);
      await restart();
      assert.deepEqual(disk.replica(3).held("a"), largeOf(1, 10));
      assert.deepEqual(disk.replica(3).counts(), counted);
      disk.replica(3).keep(chunk, tombstoneOf(2));
      assert.deepEqual(disk.replica(3).counts(), { keys: 1, bytes: 0 });
    });

    it("of content only, through every change and a restart", async () => {
      const changes: readonly [(replica: ReplicaStore) => void, number, number][] = [
        [(replica) => replica.keep("a", heldOf(1, "12345")), 1, 5],
        [(replica) => replica.keep("b", heldOf(1, longValue)), 2, 5_005],
        [(replica) => replica.keep("a", heldOf(2, "1")), 2, 5_001],
        [(replica) => replica.keep("a", tombstoneOf(3)), 1, 5_000],
        [(replica) => replica.keep("c", tombstoneOf(1)), 1, 5_000],
        [(replica) => replica.forget("c"), 1, 5_000],
        [(replica) => replica.keep("b", heldOf(2, "12")), 1, 2],
        [(replica) => replica.keep("b", heldOf(3, longValue)), 1, 5_000],
        [(replica) => replica.keep("a", heldOf(4, "")), 2, 5_000],
        [(replica) => replica.forget("b"), 1, 0],
      ];
      const digests = new Set<string | null>();
      for (const [change, keys, bytes] of changes) {
        const seen = (): void => {
          const replica = disk.replica(3);
          assert.deepEqual(replica.counts(), { keys, bytes });
          const listed = replica.entries(null, 1_000).map((entry) => [entry.key, entry] as const);
          assert.equal(replica.digest(), digestOf(new Map(listed)));
        };
        change(disk.replica(3));
        seen();
        await disk.durable();
        seen();
        crash();
        seen();
        assert.deepEqual(disk.replica(2).counts(), { keys: 0, bytes: 0 });
        digests.add(disk.replica(3).digest());
      }
      // One of them takes back another one: a key is forgotten again.
      assert.equal(digests.size, changes.length - 1);
    });
  });

  describe(`a ${fixture.name} disk clears a partition`, () => {
    beforeEach(start);
    afterEach(end);

    it("and no other one, in the order of all changes", async () => {
      for (const partition of [2, 3, 4]) {
        for (let index = 0; index < 700; index += 1) {
          disk.replica(partition).keep(`key ${index}`, heldOf(1));
        }
      }
      await disk.durable();
      const replica = disk.replica(3);
      replica.keep("before", heldOf(2));
      replica.clear();
      replica.keep("key 5", heldOf(3, longValue));
      replica.save(stateOf(1));
      assert.deepEqual(keysOf(replica), ["key 5"]);
      assert.equal(replica.held("before"), null);
      assert.deepEqual(replica.counts(), { keys: 1, bytes: 5_000 });
      await disk.durable();
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["key 5"]);
      assert.deepEqual(disk.replica(3).held("key 5"), heldOf(3, longValue));
      assert.deepEqual(disk.replica(3).counts(), { keys: 1, bytes: 5_000 });
      assert.equal(disk.replica(2).counts().keys, 700);
      assert.equal(disk.replica(4).counts().keys, 700);
    });

    it("or has all of it, if the clearing was not durable", async () => {
      disk.replica(3).keep("a", heldOf(1));
      await disk.durable();
      disk.replica(3).clear();
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["a"]);
    });

    it("while a change of it is under way, and when commits fail", async () => {
      const replica = disk.replica(3);
      replica.keep("a", heldOf(1));
      const first = disk.durable();
      await nextTurn();
      replica.clear();
      replica.keep("b", heldOf(2));
      await first;
      assert.deepEqual(keysOf(replica), ["b"]);
      await disk.durable();
      fixture.setFull(true);
      replica.keep("c", heldOf(3));
      await assert.rejects(disk.durable());
      replica.clear();
      replica.keep("d", heldOf(4));
      await assert.rejects(disk.durable());
      fixture.setFull(false);
      // The clearing itself waits; what it takes with it must not come back.
      disk.replica(4).keep("any change", heldOf(5));
      await disk.durable();
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["d"]);
      disk.replica(3).clear();
      disk.replica(3).keep("e", heldOf(5));
      await disk.durable();
      crash();
      assert.deepEqual(keysOf(disk.replica(3)), ["e"]);
    });
  });
}
