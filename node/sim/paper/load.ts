/**
 * Rows A to D: how evenly consistent hashing spreads keys over nodes (SIGCOMM 2001, 6.2, figures 8
 * and 9). Placement is production's: SHA-1 and the successor, every key checked by the ownership
 * test of the core.
 */
import { betweenRightClosed } from "../../src/chord/index.ts";
import { SeededRandom } from "../random.ts";
import { sha1 } from "../world.ts";
import { drawChart, type Point } from "./chart.ts";
import { type Chart, type Experiment, type Scale, type Section, table } from "./experiment.ts";
import { modelLoads } from "./independent-model.ts";
import { prefixBits, SortedCircle } from "./sorted-circle.ts";
import { average, interval, quantile } from "./statistics.ts";

interface Sizes {
  readonly nodes: number;
  readonly keysMax: number;
  readonly steps: number;
  readonly runs: number;
  /** Runs of the experiment with virtual nodes, which costs five placements for each key. */
  readonly virtualRuns: number;
}

const virtualNodeCounts = [1, 2, 5, 10, 20];

/** From the small simulation in the project's notes, another one than `independent-model.ts`. */
const notedVirtual: Readonly<Record<number, string>> = {
  1: "0 / 4.61",
  2: ".06 / 3.37",
  5: ".25 / 2.35",
  10: ".39 / 1.91",
  20: ".50 / 1.63",
};

export const load: Experiment = {
  rows: ["A", "B", "C", "D"],
  title: "load balance",
  async run(scale) {
    const sizes: Sizes = scale.quick
      ? { nodes: 1000, keysMax: 20_000, steps: 4, runs: 3, virtualRuns: 2 }
      : { nodes: 10_000, keysMax: 1_000_000, steps: 10, runs: 20, virtualRuns: 3 };
    const loads = placeAll(sizes, scale);
    return [
      loadSection(sizes, loads),
      densitySection(sizes, loads),
      emptyBinSection(sizes),
      virtualSection(sizes, scale),
    ];
  },
};

/** Loads of all nodes of all runs, ascending, after each step of keys. */
function placeAll(sizes: Sizes, scale: Scale): Int32Array[] {
  const { nodes, keysMax, steps, runs } = sizes;
  const pooled = Array.from({ length: steps }, () => new Int32Array(nodes * runs));
  for (let run = 0; run < runs; run++) {
    scale.progress(`run ${run + 1} of ${runs}`);
    const places = placesOf(run, nodes, 1);
    const loads = new Int32Array(nodes);
    for (let key = 0; key < keysMax; key++) {
      const owner = ownerOf(places, `${run} key ${key}`);
      loads[owner] = (loads[owner] ?? 0) + 1;
      const step = ((key + 1) * steps) / keysMax;
      if (Number.isInteger(step)) pooled[step - 1]?.set(loads, run * nodes);
    }
  }
  return pooled.map((loads) => loads.sort());
}

interface Places {
  readonly circle: SortedCircle;
  readonly nodes: Int32Array;
}

/** The places on the circle of nodes that hold `virtualNodes` each. */
function placesOf(run: number, nodes: number, virtualNodes: number): Places {
  const places = Array.from({ length: nodes * virtualNodes }, (_, place) => ({
    id: sha1(`${run} node ${place % nodes} place ${Math.floor(place / nodes)}`),
    node: place % nodes,
  })).sort((a, b) => (a.id < b.id ? -1 : 1));
  const circle = new SortedCircle(places.map((place) => place.id));
  return { circle, nodes: Int32Array.from(places, (place) => place.node) };
}

/** The node that owns a key; throws when the core's own test does not agree. */
function ownerOf(places: Places, key: string): number {
  const { ids, size } = places.circle;
  const id = sha1(key);
  const place = places.circle.successorOf(id);
  const [before, own] = [ids[(place + size - 1) % size], ids[place]];
  if (before === undefined || own === undefined || !betweenRightClosed(before, id, own)) {
    throw new Error(`The core does not give ${id} to node ${place}`);
  }
  return places.nodes[place] ?? -1;
}

interface Spread {
  readonly p1: number;
  readonly p99: number;
  readonly max: number;
}

/** In units of the mean. */
function spreadOf(ascending: Int32Array): Spread {
  const mean = ascending.reduce((sum, keys) => sum + keys, 0) / ascending.length;
  return {
    p1: quantile(ascending, 0.01) / mean,
    p99: quantile(ascending, 0.99) / mean,
    max: (ascending.at(-1) ?? 0) / mean,
  };
}

function modelSpread(sizes: Sizes, shape: { keys: number; virtualNodes: number }): Spread {
  const random = new SeededRandom(8);
  const runs = Math.min(5, sizes.runs);
  const loads = Array.from({ length: runs }, () =>
    modelLoads({ nodes: sizes.nodes, ...shape }, () => random.next()),
  );
  return spreadOf(Int32Array.from(loads.flatMap((one) => [...one])).sort());
}

const two = (value: number): string => value.toFixed(2);

