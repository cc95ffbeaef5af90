/**
 * What fingers are for: the same lookups along first successors only (production's mode `walk`)
 * and by fingers. The paper's simple lookup (SIGCOMM 2001, section 4.3) visits N/2 nodes.
 */
import { SeededRandom } from "../random.ts";
import { sha1 } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Experiment, type Section, table } from "./experiment.ts";
import { IdealRing } from "./ideal-ring.ts";
import { Histogram, nearMean, showCounts } from "./statistics.ts";
import { circleOf } from "./sorted-circle.ts";

export interface Walks {
  readonly nodes: number;
  readonly walk: Histogram;
  /** Nodes between asking node and owner, counted on the circle. */
  readonly model: Histogram;
  readonly finger: Histogram;
  readonly wrong: number;
}

export const naiveWalk: Experiment = {
  rows: ["walk"],
  title: "naive walk against fingers",
  async run(scale) {
    const exponents = scale.quick ? [3, 5, 7] : [3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    const results: Walks[] = [];
    for (const exponent of exponents) {
      scale.progress(`2^${exponent} nodes`);
      const lookups = scale.quick ? 300 : Math.min(2000, Math.max(200, 500_000 / 2 ** exponent));
      results.push(await measureWalks(2 ** exponent, lookups));
    }
    return [section(results)];
  },
};

export async function measureWalks(nodes: number, lookups: number): Promise<Walks> {
  const random = new SeededRandom(nodes);
  const [walk, model, finger] = [new Histogram(), new Histogram(), new Histogram()];
  const rings = Math.max(1, Math.ceil(256 / nodes));
  let wrong = 0;
  for (let ring = 0; ring < rings; ring++) {
    const production = new IdealRing(circleOf(`walk ${nodes} ${ring}`, nodes), { successors: 4 });
    for (let i = 0; i < lookups / rings; i++) {
      const start = random.integer(0, nodes - 1);
      const key = sha1(`${ring} key ${i}`);
      const owner = production.ownerOf(key);
      const [walked, routed] = [
        await production.lookup(start, key, "walk"),
        await production.lookup(start, key),
      ];
      walk.add(walked.hops);
      finger.add(routed.hops);
      const steps = (owner - start + nodes) % nodes;
      model.add(Math.max(0, steps - 1));
      if (walked.owner !== owner || routed.owner !== owner) wrong += 1;
    }
  }
  return { nodes, walk, model, finger, wrong };
}

function section(results: readonly Walks[]): Section {
  const curve = (value: (one: Walks) => number): Point[] =>
    results.map((one) => [one.nodes, value(one)]);
  const chart = drawChart({
    name: "paper-naive-walk",
    title: "Walking along successors against fingers (r = 4)",
    alt: "The walk grows like N, the lookup by fingers like log2 N",
    x: { name: "nodes N", scale: "log2" },
    y: { name: "hops (forwards), mean", scale: "log10", min: 0.1 },
    series: [
      { name: "naive walk, ours", points: curve((one) => one.walk.mean) },
      { name: "N / 2", kind: "dashed", points: curve((one) => one.nodes / 2) },
      { name: "fingers, ours", points: curve((one) => one.finger.mean) },
    ],
  });
  return {
    heading: "Naive walk against fingers",
    lines: [
      "Both on the same rings and keys, r = 4, forwards, mean (p1,p99). The model counts the" +
        " nodes between the asking node and the owner.",
      "",
      ...table(
        [
          "N",
          "published walk: N / 2",
          "walk, model",
          "walk, ours",
          "fingers, ours",
          "walk / fingers",
        ],
        results.map((one) => [
          `${one.nodes}`,
          `${one.nodes / 2}`,
          showCounts(one.model),
          showCounts(one.walk),
          showCounts(one.finger),
          (one.walk.mean / one.finger.mean).toFixed(1),
        ]),
      ),
      "![paper-naive-walk]",
    ],
    charts: [chart],
    gates: [
      {
        text: "Walk: mean within 3 % of the model at every size, no wrong owner",
        met: results.every(({ walk, model, wrong }) => nearMean(walk, model) && wrong === 0),
      },
    ],
  };
}
