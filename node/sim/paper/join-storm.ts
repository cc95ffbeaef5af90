/**
 * Row O: the ring doubles in one step (SIGCOMM 2001, theorem 6). The newcomers stand in everybody's
 * successor list, as after stabilization, but have no fingers, and nobody's fingers lead to them.
 */
import { SeededRandom } from "../random.ts";
import { sha1 } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Section, table } from "./experiment.ts";
import { IdealRing } from "./ideal-ring.ts";
import { IndependentModel } from "./independent-model.ts";
import { circleOf, prefixOf } from "./sorted-circle.ts";
import { Histogram, nearMean, nearTail, showCounts } from "./statistics.ts";

export interface Storm {
  /** Nodes before the storm; as many again come. */
  readonly nodes: number;
  readonly successors: number;
  readonly before: Histogram;
  readonly ours: Histogram;
  readonly model: Histogram;
  /** Lookups that took another number of hops than in the model. */
  readonly unequal: number;
  readonly wrong: number;
}

export const joinStorm: Experiment = {
  rows: ["O"],
  title: "join storm",
  async run(scale) {
    const exponents = scale.quick ? [4, 6, 8] : [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    const results: Storm[] = [];
    for (const exponent of exponents) {
      for (const successors of [1, 4]) {
        scale.progress(`2^${exponent} nodes and as many again, r = ${successors}`);
        const lookups = scale.quick ? 2000 : 10_000;
        results.push(await measureStorm({ nodes: 2 ** exponent, successors, lookups }));
      }
    }
    return [section(results)];
  },
};

export async function measureStorm(plan: {
  readonly nodes: number;
  readonly successors: number;
  readonly lookups: number;
}): Promise<Storm> {
  const { nodes, successors } = plan;
  const rings = Math.max(1, Math.ceil(1024 / nodes));
  const random = new SeededRandom(nodes + successors);
  const [before, ours, model] = [new Histogram(), new Histogram(), new Histogram()];
  let wrong = 0;
  let unequal = 0;
  for (let ring = 0; ring < rings; ring++) {
    const doubled = circleOf(`storm ${nodes} ${ring}`, 2 * nodes);
    const old = random.shuffle([...doubled.ids.keys()]).slice(0, nodes);
    const settled = new Uint8Array(2 * nodes);
    for (const node of old) settled[node] = 1;
    const after = new IdealRing(doubled, { successors }, { settled });
    const theirs = new IndependentModel(doubled.prefixes, { successors, settled, ownArc: true });
    const grown = new IdealRing(doubled, { successors });
    for (let i = 0; i < plan.lookups / rings; i++) {
      const start = random.integer(0, 2 * nodes - 1);
      const key = sha1(`${ring} key ${i}`);
      const found = await after.lookup(start, key);
      ours.add(found.hops);
      if (found.owner !== after.ownerOf(key)) wrong += 1;
      const { forwards } = theirs.lookup(start, prefixOf(key));
      model.add(forwards);
      if (forwards !== found.hops) unequal += 1;
      before.add((await grown.lookup(start, key)).hops);
    }
  }
  return { nodes, successors, before, ours, model, unequal, wrong };
}

function section(results: readonly Storm[]): Section {
  const head = ["N before", "after", "r", "all fingers right", "model", "ours"];
  return {
    heading: "O: join storm (theorem 6)",
    lines: [
      "The theorem: N nodes with right fingers, N newcomers that only successor pointers lead to," +
        " and lookups still take O(log N) steps with high probability. Lookups start anywhere." +
        " Forwards, mean (p1,p99).",
      "",
      ...table(
        [...head, "hops unlike the model", "wrong owners"],
        results.map((one) => [
          ...[one.nodes, 2 * one.nodes, one.successors].map(String),
          ...[one.before, one.model, one.ours].map(showCounts),
          ...[one.unequal, one.wrong].map(String),
        ]),
      ),
      "![paper-o-join-storm]",
    ],
    charts: [draw(results)],
    gates: [
      {
        text: "O: mean within 3 % of the model at every size, p99 within one hop, no wrong owner",
        met: results.every(
          ({ ours, model, wrong }) => nearMean(ours, model) && nearTail(ours, model) && wrong === 0,
        ),
      },
      {
        text: "O: the mean stays within two hops of that with all fingers right",
        met: results.every(({ ours, before }) => ours.mean - before.mean <= 2),
      },
    ],
  };
}

function draw(results: readonly Storm[]): Chart {
  const curve = (successors: number, value: (one: Storm) => number): Point[] =>
    results
      .filter((one) => one.successors === successors)
      .map((one) => [2 * one.nodes, value(one)]);
  return drawChart({
    name: "paper-o-join-storm",
    title: "Path length when the ring has just doubled",
    alt: "Right after a doubling lookups take about one hop more",
    x: { name: "nodes after the doubling", scale: "log2" },
    y: { name: "hops (forwards), mean" },
    series: [
      { name: "r = 1, newcomers without fingers", points: curve(1, (one) => one.ours.mean) },
      { name: "r = 1, all fingers right", points: curve(1, (one) => one.before.mean) },
      { name: "r = 4, newcomers without fingers", points: curve(4, (one) => one.ours.mean) },
      { name: "r = 4, all fingers right", points: curve(4, (one) => one.before.mean) },
      { name: "½ log2 N", kind: "dashed", points: curve(1, (one) => Math.log2(2 * one.nodes) / 2) },
    ],
  });
}
