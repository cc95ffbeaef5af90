/**
 * Partitions on the page. Goal: the page says of each partition what the map and the crawl of the
 * ring say together. Method: small maps by hand; the placement of keys against the node's own.
 */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { createHash } from "node:crypto";
import { hashOf } from "../../ui/identifier.js";
import {
  colourOf,
  countStates,
  describePartition,
  identifierRange,
  partitionOf,
  PartitionHistory,
} from "../../ui/partition-model.js";
import { buildRing } from "../../ui/ring-model.js";

const NAMES = ["demo-0", "demo-1", "demo-2"] as const;
const pods = NAMES.map((name) => ({ name }));

function view(name: string) {
  const reference = (node: string) => ({ name: node, id: hashOf(node), address: `${node}:8081` });
  const numbers = { held: 2, catchingUp: 0, led: 1, degraded: 0, misplaced: 0, unled: 0 };
  const counts = { keysHeld: 4, bytesHeld: 40, keysLed: 2, bytesLed: 20 };
  const roster = { generation: 1, copies: 2, pods };
  const data = { incarnation: "0", chartered: true, roster, keysLeft: 0, bytesLeft: 0 };
  const successors = NAMES.filter((other) => other !== name).map(reference);
  return {
    ring: "demo",
    self: reference(name),
    state: "member",
    epoch: 1,
    predecessor: null,
    successors,
    fingers: [],
    keys: 4,
    bytes: 40,
    data: { ...data, ...numbers, ...counts },
  };
}

function ringOf(...answering: readonly string[]) {
  const nodes = answering.map(view);
  return buildRing(view("demo-0"), { nodes, ideal: true });
}

function answer(views: { epoch: number; leader: string | null; members: string[] }[]) {
  return { partitions: views.length, generation: 1, nodes: [], views };
}

const first = { epoch: 1, leader: "demo-0", members: ["demo-0", "demo-1"] };
const second = { epoch: 1, leader: null, members: ["demo-1", "demo-2"] };

describe("partitions on the page", () => {
  it("are found by the first 32 bits of a key's hash", () => {
    for (let number = 0; number < 200; number += 1) {
      const digest = createHash("sha1").update(`key-${number}`).digest();
      const id = hashOf(`key-${number}`);
      for (const count of [1, 3, 256]) {
        const expected = Math.floor((digest.readUInt32BE(0) / 2 ** 32) * count);
        equal(partitionOf(id, count), expected);
      }
    }
    equal(identifierRange(138, 256), "8a00… to 8aff…");
    equal(identifierRange(0, 1), "0000… to ffff…");
  });

  it("are whole while all members answer and somebody leads", () => {
    const looked = new PartitionHistory().look(answer([first, second]), ringOf(...NAMES), 0);
    deepEqual(
      looked.map(({ state }) => state),
      ["whole", "leaderless"],
    );
    deepEqual(countStates(looked), { whole: 1, moving: 0, degraded: 0, leaderless: 1 });
  });

  it("lack copies when a member is silent, or when there are too few members", () => {
    const alone = { ...first, members: ["demo-0"] };
    const ring = ringOf("demo-0", "demo-2");
    const looked = new PartitionHistory().look(answer([first, alone]), ring, 0);
    deepEqual(
      looked.map(({ state, missing }) => ({ state, missing })),
      [
        { state: "degraded", missing: ["demo-1"] },
        { state: "degraded", missing: [] },
      ],
    );
  });

  it("move for some seconds after their epoch changed, not when first seen", () => {
    const history = new PartitionHistory();
    const states = [
      [1, 0],
      [2, 1_000],
      [2, 5_000],
      [2, 9_000],
    ].map(([epoch = 0, nowMs = 0]) => {
      const [looked] = history.look(answer([{ ...first, epoch }]), ringOf(...NAMES), nowMs);
      return looked?.state;
    });
    deepEqual(states, ["whole", "moving", "moving", "whole"]);
  });

  it("are told in words", () => {
    const [, looked] = new PartitionHistory().look(answer([first, second]), ringOf(...NAMES), 0);
    equal(
      looked && describePartition(looked),
      "Partition 1: no leader known\nled by nobody\ncopies on demo-1, demo-2\nepoch 1",
    );
  });

  it("have the colour of a name, which differs for pods in a row", () => {
    equal(colourOf("demo-3"), 3);
    equal(colourOf("demo-12"), 4);
    notEqual(colourOf("a"), colourOf("b"));
  });
});
