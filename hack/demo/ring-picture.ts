/**
 * The ring as a drawing in text: the identifier circle, clockwise from the top, every node where
 * its identifier puts it, and a lookup's path across the circle.
 *
 * Pure: from views to lines. Nodes that lie close together keep their own place on the circle, only
 * their names move apart.
 */

export interface PictureNode {
  readonly name: string;
  /** 40 hexadecimal digits. */
  readonly id: string;
}

export interface PictureOptions {
  readonly nodes: readonly PictureNode[];
  /** Names along a lookup, from the entry to the owner; drawn as lines across the circle. */
  readonly path: readonly string[];
  /** Where the key of that lookup lies. */
  readonly keyId?: string;
}

const WIDTH = 76;
const HEIGHT = 23;
const RADIUS_ROWS = 10;
// A character is about twice as high as wide.
const RADIUS_COLUMNS = 21;
const LABEL_GAP = 2;
const LEADING_DIGITS = 12;

interface Point {
  readonly row: number;
  readonly column: number;
}

/** The share of the way round the circle at which an identifier lies: 0 at the top, clockwise. */
export function fractionOf(id: string): number {
  return Number.parseInt(id.slice(0, LEADING_DIGITS), 16) / 16 ** LEADING_DIGITS;
}

function pointAt(fraction: number): Point {
  const angle = fraction * 2 * Math.PI;
  return {
    row: Math.round((HEIGHT - 1) / 2 - Math.cos(angle) * RADIUS_ROWS),
    column: Math.round((WIDTH - 1) / 2 + Math.sin(angle) * RADIUS_COLUMNS),
  };
}

class Canvas {
  readonly #cells = Array.from({ length: HEIGHT }, () => Array<string>(WIDTH).fill(" "));

  put(point: Point, text: string): void {
    const row = this.#cells[point.row];
    if (row === undefined) return;
    for (const [offset, character] of Array.from(text).entries()) {
      if (point.column + offset < WIDTH) row[point.column + offset] = character;
    }
  }

  isFree(point: Point, length: number): boolean {
    const row = this.#cells[point.row];
    if (row === undefined || point.column < 0 || point.column + length > WIDTH) return false;
    return row.slice(point.column, point.column + length).every((cell) => cell === " ");
  }

  lines(): string[] {
    return this.#cells.map((row) => row.join("").trimEnd());
  }
}

function drawCircle(canvas: Canvas): void {
  const POINTS = 72;
  for (let index = 0; index < POINTS; index += 1) canvas.put(pointAt(index / POINTS), "·");
}

function drawLine(canvas: Canvas, from: Point, to: Point): void {
  const steps = Math.max(Math.abs(to.row - from.row) * 2, Math.abs(to.column - from.column));
  for (let index = 1; index < steps; index += 2) {
    const share = index / steps;
    const point = {
      row: Math.round(from.row + (to.row - from.row) * share),
      column: Math.round(from.column + (to.column - from.column) * share),
    };
    if (canvas.isFree(point, 1)) canvas.put(point, "•");
  }
}

/** Nodes whose identifiers fall into one cell of the drawing. */
interface Cluster {
  readonly at: Point;
  readonly names: readonly string[];
  readonly label: string;
  readonly rightHalf: boolean;
}

function clusterNodes(nodes: readonly PictureNode[]): Cluster[] {
  const byCell = new Map<string, PictureNode[]>();
  for (const node of nodes) {
    const { row, column } = pointAt(fractionOf(node.id));
    const cell = `${row},${column}`;
    byCell.set(cell, [...(byCell.get(cell) ?? []), node]);
  }
  return [...byCell.values()].map((members) => {
    const first = members[0] as PictureNode;
    const names = members.map((node) => node.name);
    const label = members.length === 1 ? `${first.name} ${first.id.slice(0, 6)}` : names.join(", ");
    const fraction = fractionOf(first.id);
    return { at: pointAt(fraction), names, label, rightHalf: fraction < 0.5 };
  });
}

/** A name's own row, above it at the top of the circle, then downwards. */
function rowsFrom(own: number): number[] {
  const below = Array.from({ length: HEIGHT - own }, (_, offset) => own + offset);
  return own <= 2 ? [own, own - 1, ...below] : below;
}

/** Writes names beside their points, top to bottom, each on the first row that has room. */
function drawLabels(canvas: Canvas, clusters: readonly Cluster[]): void {
  const ordered = [...clusters].sort((left, right) => left.at.row - right.at.row);
  for (const { at, label, rightHalf } of ordered) {
    const column = rightHalf ? at.column + LABEL_GAP : at.column - LABEL_GAP - label.length + 1;
    for (const row of rowsFrom(at.row)) {
      if (!canvas.isFree({ row, column: column - 1 }, label.length + 2)) continue;
      canvas.put({ row, column }, label);
      break;
    }
  }
}

function drawPath(canvas: Canvas, { nodes, path }: PictureOptions): void {
  const points = path
    .map((name) => nodes.find((node) => node.name === name))
    .filter((node) => node !== undefined)
    .map((node) => pointAt(fractionOf(node.id)));
  for (const [index, to] of points.slice(1).entries()) {
    const from = points[index];
    if (from !== undefined) drawLine(canvas, from, to);
  }
}

/** The drawing, one string a line. */
export function drawRing(options: PictureOptions): string[] {
  const canvas = new Canvas();
  drawCircle(canvas);
  const clusters = clusterNodes(options.nodes);
  for (const { at, names } of clusters) {
    canvas.put(at, names.some((name) => options.path.includes(name)) ? "◉" : "●");
  }
  if (options.keyId !== undefined) canvas.put(pointAt(fractionOf(options.keyId)), "◆");
  // Names before lines, so that the lines run around them.
  drawLabels(canvas, clusters);
  drawPath(canvas, options);
  return canvas.lines();
}
