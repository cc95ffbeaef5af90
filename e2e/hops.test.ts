/**
 * Goal: lookups take O(log N) hops: as few as an ideal ring of these very nodes allows, and about
 * as many as published for rings of this size. Every way of counting them agrees.
 * Method: rings of 16, one with lists of four and one with lists of one; many random keys from all
 * nodes; the model computes each lookup's hops from the nodes' ids; a real Prometheus scrapes
 * the pods meanwhile.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { config } from "./config.ts";
import { figure } from "./support/figures.ts";
import { sumOf } from "./support/metrics.ts";
import type { IdealRing } from "./support/model.ts";
import { Prometheus } from "./support/prometheus.ts";
import { get, lookUp, Ring, type RingNode } from "./support/ring.ts";
import { prepared, testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs } from "./support/wait.ts";

const count = 16;
const walkCount = 200;
const concurrency = 4;

/**
 * The published means are over many rings, and one ring of 16 may lie far from them: these names
 * give ids that make rings of the usual kind.
 */
const rings = [
  { name: "long", successors: 4, publishedMean: 0.96 },
  { name: "short", successors: 1, publishedMean: 1.87 },
] as const;

interface Count {
  readonly lookups: number;
  readonly hops: number;
  /** Over the lookups that took the model's way, one for each key. */
  readonly meanHops: number;
  /** Lookups that took another way than in the model, and were asked again. */
  readonly detours: number;
  /** Questions without an answer, asked again: the node may have counted them. */
  readonly unanswered: number;
}

interface Asked {
  readonly hops: number;
  readonly expected: number;
  readonly owner: string;
  readonly expectedOwner: string;
}

/**
 * Asks for `total` random keys, of all nodes in turn, and checks each answer. Where a node was slow
 * to answer a moment ago, others pass it by until some lookup leads them to it all the same: such a
 * detour is asked again, after another key, until the way is the model's.
 */
async function askMany(
  nodes: readonly RingNode[],
  total: number,
  ask: (node: RingNode, key: string) => Promise<Asked>,
): Promise<Count> {
  const count = { lookups: 0, hops: 0, detours: 0, unanswered: 0 };
  let settledHops = 0;
  const counted = async (node: RingNode, key: string): Promise<Asked> => {
    const asked = await ask(node, key).catch((error: unknown) => {
      count.unanswered += 1;
      throw error;
    });
    count.lookups += 1;
    count.hops += asked.hops;
    assert.equal(asked.owner, asked.expectedOwner);
    return asked;
  };
  const askOnce = async (node: RingNode, key: string): Promise<void> => {
    const { hops, expected } = await counted(node, key);
    if (hops !== expected) {
      count.detours += 1;
      await counted(node, randomKey());
      throw new Error(`${hops} hops from ${node.name} to ${key}, not ${expected}`);
    }
    settledHops += hops;
  };
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < total) {
      const node = nodes[next % nodes.length];
      next += 1;
      assert.ok(node);
      const key = randomKey();
      await eventually("the way is as short as in the model", minuteMs, () => askOnce(node, key));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { ...count, meanHops: settledHops / total };
}

function randomKey(): string {
  return randomBytes(12).toString("base64url");
}

async function askLookup(model: IdealRing, node: RingNode, key: string): Promise<Asked> {
  const { hops, path, owner } = await lookUp(node, key);
  assert.equal(hops, path.length - 1, `path of ${key}`);
  assert.equal(path[0]?.node.name, node.name);
  const expectedOwner = model.owner(key);
  return { hops, expected: model.hops(key, node.name), owner: owner.name, expectedOwner };
}

async function askWalk(model: IdealRing, node: RingNode, key: string): Promise<Asked> {
  const { hops, mode, owner } = await lookUp(node, key, "?mode=walk");
  assert.equal(mode, "walk");
  const expectedOwner = model.owner(key);
  return { hops, expected: model.walkHops(key, node.name), owner: owner.name, expectedOwner };
}

/** How many nodes a client's request met that did not lead the key's partition. */
async function redirectsOf(node: RingNode, key: string): Promise<number> {
  const { status, headers } = await get(node, key);
  assert.equal(status, 404);
  return Number(headers["x-chord-hops"]);
}

