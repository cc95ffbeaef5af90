/**
 * Rows E and F: how many nodes a lookup visits (SIGCOMM 2001, 6.3, figure 10), on ideal rings of
 * 2^3 to 2^14 nodes. The same rings and keys go through the independent model, so that every single
 * lookup can be compared.
 */
import { SeededRandom } from "../random.ts";
import { sha1 } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Experiment, type Gate, type Scale, type Section, table } from "./experiment.ts";
import { IdealRing } from "./ideal-ring.ts";
import { IndependentModel } from "./independent-model.ts";
import { circleOf, prefixOf } from "./sorted-circle.ts";
import { Histogram, nearMean, nearTail, showCounts } from "./statistics.ts";

/** What the lookups of one ring size and list length showed. */
export interface PathLengths {
  readonly nodes: number;
  readonly successors: number;
  readonly ours: Histogram;
  /** With the test of a node's own arc, as production has it. */
  readonly model: Histogram;
  /** Without that test, as in the papers. */
  readonly paperModel: Histogram;
  /** Lookups that took another number of hops than in the model. */
  readonly unequal: number;
  /** Lookups that ended at another node than the key's successor. */
  readonly wrong: number;
}

export interface PathPlan {
  readonly nodes: number;
  readonly successors: number;
  readonly lookups: number;
  /** Rings drawn; small rings differ much from each other. */
  readonly rings: number;
}

/** From the small simulation in the project's notes: fingers only, r = 4, r = 2 log2 N. */
const noted: Readonly<Record<number, readonly [string, string, string]>> = {
  8: ["1.45 (0,3)", ".51", ".25"],
  16: ["1.87 (0,4)", ".96", ".51"],
  32: ["2.30 (0,5)", "1.43", ".86"],
  64: ["2.90 (0,5)", "1.99", "1.21"],
  128: ["3.39 (1,6)", "2.45", "1.59"],
  256: ["3.87 (1,7)", "2.97", "2.02"],
  512: ["4.33 (1,7)", "3.43", "2.41"],
  1024: ["4.86 (1,8)", "3.95", "2.84"],
  4096: ["5.88 (2,10)", "4.95", "3.72"],
  16384: ["6.85 (3,11)", "5.95", "4.61"],
};

