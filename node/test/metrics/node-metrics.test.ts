/**
 * Goal: a scrape shows every documented series with the right numbers. Method: count, scrape, read.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RingView } from "../../src/chord/index.ts";
import { NodeMetrics } from "../../src/metrics/node-metrics.ts";
import { counters, gauges, histograms } from "../../src/metrics/series.ts";
import { sha1Hash } from "../../src/platform/hash.ts";
import { noData } from "../support/data-view.ts";

describe("a scrape shows what was counted", () => {
  let metrics: NodeMetrics;

  beforeEach(() => {
    metrics = new NodeMetrics({ version: "1.2.3", nodeVersion: "v24" });
  });

  const lines = async (): Promise<readonly string[]> => (await metrics.scrape()).text.split("\n");

  it("hops as whole numbers, each bucket with those below it", async () => {
    const lookup = { mode: "finger", timeouts: 1, durationMs: 3, found: true } as const;
    for (const hops of [0, 0, 1, 3, 20]) metrics.lookup({ ...lookup, hops });
    metrics.lookup({ ...lookup, hops: 2, found: false });
    const found = await lines();
    for (const line of [
      'chord_lookup_hops_bucket{mode="finger",le="0"} 2',
      'chord_lookup_hops_bucket{mode="finger",le="1"} 3',
      'chord_lookup_hops_bucket{mode="finger",le="2"} 3',
      'chord_lookup_hops_bucket{mode="finger",le="16"} 4',
      'chord_lookup_hops_bucket{mode="finger",le="+Inf"} 5',
      'chord_lookup_hops_sum{mode="finger"} 24',
      'chord_lookup_hops_count{mode="finger"} 5',
      'chord_lookup_hops_count{mode="walk"} 0',
      "chord_lookup_timeouts_total 6",
      "chord_lookup_failures_total 1",
      'chord_build_info{version="1.2.3",node_version="v24"} 1',
    ]) {
      assert.ok(found.includes(line), line);
    }
  });

  it("counters with their labels, from zero where the values are known", async () => {
    metrics.stabilized("changed", 5);
    metrics.rpcFailed("next", "timeout");
    metrics.rpcFailed("next", "timeout");
    metrics.request("PUT", 201);
    const found = await lines();
    for (const line of [
      'chord_stabilize_total{result="changed"} 1',
      'chord_stabilize_total{result="busy"} 0',
      'chord_rpc_errors_total{rpc="next",cause="timeout"} 2',
      'chord_requests_total{method="PUT",status="201"} 1',
      "chord_stabilize_duration_seconds_count 1",
    ]) {
      assert.ok(found.includes(line), line);
    }
  });

  it("one picture in all its gauges, and a new one the next time", async () => {
    let pictures = 0;
    const self = { id: sha1Hash().idOf("demo-0"), name: "demo-0", address: "" };
    const view: RingView = {
      self,
      state: "member",
      epoch: 1,
      predecessor: null,
      successors: [],
      fingers: [],
      founded: true,
      split: false,
      detail: "",
      stabilizedMsAgo: 5,
    };
    metrics.connect({
      view: () => view,
      data: () => ({ ...noData, keysHeld: (pictures += 1), keysLeft: pictures }),
      writable: () => true,
    });
    for (const expected of [1, 2]) {
      const found = await lines();
      assert.ok(found.includes(`chord_keys ${expected}`));
      assert.ok(found.includes(`chord_move_keys_left ${expected}`));
      assert.equal(pictures, expected);
      await new Promise(setImmediate);
    }
  });

  it("every series of the table, and the documentation has each", async () => {
    const { text } = await metrics.scrape();
    const path = join(import.meta.dirname, "..", "..", "..", "docs", "metrics.md");
    const documentation = readFileSync(path, "utf8");
    for (const { name } of Object.values({ ...counters, ...gauges, ...histograms })) {
      assert.ok(text.includes(`# TYPE ${name} `), `${name} is not in the scrape`);
      assert.ok(documentation.includes(`\`${name}`), `${name} is not in docs/metrics.md`);
    }
  });
});