describe("hops: lookups are as short as the theory says", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("hops");

  for (const { name, successors, publishedMean } of rings) {
    describe(`${count} nodes with successor lists of ${successors}`, () => {
      let ring: Ring;
      let nodes: RingNode[];
      let model: IdealRing;
      let prometheus: Prometheus;

      before(
        prepared(namespace, async () => {
          ring = await Ring.create(namespace, name, { replicas: count, successors });
          model = ring.model(count);
          await ring.ideal(count, 4 * minuteMs);
          await eventually("all fingers are right", 2 * minuteMs, async () => {
            assert.deepEqual(model.unsettledFingers(await ring.views()), []);
          });
          nodes = await ring.nodes();
          prometheus = await Prometheus.start(nodes.map(({ endpoint }) => endpoint));
        }),
      );

      after(async () => {
        await prometheus?.stop();
        await ring?.delete();
      });

      it("mean hops are the model's and the counters', and near the published mean", async () => {
        const labels = 'mode="finger"';
        const read = async (what: string): Promise<number> =>
          sumOf(nodes, `chord_lookup_hops_${what}`, labels);
        const before = { lookups: await read("count"), hops: await read("sum") };
        const ask = (node: RingNode, key: string): Promise<Asked> => askLookup(model, node, key);
        const counted = await askMany(nodes, config.lookupCount, ask);
        const mean = counted.meanHops;
        figure(
          `mean hops, N=${count}, r=${successors}`,
          `${mean.toFixed(3)}, published ${publishedMean}, ${counted.detours} detours`,
        );
        assert.ok(Math.abs(mean / publishedMean - 1) <= 0.15, `${mean} against ${publishedMean}`);
        const more = (await read("count")) - before.lookups - counted.lookups;
        const moreHops = (await read("sum")) - before.hops - counted.hops;
        assert.ok(
          more >= 0 && more <= counted.unanswered,
          `${more} lookups more than were answered`,
        );
        assert.ok(moreHops >= 0 && (more > 0 || moreHops === 0), `${moreHops} hops more`);
        await eventually("Prometheus counts the same", minuteMs, async () => {
          for (const what of ["count", "sum"]) {
            const query = `sum(chord_lookup_hops_${what}{${labels}})`;
            assert.equal(await prometheus.query(query), await read(what), query);
          }
        });
      });

      it("requests on keys go straight to the node that leads, by X-Chord-Hops", async () => {
        let redirects = 0;
        for (let index = 0; index < walkCount; index += 1) {
          const node = nodes[index % nodes.length];
          assert.ok(node);
          redirects += await redirectsOf(node, `absent-${index}`);
        }
        figure("redirects of requests on keys", `${redirects} in ${walkCount}`);
        // One more would be a lookup that nobody needed; leaders change only while a ring does.
        assert.ok(redirects <= walkCount / 10, `${redirects} redirects`);
      });

      it("a walk takes about N/2", async () => {
        const ask = (node: RingNode, key: string): Promise<Asked> => askWalk(model, node, key);
        const counted = await askMany(nodes, walkCount, ask);
        const mean = counted.meanHops;
        figure(`mean hops of a walk, N=${count}`, mean.toFixed(2));
        assert.ok(mean > 0.3 * count && mean < 0.6 * count, `${mean}`);
      });

      it("Prometheus sees every node stabilize", async () => {
        const least = await sumOf(nodes, "chord_stabilize_total");
        await eventually("Prometheus has scraped all nodes since", minuteMs, async () => {
          assert.equal(await prometheus.query("sum(up)"), count);
          assert.ok((await prometheus.query("sum(chord_stabilize_total)")) >= least);
        });
        const now = await prometheus.query("sum(chord_stabilize_total)");
        assert.ok(now <= (await sumOf(nodes, "chord_stabilize_total")));
        await eventually("every node stabilized in the last 20 s", minuteMs, async () => {
          const moving = "count(sum by (instance) (increase(chord_stabilize_total[20s])) > 0)";
          assert.equal(await prometheus.query(moving), count);
        });
      });
    });
  }
});
