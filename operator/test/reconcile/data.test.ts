/**
 * Goal: data is where the spec wants it before a node goes, and the ring's owner can see how far it
 * is. Method: the real operator and fake nodes with a data layer that moves partitions bit by bit;
 * the state of the world is asserted.
 */
import assert from "node:assert/strict";
import { foundersIn } from "../../src/resources/config-map.ts";
import { FakeCluster } from "../support/fake-cluster.ts";
import { BYTES_OF_KEY, KEYS_OF_PARTITION, PARTITIONS } from "../support/fake-data.ts";
import { until } from "../support/until.ts";

describe("operator: where a ring's data is", () => {
  let cluster: FakeCluster;

  beforeEach(async () => {
    cluster = new FakeCluster({ data: true });
    await cluster.start();
  });

  afterEach(async () => {
    await cluster.stop();
  });

  /** Waits until all copies of all data are on these nodes, and the status says so. */
  async function placed(nodes: number): Promise<void> {
    await cluster.converged(nodes);
    await until("placed", () => {
      const { status, observedGeneration } = cluster.condition("DataPlaced");
      return status === "True" && observedGeneration === cluster.generation();
    });
    const roster = cluster.ring.data.history.at(-1);
    assert.equal(roster?.pods.length, nodes);
    assert.ok(cluster.ring.data.follows(roster));
  }

  /** Every roster there has been: its generation, copies, and number of pods. */
  function rosters(): number[][] {
    const { history } = cluster.ring.data;
    return history.map(({ generation, copies, pods }) => [generation, copies, pods.length]);
  }

  function events(reason: string): unknown[] {
    return cluster.api
      .list("events")
      .filter((event) => event["reason"] === reason)
      .map((event) => event["message"]);
  }

  function founders(): readonly string[] {
    const data = cluster.api.find("configmaps", "demo-config")?.["data"];
    return foundersIn(data as Record<string, string> | undefined) ?? [];
  }

  it("lets the founders follow the ring, once its data is in place", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 1 });
    await placed(1);
    cluster.ring.data.stalled = true;
    cluster.applyRing({ replicas: 7 });
    await cluster.converged(7);
    await until("moving", () => cluster.condition("DataPlaced").reason === "DataMoving");
    assert.deepEqual(founders(), ["demo-0"]);
    cluster.ring.data.stalled = false;
    await placed(7);
    const five = ["demo-0", "demo-1", "demo-2", "demo-3", "demo-4"];
    await until("five founders", () => founders().join() === five.join());
    cluster.applyRing({ replicas: 2 });
    await placed(2);
    await until("two founders", () => founders().join() === "demo-0,demo-1");
    assert.equal(events("FoundersChanged").length, 2);
    assert.deepEqual(cluster.restarts, []);
  });

  it("leaves a ring alone whose founders want the same, and counts what it holds", async () => {
    const { metrics } = cluster.startOperator();
    cluster.applyRing({ replicas: 5 });
    await placed(5);
    await until("settled", () => cluster.condition("Progressing").status === "False");
    assert.deepEqual(rosters(), [[0, 3, 5]]);
    assert.deepEqual(events("RosterChanged"), []);
    const { keys, bytes, data } = cluster.status();
    assert.equal(keys, PARTITIONS * KEYS_OF_PARTITION);
    assert.equal(bytes, PARTITIONS * KEYS_OF_PARTITION * BYTES_OF_KEY);
    assert.deepEqual(data, {
      degradedPartitions: 0,
      misplacedPartitions: 0,
      leaderlessPartitions: 0,
      keysToMove: 0,
      bytesToMove: 0,
    });
    const text = await metrics.registry.metrics();
    assert.match(text, /^chordring_rings_data\{state="placed"\} 1$/m);
    assert.match(text, /^chordring_partitions\{state="misplaced"\} 0$/m);
    const set = cluster.api.find("statefulsets", "demo");
    assert.equal(set?.metadata.annotations?.["chordring.dev/chartered"], "true");
  });

  it("tells a new ring once of the nodes that are no founders", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 8 });
    await placed(8);
    assert.deepEqual(rosters(), [
      [0, 3, 5],
      [1, 3, 8],
    ]);
    assert.deepEqual(events("RosterChanged"), ["Data is to be in 3 copies on 8 nodes"]);
  });

  it("names new nodes before they run, so that data moves once", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 3 });
    await placed(3);
    for (const name of ["demo-3", "demo-4"]) cluster.stuck.set(name, "ContainerCreating");
    cluster.applyRing({ replicas: 5 });
    await until("the roster", () => rosters().length === 2);
    assert.deepEqual(rosters()[1], [1, 3, 5]);
    await until("False", () => cluster.condition("DataPlaced").status === "False");
    await until("progressing", () => cluster.condition("Progressing").status === "True");
    assert.deepEqual(cluster.restarts, []);
  });

  it("takes the data off all nodes that go before the first one leaves", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 8 });
    await placed(8);
    cluster.ring.data.stalled = true;
    cluster.applyRing({ replicas: 4 });
    const message = (): string => cluster.condition("Progressing").message ?? "";
    await until("said", () => /^demo-7 still holds \d+ partitions; .* left to/.test(message()));
    assert.equal(cluster.condition("DataPlaced").reason, "DataMoving");
    assert.deepEqual(cluster.ring.leaves, []);
    assert.deepEqual(rosters().at(-1), [2, 3, 4]);
    cluster.ring.data.stalled = false;
    await placed(4);
    assert.deepEqual(cluster.ring.leaves, ["demo-7", "demo-6", "demo-5", "demo-4"]);
    assert.deepEqual(cluster.ring.losses, []);
    assert.equal(rosters().length, 3);
    assert.equal(cluster.status().keys, PARTITIONS * KEYS_OF_PARTITION);
  });

  it("goes below the number of copies", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 3 });
    await placed(3);
    cluster.applyRing({ replicas: 1 });
    await placed(1);
    assert.deepEqual(rosters().at(-1), [1, 3, 1]);
    assert.deepEqual(cluster.ring.losses, []);
  });

  it("names nodes again when a shrink is taken back", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 5 });
    await placed(5);
    cluster.ring.data.stalled = true;
    cluster.applyRing({ replicas: 3 });
    await until("the roster", () => rosters().length === 2);
    cluster.applyRing({ replicas: 5 });
    await until("the roster", () => rosters().length === 3);
    cluster.ring.data.stalled = false;
    await placed(5);
    assert.deepEqual(cluster.ring.leaves, []);
  });

  it("changes the number of copies of a live ring", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 5 });
    await placed(5);
    cluster.applyRing({ copies: 5 });
    await until("more copies", () => rosters().length === 2);
    await placed(5);
    assert.equal(cluster.ring.data.heldBy("demo-0"), PARTITIONS);
    cluster.applyRing({ copies: 1 });
    await until("fewer copies", () => rosters().length === 3);
    await placed(5);
    assert.deepEqual(cluster.restarts, []);
    const config = JSON.stringify(cluster.api.find("configmaps", "demo-config")?.["data"]);
    assert.match(config, /\\"copies\\": 1/);
  });

  it("removes nothing while a node does not say what it holds", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 4 });
    await placed(4);
    cluster.ring.silent.add("demo-1");
    cluster.applyRing({ replicas: 3 });
    await until("said", () => cluster.condition("Degraded").reason === "DataUnknown");
    await until("unknown", () => cluster.condition("DataPlaced").status === "Unknown");
    assert.equal(cluster.status().keys, PARTITIONS * KEYS_OF_PARTITION);
    assert.deepEqual(cluster.ring.leaves, []);
    cluster.ring.silent.clear();
    await placed(3);
  });

  it("keeps a node that was given data between the look and the word", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 4 });
    await placed(4);
    cluster.ring.declines = true;
    cluster.applyRing({ replicas: 3 });
    const said = (): boolean =>
      cluster.condition("Progressing").message === "demo-3 still holds data";
    await until("said", said);
    assert.notEqual(cluster.condition("Degraded").reason, "NodesUnreadable");
    cluster.ring.declines = false;
    await placed(3);
  });

  it("says so when no node takes the roster, and goes on when one does", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 3 });
    await placed(3);
    cluster.ring.refusesRosters = true;
    cluster.applyRing({ copies: 1 });
    await until("said", () => cluster.condition("Degraded").reason === "RosterNotTaken");
    assert.match(cluster.condition("Degraded").message ?? "", /demo-0: it answered 400/);
    assert.deepEqual(events("RosterChanged"), []);
    cluster.ring.refusesRosters = false;
    await placed(3);
    assert.deepEqual(rosters().at(-1), [1, 1, 3]);
  });

  it("degrades when copies stay away, and not before", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 5, copies: 1 });
    await placed(5);
    cluster.ring.data.lost.add("demo-2");
    await until("False", () => cluster.condition("DataPlaced").reason === "PartitionsLeaderless");
    assert.notEqual(cluster.condition("Degraded").reason, "PartitionsLeaderless");
    await until("degraded", () => cluster.condition("Degraded").reason === "PartitionsLeaderless");
    cluster.ring.data.lost.clear();
    await placed(5);
    await until("fine", () => cluster.condition("Degraded").status === "False");
  });

  it("gives a roster again to nodes that missed it, and settles a quarrel", async () => {
    const first = cluster.startOperator();
    cluster.applyRing({ replicas: 3 });
    await placed(3);
    await first.stop();
    const { data } = cluster.ring;
    const roster = data.rosterOf("demo-0");
    assert.ok(roster);
    data.mute = true;
    data.forget("demo-1");
    data.take("demo-2", { ...roster, copies: 1 });
    cluster.startOperator();
    const generation = (name: string): number => data.rosterOf(name)?.generation ?? 0;
    await until("all have one", () =>
      ["demo-0", "demo-1", "demo-2"].every((name) => generation(name) === roster.generation + 1),
    );
    assert.equal(data.rosterOf("demo-2")?.copies, 3);
  });

  it("writes the status now and then while data moves, not in every pass", async () => {
    cluster.startOperator();
    cluster.applyRing({ replicas: 3 });
    await placed(3);
    cluster.ring.data.stalled = true;
    cluster.applyRing({ replicas: 2 });
    await until("moving", () => cluster.condition("DataPlaced").reason === "DataMoving");
    const isStatus = (path: string): boolean => path.endsWith("/status");
    const writes = (): number => cluster.api.writes().filter(({ path }) => isStatus(path)).length;
    const before = writes();
    const startMs = Date.now();
    await until("some passes", () => {
      cluster.ring.data.flicker();
      return Date.now() - startMs > 1_000;
    });
    // Every 100 ms at most; there are passes every 20 ms.
    assert.ok(writes() - before <= 12, `${writes() - before} writes`);
    assert.ok(writes() > before);
  });

  describe("in a cluster with zones", () => {
    beforeEach(() => {
      cluster.zones = ["a", "b", "c"];
    });

    function zonesTold(): (string | null)[] {
      return cluster.ring.data.history.at(-1)?.pods.map((pod) => pod.zone) ?? [];
    }

    it("tells the nodes which zones they are in", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 4 });
      await placed(4);
      assert.deepEqual(zonesTold(), ["a", "b", "c", "a"]);
      const message = "Data is to be in 3 copies on 4 nodes, spread over 3 zones";
      assert.deepEqual(events("RosterChanged"), [message]);
    });

    it("does without where it must not read them", async () => {
      cluster.api.failNext(403, ({ path }) => path.startsWith("/api/v1/nodes/"), 1_000);
      cluster.startOperator();
      cluster.applyRing({ replicas: 4 });
      await placed(4);
      assert.deepEqual(zonesTold(), [null, null, null, null]);
    });

    it("names a new node once it is scheduled", async () => {
      cluster.startOperator();
      cluster.applyRing({ replicas: 3 });
      await placed(3);
      cluster.unscheduled.add("demo-3");
      cluster.applyRing({ replicas: 4 });
      await until("said", () => cluster.condition("DataPlaced").reason === "NodesNotScheduled");
      assert.equal(rosters().length, 2);
      await cluster.scheduleNow("demo-3");
      await placed(4);
      assert.deepEqual(zonesTold(), ["a", "b", "c", "a"]);
    });
  });
});
