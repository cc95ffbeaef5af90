/**
 * Goal: each oracle of the data layer's simulator notices the breach that it is there for, and lets
 * a sound ring pass.
 * Method: a small ring in virtual time; then disks are written, answers are invented or clients are
 * told as no correct node would, and the oracles must end with that oracle's error.
 */
import assert from "node:assert/strict";
import type { Held, Outcome, ReplicaState, Request } from "../../src/replication/index.ts";
import { partitionOf } from "../../src/replication/record.ts";
import { Clients } from "../../sim/data/clients.ts";
import type { Platter } from "../../sim/data/disk.ts";
import { type Oracle, OracleError } from "../../sim/data/oracle-error.ts";
import { Oracles } from "../../sim/data/oracles.ts";
import { missing } from "../../sim/data/rest.ts";
import { type DataNode, keyOf, World } from "../../sim/data/world.ts";
import { SeededRandom } from "../../sim/random.ts";

const names = ["demo-0", "demo-1", "demo-2"];
const key = "key-0";

interface Watched {
  readonly world: World;
  readonly oracles: Oracles;
  readonly clients: Clients;
  readonly node: (name: string) => DataNode;
  /** What is on the disks of the partition's one key, newest write last. */
  readonly held: () => Held;
  readonly put: (id: string) => Promise<void>;
}

/** Three nodes with one partition and one key, which a client has written once. */
async function watchedRing(): Promise<Watched> {
  const options = { partitions: 1, copies: 3 };
  const world = new World({ seed: 1, founders: names, options });
  const oracles = new Oracles(world, 1, new Map([[key, partitionOf(keyOf(key).id, 1)]]));
  const clients = new Clients(world, oracles, { keys: [key], random: new SeededRandom(1, 2) });
  for (const name of names) world.start(name);
  assert.ok(await world.scheduler.runUntil(() => rested(world, oracles), 30_000));
  const node = (name: string): DataNode => {
    const found = world.running.get(name);
    assert.ok(found !== undefined);
    return found;
  };
  const put = async (id: string): Promise<void> => {
    const content = { contentType: "text/plain", bytes: new TextEncoder().encode(id) };
    const operation = { type: "put", preconditions: {}, content, requestId: id } as const;
    const call = oracles.began(id, { ...operation, key: keyOf(key) });
    const routed = node("demo-0").replication.execute(call.operation, 2_000);
    let outcome: Outcome | undefined;
    void routed.then((result) => (outcome = result.outcome));
    await world.scheduler.runUntil(() => outcome !== undefined, 5_000);
    assert.ok(outcome !== undefined);
    oracles.told(call, outcome);
    await world.scheduler.run(100);
  };
  await put("first");
  const held = (): Held => {
    const [platter] = world.platters.values();
    return platter?.durable.of(0).records.get(key) as Held;
  };
  return { world, oracles, clients, node, held, put };
}

function rested(world: World, oracles: Oracles): boolean {
  return missing(world, oracles, null).length === 0;
}

function breaks(oracle: Oracle, act: () => void): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof OracleError, String(error));
    assert.equal(error.oracle, oracle, error.message);
    return true;
  });
}

function diskOf({ world }: Watched, name: string): Platter {
  const platter = world.platters.get(name);
  assert.ok(platter !== undefined);
  return platter;
}

/** Writes a state as if the replica had, and it were durable. */
function save(ring: Watched, name: string, change: Partial<ReplicaState>): void {
  const platter = diskOf(ring, name);
  const before = platter.durable.of(0).state as ReplicaState;
  const state = { ...before, ...change };
  ring.oracles.durable(platter, { type: "state", partition: 0, state });
  platter.durable.of(0).state = state;
}

describe("oracles of the data layer: a sound ring passes", () => {
  it("through writes, a crash with and one without its disk, and a move", async () => {
    const ring = await watchedRing();
    const { world, oracles, put, clients } = ring;
    await put("second");
    world.crash("demo-1");
    await put("third");
    world.start("demo-1");
    world.crash("demo-2", { loseDisk: true });
    world.start("demo-2");
    assert.ok(await world.scheduler.runUntil(() => rested(world, oracles), 30_000));
    assert.equal(oracles.partitions[0]?.views.last?.epoch, 2, "the new disk is another member");
    const reading = clients.read(ring.node("demo-2"), key, "last");
    await world.scheduler.runUntil(() => reading.result !== undefined, 5_000);
    assert.deepEqual((reading.result as { type: string }).type, "value");
  });

  it("D8: misses what one member has and another has not", async () => {
    const ring = await watchedRing();
    diskOf(ring, "demo-1").durable.of(0).records.delete(key);
    assert.match(missing(ring.world, ring.oracles, null).join(), /key-0 differs/);
  });
});

