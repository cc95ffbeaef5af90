/**
 * The plots of the document, as SVG: lines, points with error bars, and bars. One look for all:
 * white background so that they read on light and dark pages, axis titles, a legend below the
 * title, colours that colour-blind readers can tell apart (Okabe and Ito), and a shape per series.
 */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Chart } from "./experiment.ts";

echarts.use([BarChart, GridComponent, LegendComponent, LineChart, SVGRenderer, TitleComponent]);

export type Point = readonly [x: number, y: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** `line` with a marker at each point (default), `dashed` without markers, `points`, `bar`. */
  readonly kind?: "line" | "dashed" | "points" | "bar";
}

export interface Axis {
  readonly name: string;
  readonly scale?: "linear" | "log10";
  readonly min?: number;
  readonly max?: number;
  /** Names instead of numbers; the points' x is then an index into them. */
  readonly categories?: readonly string[];
}

/** The x axis may also be one of powers of two. */
export interface WideAxis extends Omit<Axis, "scale"> {
  readonly scale?: Axis["scale"] | "log2";
}

export interface ChartSpec {
  readonly name: string;
  readonly title: string;
  readonly alt: string;
  readonly x: WideAxis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
const symbols = ["circle", "rect", "triangle", "diamond", "emptyCircle", "emptyRect", "pin"];
const font = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";
const ink = "#24292f";
const legendTop = 38;
const legendRowHeight = 22;
const size = { width: 760, height: 440 };

/** Draws a chart. The same data give the same bytes. */
export function drawChart(spec: ChartSpec): Chart {
  const gridTop = legendTop + 14 + legendRows(spec.series).length * legendRowHeight;
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, ...size });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    color: colours,
    textStyle: { fontFamily: font, color: ink },
    title: { text: spec.title, left: "center", top: 10, textStyle: { fontSize: 16, color: ink } },
    legend: legendRows(spec.series).map((row, index) => ({
      top: legendTop + index * legendRowHeight,
      itemGap: 36,
      textStyle: { fontSize: 12, color: ink },
      data: row.map(({ name, kind }) =>
        kind === "dashed" ? { name, itemStyle: { opacity: 0 } } : { name },
      ),
    })),
    grid: { left: 70, right: 32, top: gridTop, bottom: 60 },
    xAxis: xOption(spec),
    yAxis: axisOption(spec.y, "y"),
    series: spec.series.map((series, index) =>
      seriesOption(spec.x.scale === "log2" ? overExponents(series) : series, index),
    ),
  });
  const svg = normalised(chart.renderToSVGString());
  chart.dispose();
  return { name: spec.name, alt: spec.alt, svg };
}

/** The legend in rows that fit the width, by the length of the names. */
function legendRows(series: readonly Series[]): Series[][] {
  const rows: Series[][] = [[]];
  let width = 0;
  for (const one of series) {
    const own = 7 * one.name.length + 76;
    if (width > 0 && width + own > size.width - 20) {
      rows.push([]);
      width = 0;
    }
    rows.at(-1)?.push(one);
    width += own;
  }
  return rows;
}

function xOption({ x, series }: ChartSpec): object {
  const { scale, ...axis } = x;
  if (scale === "log2") return { ...axisOption(axis, "x"), ...powersOption(series) };
  return axisOption(scale === undefined ? axis : { ...axis, scale }, "x");
}

function overExponents(series: Series): Series {
  return { ...series, points: series.points.map(([x, y]): Point => [Math.log2(x), y]) };
}

function axisOption(axis: Axis, side: "x" | "y"): object {
  const { name, categories, min, max } = axis;
  return {
    ...scaleOption(axis),
    name,
    nameLocation: "middle",
    nameGap: side === "x" ? 32 : 46,
    nameTextStyle: { fontSize: 13, color: ink },
    axisLine: { show: true, lineStyle: { color: ink } },
    axisTick: { show: true },
    axisLabel: { color: ink, fontSize: 12, ...(categories === undefined ? {} : { interval: 0 }) },
    splitLine: { lineStyle: { color: "#e5e7eb" } },
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}

function scaleOption({ scale = "linear", categories }: Axis): object {
  if (categories !== undefined) return { type: "category", data: categories };
  if (scale === "linear") return { type: "value" };
  return { type: "log", logBase: 10 };
}

/** An axis of exponents with a label at each power of two; the library's own skips most of them. */
function powersOption(series: readonly Series[]): object {
  const exponents = series.flatMap(({ points }) => points.map(([x]) => Math.log2(x)));
  return {
    min: Math.floor(Math.min(...exponents)),
    max: Math.ceil(Math.max(...exponents)),
    interval: 1,
    axisLabel: { color: ink, fontSize: 12, formatter: (exponent: number) => `${2 ** exponent}` },
  };
}

function seriesOption(series: Series, index: number): object {
  const { name, kind = "line" } = series;
  const data = series.points.map(([x, y]) => [x, y]);
  const symbol = symbols[index % symbols.length];
  switch (kind) {
    case "bar":
      return { type: "bar", name, data, barMaxWidth: 26 };
    case "dashed":
      return { type: "line", name, data, symbol: "none", lineStyle: { type: "dashed", width: 2 } };
    case "points":
      return { type: "line", name, data, symbol, symbolSize: 9, lineStyle: { width: 0 } };
    case "line":
      return { type: "line", name, data, symbol, symbolSize: 7, lineStyle: { width: 2 } };
  }
}

/** Without the counters that the library puts into names, which depend on what it drew before. */
function normalised(svg: string): string {
  const seen = new Map<string, string>();
  return `${svg.replaceAll(/zr\d+-(c|cls-|g)?\d+/g, (name) => {
    const short = seen.get(name) ?? `n${seen.size}`;
    seen.set(name, short);
    return short;
  })}\n`;
}