interface LoadRow {
  readonly keys: number;
  /** Nodes without a key, in all runs. */
  readonly zeros: number;
  readonly ascending: Int32Array;
  readonly spread: Spread;
}

function loadChart(sizes: Sizes, rows: readonly LoadRow[]): Chart {
  const curve = (fraction: number): Point[] =>
    rows.map(({ keys, ascending }) => [keys, quantile(ascending, fraction)]);
  return drawChart({
    name: "paper-a-load",
    title: `Keys per node, ${sizes.nodes} nodes, ${sizes.runs} runs`,
    alt: "Mean and percentiles of keys per node grow with the keys",
    x: { name: "keys in the system" },
    y: { name: "keys per node" },
    series: [
      { name: "99th percentile", points: curve(0.99) },
      { name: "mean", points: rows.map(({ keys }) => [keys, keys / sizes.nodes]) },
      { name: "1st percentile", points: curve(0.01) },
    ],
  });
}

function loadSection(sizes: Sizes, loads: readonly Int32Array[]): Section {
  const rows = loads.map((ascending, step): LoadRow => {
    const keys = ((step + 1) * sizes.keysMax) / sizes.steps;
    const zeros = ascending.findIndex((count) => count > 0);
    return { keys, zeros, ascending, spread: spreadOf(ascending) };
  });
  const model = modelSpread(sizes, { keys: sizes.keysMax, virtualNodes: 1 });
  return {
    heading: "A: keys per node (SIGCOMM figure 8a)",
    lines: [
      `The paper places 10^5 to 10^6 keys on 10^4 nodes, 20 times. Its spread grows linearly with` +
        ` the number of keys, and some nodes hold no key at all in every case.`,
      "",
      ...table(
        ["keys", "mean", "p1", "p99", "p99 / mean", "max / mean", "share of nodes without a key"],
        rows.map(({ keys, zeros, ascending, spread }) => [
          `${keys}`,
          two(keys / sizes.nodes),
          `${quantile(ascending, 0.01)}`,
          `${quantile(ascending, 0.99)}`,
          two(spread.p99),
          two(spread.max),
          (zeros / ascending.length).toFixed(5),
        ]),
      ),
      `Independent model at ${sizes.keysMax} keys: p1 ${two(model.p1)}, p99 ${two(model.p99)},` +
        ` max ${two(model.max)} times the mean.`,
      "",
      "![paper-a-load]",
    ],
    charts: [loadChart(sizes, rows)],
    gates: [
      {
        text: "A: p99 of keys per node follows the law of random arcs within 5 % at every step",
        met: rows.every(({ keys, spread }) => {
          const mean = keys / sizes.nodes;
          return Math.abs(spread.p99 / lawOfArcs(mean, 0.99) - 1) < 0.05;
        }),
      },
      {
        text: "A: some nodes hold no key at every step",
        met: rows.every(({ zeros }) => zeros > 0),
      },
    ],
  };
}

/** A quantile of the keys on an arc of random length, which are geometrically distributed. */
function lawOfArcs(mean: number, fraction: number): number {
  return Math.log(1 - fraction) / Math.log(mean / (1 + mean)) / mean;
}