describe("oracles of the data layer: views", () => {
  const others = [{ name: "demo-9", incarnation: "disk9" }];

  it("V1: two decisions for one epoch, and a view that was not the decided one", async () => {
    const ring = await watchedRing();
    const proposed = (ballot: number, members: typeof others) => ({
      changePromised: ballot,
      changeAccepted: { ballot, members },
      sealed: true,
    });
    save(ring, "demo-0", proposed(3, others));
    save(ring, "demo-1", proposed(3, others));
    assert.deepEqual(ring.oracles.partitions[0]?.views.last?.members, others);
    const more = [...others, { name: "demo-8", incarnation: "disk8" }];
    save(ring, "demo-0", proposed(4, more));
    breaks("V1", () => save(ring, "demo-1", proposed(4, more)));
    breaks("V1", () => save(ring, "demo-2", { view: { epoch: 2, members: more } }));
  });

  it("V2: a view that nobody decided", async () => {
    const ring = await watchedRing();
    breaks("V2", () => save(ring, "demo-0", { view: { epoch: 2, members: others } }));
  });

  it("V4: a member that begins without what clients know of", async () => {
    const ring = await watchedRing();
    const { members } = ring.oracles.partitions[0]?.views.last ?? { members: [] };
    const changeAccepted = { ballot: 3, members };
    for (const name of ["demo-0", "demo-1"]) {
      save(ring, name, { changePromised: 3, changeAccepted, sealed: true });
    }
    diskOf(ring, "demo-2").durable.of(0).records.clear();
    breaks("V4", () => save(ring, "demo-2", { view: { epoch: 2, members } }));
  });

  it("V5: one pod twice", async () => {
    const ring = await watchedRing();
    const members = [...others, { name: "demo-9", incarnation: "disk10" }];
    const change = { changePromised: 3, changeAccepted: { ballot: 3, members }, sealed: true };
    save(ring, "demo-0", change);
    breaks("V5", () => save(ring, "demo-1", change));
  });

  it("V6: another number of partitions", async () => {
    const ring = await watchedRing();
    const platter = diskOf(ring, "demo-0");
    const { charter } = platter.durable.record;
    assert.ok(charter !== null);
    const record = { charter: { ...charter, partitions: 2 }, roster: null };
    breaks("V6", () => ring.oracles.durable(platter, { type: "record", record }));
  });
});

describe("oracles of the data layer: disks and answers", () => {
  it("D1: what clients know of is gone from most disks", async () => {
    const ring = await watchedRing();
    for (const name of ["demo-0", "demo-1"]) {
      assert.doesNotThrow(() => ring.oracles.partitions[0]?.checkHeld());
      diskOf(ring, name).durable.of(0).records.clear();
    }
    breaks("D1", () => ring.oracles.partitions[0]?.checkHeld());
  });

  it("D3: one version for two values, one from nowhere, one stamp for two records", async () => {
    const ring = await watchedRing();
    const held = ring.held();
    const content = { contentType: "text/plain", bytes: new TextEncoder().encode("other") };
    const keep = (changed: Held): void =>
      ring.oracles.changed({ type: "keep", partition: 0, key, held: changed }, null, 0);
    assert.doesNotThrow(() => keep(held));
    breaks("D3", () => keep({ ...held, state: { ...held.state, content } }));
    breaks("D3", () => keep({ ...held, state: { ...held.state, version: "9-9-9" } }));
    const stamp = { ...held.stamp, count: held.stamp.count + 1 };
    breaks("D3", () => keep({ stamp, state: { ...held.state, version: "9-9-9" } }));
  });

  it("D7: a promise taken back, a seal opened, an older record over a newer one", async () => {
    const ring = await watchedRing();
    breaks("D7", () => save(ring, "demo-0", { promised: 0 }));
    save(ring, "demo-0", { sealed: true });
    breaks("D7", () => save(ring, "demo-0", { sealed: false }));
    const held = { ...ring.held(), stamp: { ...ring.held().stamp, count: 0 } };
    const platter = diskOf(ring, "demo-0");
    breaks("D7", () => ring.oracles.durable(platter, { type: "keep", partition: 0, key, held }));
  });

  it("D6: an answer that rests on what is not durable", async () => {
    const ring = await watchedRing();
    const node = ring.node("demo-1");
    const held = ring.held();
    const stamp = { ...held.stamp, count: held.stamp.count + 1 };
    const later = { stamp, state: held.state };
    const told = (request: Request, reply: object): void =>
      ring.oracles.answered(node, request, reply);
    const { epoch } = held.stamp;
    const page = { after: null, limit: 10 };
    told({ type: "accept", partition: 0, key, held }, {});
    breaks("D6", () => told({ type: "accept", partition: 0, key, held: later }, {}));
    breaks("D6", () => told({ type: "promise", partition: 0, epoch, ballot: 99 }, {}));
    const read = { type: "read", partition: 0, epoch, ballot: 3, key } as const;
    breaks("D6", () => told(read, { held: later }));
    const list = { type: "list", partition: 0, epoch, ballot: 3, ...page } as const;
    breaks("D6", () => told(list, { entries: [{ key, stamp }], after: null }));
    const next = { epoch: epoch + 1, members: [] };
    const show = { type: "show", partition: 0, next, ...page } as const;
    breaks("D6", () => told(show, { entries: [], after: null, active: false }));
  });
});