export const pathLength: Experiment = {
  rows: ["E", "F"],
  title: "path length",
  async run(scale) {
    const exponents = scale.quick ? [3, 4, 6, 8] : [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
    const results: PathLengths[][] = [];
    for (const exponent of exponents) {
      const nodes = 2 ** exponent;
      const row: PathLengths[] = [];
      for (const successors of [1, 4, 2 * exponent]) {
        scale.progress(`2^${exponent} nodes, r = ${successors}`);
        row.push(await measure(planFor(nodes, successors, scale)));
      }
      results.push(row);
    }
    return [lengthSection(results), densitySection(results)];
  },
};

/** The paper's 100 lookups per node where r is the paper's 1, up to the size of row F. */
function planFor(nodes: number, successors: number, scale: Scale): PathPlan {
  const rings = Math.max(1, Math.ceil((scale.quick ? 512 : 4096) / nodes));
  if (scale.quick) return { nodes, successors, lookups: 4000, rings };
  if (successors > 1) return { nodes, successors, lookups: 20_000, rings };
  const lookups = nodes <= 4096 ? Math.max(20_000, 100 * nodes) : 100_000;
  return { nodes, successors, lookups, rings };
}

/** Routes the same lookups through production code and model. */
export async function measure(plan: PathPlan): Promise<PathLengths> {
  const { nodes, successors, rings } = plan;
  const random = new SeededRandom(nodes * 100 + successors);
  const [ours, model, paperModel] = [new Histogram(), new Histogram(), new Histogram()];
  let unequal = 0;
  let wrong = 0;
  const perRing = Math.ceil(plan.lookups / rings);
  for (let ring = 0; ring < rings; ring++) {
    const circle = circleOf(`${nodes} ${ring}`, nodes);
    const production = new IdealRing(circle, { successors });
    const own = new IndependentModel(circle.prefixes, { successors, ownArc: true });
    const paper = new IndependentModel(circle.prefixes, { successors, ownArc: false });
    for (let i = 0; i < perRing; i++) {
      const start = random.integer(0, nodes - 1);
      const key = sha1(`${ring} key ${i}`);
      const found = await production.lookup(start, key);
      const { forwards } = own.lookup(start, prefixOf(key));
      ours.add(found.hops);
      model.add(forwards);
      paperModel.add(paper.lookup(start, prefixOf(key)).forwards);
      if (found.hops !== forwards) unequal += 1;
      if (found.owner !== production.ownerOf(key)) wrong += 1;
    }
  }
  return { nodes, successors, ours, model, paperModel, unequal, wrong };
}

/** The gate of the brief: the mean within 3 %, the 99th percentile within a hop, no wrong owner. */
export function pathGates(results: readonly PathLengths[]): Gate[] {
  const sizes = `${results[0]?.nodes ?? 0} to ${results.at(-1)?.nodes ?? 0} nodes`;
  return [
    {
      text: `E: mean path length within 3 % of the model, ${sizes}`,
      met: results.every(({ ours, model }) => nearMean(ours, model)),
    },
    {
      text: `E: p99 of path length within one hop, ${sizes}`,
      met: results.every(({ ours, model }) => nearTail(ours, model)),
    },
    {
      text: `E: every lookup ends at the key's successor, ${sizes}`,
      met: results.every(({ wrong }) => wrong === 0),
    },
  ];
}

function lengthSection(results: readonly (readonly PathLengths[])[]): Section {
  const all = results.flat();
  const column = (index: number, value: (one: PathLengths) => number): Point[] =>
    results.map((row) => {
      const one = row[index] as PathLengths;
      return [one.nodes, value(one)];
    });
  const mean = (one: PathLengths): number => one.ours.mean;
  const chart = drawChart({
    name: "paper-e-path-length",
    title: "Path length of a lookup",
    alt: "Path length grows by half a hop with every doubling of the ring",
    x: { name: "nodes N", scale: "log2" },
    y: { name: "hops (forwards)" },
    series: [
      { name: "r = 1, 99th percentile", points: column(0, (one) => one.ours.percentile(0.99)) },
      { name: "r = 1, mean", points: column(0, mean) },
      { name: "r = 4, mean", points: column(1, mean) },
      { name: "r = 2 log2 N, mean", points: column(2, mean) },
      { name: "r = 1, 1st percentile", points: column(0, (one) => one.ours.percentile(0.01)) },
      { name: "½ log2 N", kind: "dashed", points: column(0, (one) => Math.log2(one.nodes) / 2) },
    ],
  });
  const unequal = all.reduce((sum, one) => sum + one.unequal, 0);
  const count = all.reduce((sum, one) => sum + one.ours.count, 0);
  return {
    heading: "E: path length (SIGCOMM figure 10a)",
    lines: [
      "The paper: 2^3 to 2^14 nodes, 100·N keys, mean about ½ log2 N. Forwards, mean (p1,p99):" +
        " nodes that answered on the way, the asking one not counted; the paper's count of" +
        " nodes is one more. “Papers” is the model without the test of a node's own arc, “own" +
        " arc” with it. Noted values are from a separate small simulation, without that test.",
      "",
      ...lengthTable(results, 0, "r = 1, fingers only, as in the paper"),
      ...lengthTable(results, 1, "r = 4, the default here"),
      ...lengthTable(results, 2, "r = 2 log2 N, as in ToN's experiments"),
      `Of ${count} lookups, ${unequal} took another number of hops than in the independent model` +
        " with the own-arc test.",
      "",
      "In small rings ours is below the paper's rule because a node tests its own arc, which" +
        " saves a way round the whole circle for one key in N; the two models differ by just that.",
      "",
      "![paper-e-path-length]",
    ],
    charts: [chart],
    gates: pathGates(all),
  };
}

function lengthTable(
  results: readonly (readonly PathLengths[])[],
  index: 0 | 1 | 2,
  caption: string,
): string[] {
  const rows = results.map((row) => {
    const one = row[index] as PathLengths;
    const { nodes, successors, ours, model, paperModel } = one;
    const rule = Math.log2(nodes) / 2 - Math.log2(successors) / 2;
    return [
      `${nodes}`,
      index === 0 ? (Math.log2(nodes) / 2).toFixed(1) : rule.toFixed(2),
      noted[nodes]?.[index] ?? "",
      showCounts(paperModel),
      showCounts(model),
      showCounts(ours),
      ours.halfWidth.toFixed(3),
    ];
  });
  const published = index === 0 ? "published: ½ log2 N" : "rule ½ log2 N − ½ log2 r";
  return [
    `${caption}:`,
    "",
    ...table(
      ["N", published, "noted", "model, papers", "model, own arc", "ours", "± of the mean"],
      rows,
    ),
  ];
}

function densitySection(results: readonly (readonly PathLengths[])[]): Section {
  const one = (results.find((row) => row[0]?.nodes === 4096) ?? results.at(-1))?.[0];
  if (one === undefined) throw new Error("The density needs one ring");
  const shares = (hops: Histogram): Point[] =>
    Array.from({ length: hops.max + 1 }, (_, hop) => [hop, hops.share(hop)]);
  const chart = drawChart({
    name: "paper-f-path-density",
    title: `Distribution of path length, ${one.nodes} nodes, r = 1`,
    alt: "The distribution of path length is a bell around half of log2 N",
    x: { name: "hops (forwards)", min: 0 },
    y: { name: "share of lookups" },
    series: [
      { name: "ours", kind: "bar", points: shares(one.ours) },
      { name: "model with own-arc test", points: shares(one.model) },
    ],
  });
  const cells = shares(one.ours).map(([hop, share]) => [
    `${hop}`,
    one.model.share(hop).toFixed(4),
    share.toFixed(4),
  ]);
  return {
    heading: "F: distribution of path length (SIGCOMM figure 10b)",
    lines: [
      "Published for 2^12 nodes: a bell around 6. Noted: mean 5.88, p1 2, p99 10. Model:" +
        ` ${showCounts(one.model)}. Ours, ${one.ours.count} lookups on ${one.nodes} nodes:` +
        ` ${showCounts(one.ours)}.`,
      "",
      ...table(["forwards", "model", "ours"], cells),
      "![paper-f-path-density]",
    ],
    charts: [chart],
    gates: [],
  };
}