function densitySection(sizes: Sizes, loads: readonly Int32Array[]): Section {
  const middle = loads[Math.ceil(sizes.steps / 2) - 1] ?? new Int32Array(1);
  const keys = (Math.ceil(sizes.steps / 2) * sizes.keysMax) / sizes.steps;
  const mean = keys / sizes.nodes;
  const maxima = runMaxima(sizes, keys);
  const spread = spreadOf(middle);
  const model = modelSpread(sizes, { keys, virtualNodes: 1 });
  const width = Math.max(1, Math.round(mean / 5));
  const bins: number[] = [];
  for (const count of middle) {
    const bin = Math.floor(count / width);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  const density = Array.from(bins, (count, bin): Point => {
    return [(bin + 0.5) * width, (count ?? 0) / middle.length / width];
  });
  const law = density.map(([x]): Point => [x, Math.exp(-x / mean) / mean]);
  const usual = two(average(maxima) / mean);
  const largest = `${usual} (largest of ${sizes.runs} runs ${two(spread.max)})`;
  const chart = drawChart({
    name: "paper-b-density",
    title: `Probability density of keys per node, ${keys} keys`,
    alt: "The density of keys per node falls exponentially",
    x: { name: "keys per node", min: 0, max: Math.ceil(7 * mean) },
    y: { name: "probability density" },
    series: [
      { name: "ours", kind: "points", points: density },
      { name: "exponential law of random arcs", kind: "dashed", points: law },
    ],
  });
  return {
    heading: "B: density of keys per node (SIGCOMM figure 8b)",
    lines: [
      `The paper: 5·10^5 keys on 10^4 nodes. Ours: ${keys} keys on ${sizes.nodes} nodes.`,
      "",
      ...table(
        ["", "published", "independent model", "ours"],
        [
          ["p99 / mean", "4.6", two(model.p99), two(spread.p99)],
          ["max / mean, one run", "9.1 (457 keys)", "~ 9.9 (noted simulation)", largest],
        ],
      ),
      "![paper-b-density]",
    ],
    charts: [chart],
    gates: [],
  };
}

/** The largest load of each run. */
function runMaxima(sizes: Sizes, keys: number): number[] {
  return Array.from({ length: Math.min(5, sizes.runs) }, (_, run) => {
    const places = placesOf(run, sizes.nodes, 1);
    const loads = new Int32Array(sizes.nodes);
    for (let key = 0; key < keys; key++) {
      const owner = ownerOf(places, `${run} key ${key}`);
      loads[owner] = (loads[owner] ?? 0) + 1;
    }
    return Math.max(...loads);
  });
}

function emptyBinSection(sizes: Sizes): Section {
  const shares = Array.from({ length: sizes.runs }, (_, run) => {
    const { prefixes } = placesOf(run, sizes.nodes, 1).circle;
    const bins = new Set(
      Array.from(prefixes, (prefix) => Math.floor((prefix / 2 ** prefixBits) * sizes.nodes)),
    );
    return 1 - bins.size / sizes.nodes;
  });
  const { mean, halfWidth } = interval(shares);
  return {
    heading: "C: empty bins (SIGCOMM 6.2)",
    lines: [
      `Why the spread is so wide: of N equal arcs with N nodes on them, many hold no node.`,
      "",
      ...table(
        ["", "published", "independent model", `ours (${sizes.nodes} nodes, ${sizes.runs} runs)`],
        [
          [
            "share of empty arcs",
            "0.368",
            "e^-1 = 0.3679",
            `${mean.toFixed(4)} ± ${halfWidth.toFixed(4)}`,
          ],
        ],
      ),
    ],
    charts: [],
    gates: [
      {
        text: "C: the share of empty bins is e^-1 within 3 %",
        met: Math.abs(mean * Math.E - 1) < 0.03,
      },
    ],
  };
}

interface VirtualRow {
  readonly virtualNodes: number;
  readonly ours: Spread;
  readonly model: Spread;
}

function virtualChart(sizes: Sizes, rows: readonly VirtualRow[]): Chart {
  const curve = (value: (row: VirtualRow) => number): Point[] =>
    rows.map((row) => [row.virtualNodes, value(row)]);
  return drawChart({
    name: "paper-d-virtual-nodes",
    title: `Spread of keys with virtual nodes, ${sizes.nodes} real nodes, ${sizes.keysMax} keys`,
    alt: "With more virtual nodes the percentiles move to the mean",
    x: { name: "virtual nodes per real node", min: 0, max: 20 },
    y: { name: "keys per real node, in means" },
    series: [
      { name: "99th percentile, ours", points: curve((row) => row.ours.p99) },
      { name: "99th percentile, model", kind: "dashed", points: curve((row) => row.model.p99) },
      { name: "1st percentile, ours", points: curve((row) => row.ours.p1) },
      { name: "1st percentile, model", kind: "dashed", points: curve((row) => row.model.p1) },
    ],
  });
}

function virtualSection(sizes: Sizes, scale: Scale): Section {
  const { nodes, keysMax, virtualRuns } = sizes;
  const rows = virtualNodeCounts.map((virtualNodes): VirtualRow => {
    const pooled = new Int32Array(nodes * virtualRuns);
    for (let run = 0; run < virtualRuns; run++) {
      scale.progress(`${virtualNodes} virtual nodes, run ${run + 1} of ${virtualRuns}`);
      const places = placesOf(run, nodes, virtualNodes);
      for (let key = 0; key < keysMax; key++) {
        const owner = run * nodes + ownerOf(places, `${run} key ${key}`);
        pooled[owner] = (pooled[owner] ?? 0) + 1;
      }
    }
    const ours = spreadOf(pooled.sort());
    return { virtualNodes, ours, model: modelSpread(sizes, { keys: keysMax, virtualNodes }) };
  });
  const published: Readonly<Record<number, string>> = { 1: "0 / 4.8", 20: ".5 / 1.6" };
  const pair = (spread: Spread): string => `${two(spread.p1)} / ${two(spread.p99)}`;
  // One key more or less on a node is no difference.
  const apart = (row: VirtualRow): number =>
    (Math.abs(row.ours.p99 - row.model.p99) - nodes / keysMax) / row.model.p99;
  return {
    heading: "D: virtual nodes (SIGCOMM figure 9)",
    lines: [
      `10^6 keys in the paper, ${keysMax} here; each real node holds v places on the circle. p1` +
        " and p99 of keys per real node, in means. The paper gives its ends in words.",
      "",
      ...table(
        ["v", "published p1 / p99", "noted simulation", "independent model", "ours"],
        rows.map((row) => [
          `${row.virtualNodes}`,
          published[row.virtualNodes] ?? "",
          notedVirtual[row.virtualNodes] ?? "",
          pair(row.model),
          pair(row.ours),
        ]),
      ),
      "![paper-d-virtual-nodes]",
    ],
    charts: [virtualChart(sizes, rows)],
    gates: [
      {
        text: "D: p99 is within 5 % of the independent model for every v",
        met: rows.every((row) => apart(row) < 0.05),
      },
    ],
  };
}