describe("oracles of the data layer: what clients are told", () => {
  const get = { type: "get", key: keyOf(key), preconditions: {}, head: false } as const;

  it("D2 and D5: a value that was replaced, or deleted, before the call began", async () => {
    const ring = await watchedRing();
    const { oracles } = ring;
    const { version } = ring.held().state;
    await ring.put("second");
    const bytes = new TextEncoder().encode("first");
    const old: Outcome = {
      type: "value",
      version,
      contentType: "text/plain",
      bytes,
      length: bytes.length,
    };
    breaks("D2", () => oracles.told(oracles.began("late", get), old));
    breaks("D2", () => oracles.told(oracles.began("none", get), { type: "not-found" }));
    const remove = { type: "delete", key: keyOf(key), preconditions: {}, requestId: "d" } as const;
    const call = oracles.began("d", remove);
    let outcome: Outcome | undefined;
    void ring
      .node("demo-1")
      .replication.execute(remove, 2_000)
      .then((result) => (outcome = result.outcome));
    await ring.world.scheduler.runUntil(() => outcome !== undefined, 5_000);
    oracles.told(call, outcome as Outcome);
    breaks("D5", () => oracles.told(oracles.began("later", get), old));
  });

  it("D4: two values, neither of which replaced the other", async () => {
    const ring = await watchedRing();
    const history = ring.oracles.of(key);
    const { state } = ring.held();
    const branch = (count: number): void => {
      const version = `1-90-${count}`;
      history.kept({ ...state, version }, { epoch: 1, ballot: 90, count }, state);
      const made = history.named(version);
      assert.ok(made !== null);
      history.observe(made);
    };
    branch(1);
    breaks("D4", () => branch(2));
  });

  it("E1 and E2: a value that goes too early, and a time that is not its write's", async () => {
    const ring = await watchedRing();
    const history = ring.oracles.of(key);
    const { state } = ring.held();
    assert.ok(state.content !== null);
    const stamp = (count: number): Held["stamp"] => ({ epoch: 1, ballot: 90, count });
    const content = { ...state.content, expiresMs: 5_000 };
    const expiring = { ...state, version: "1-90-1", content };
    const made = history.kept(expiring, stamp(1), state);
    assert.ok(made !== null);
    // The client of this value asked for none.
    breaks("E2", () => history.checkTime(made, 5_000));
    const copy = { ...expiring, content: { ...content, expiresMs: 5_001 } };
    breaks("E2", () => history.kept(copy, stamp(2), expiring));
    breaks("E2", () => history.kept({ ...expiring, content: state.content }, stamp(2), expiring));
    const tombstone = { ...expiring, version: "1-90-2", content: null };
    const gone = history.kept(tombstone, stamp(2), expiring);
    assert.ok(gone?.expired);
    breaks("E1", () => history.checkTime(gone, 4_999));
    history.checkTime(gone, 5_000);
    const other = history.kept({ ...tombstone, version: "1-90-3" }, stamp(3), state);
    assert.ok(other !== null);
    breaks("E1", () => history.checkTime(other, Number.MAX_SAFE_INTEGER));
  });

  it("D6 and V3: a write that is on no majority, or on that of a sealed one", async () => {
    const ring = await watchedRing();
    const { state } = ring.held();
    const [partition] = ring.oracles.partitions;
    assert.ok(partition !== undefined);
    const version = "1-90-1";
    const held: Held = { stamp: { epoch: 1, ballot: 90, count: 1 }, state: { ...state, version } };
    partition.of(key).kept(held.state, held.stamp, state);
    const made = partition.of(key).named(version);
    assert.ok(made !== null);
    const acknowledged = (): void => partition.checkAcknowledged(partition.of(key), made);
    breaks("D6", acknowledged);
    for (const name of ["demo-0", "demo-1"]) {
      save(ring, name, { sealed: true });
      ring.oracles.durable(diskOf(ring, name), { type: "keep", partition: 0, key, held });
    }
    breaks("V3", acknowledged);
  });
});
