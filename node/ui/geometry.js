/**
 * The geometry of the circle, pure: from turns to points, paths and places of labels.
 *
 * A turn is a place on the circle in [0, 1), clockwise from the top; the centre is (0, 0) and y
 * grows downwards, as in SVG. Nothing here touches the document, so all of it is unit-tested.
 */

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{name: string, turn: number, priority: number}} LabelRequest
 * @typedef {Point & {name: string, side: "left" | "right"}} LabelPlace
 */

/**
 * @param {number} turn
 * @param {number} radius
 * @returns {Point}
 */
export function pointAt(turn, radius) {
  const angle = turn * 2 * Math.PI;
  return { x: radius * Math.sin(angle), y: -radius * Math.cos(angle) };
}

/**
 * An arc clockwise along a radius.
 * @param {{from: number, span: number, radius: number}} arc
 */
export function arcPath({ from, span, radius }) {
  return `M${text(pointAt(from, radius))}${arcTo({ from, span, radius, clockwise: true })}`;
}

/**
 * A band between two radii, clockwise over `span` turns; a closed path to fill.
 * @param {{from: number, span: number, inner: number, outer: number}} band
 */
export function bandPath({ from, span, inner, outer }) {
  const to = from + span;
  const there = arcTo({ from, span, radius: outer, clockwise: true });
  const back = arcTo({ from: to, span, radius: inner, clockwise: false });
  return `M${text(pointAt(from, outer))}${there}L${text(pointAt(to, inner))}${back}Z`;
}

/**
 * SVG draws no arc whose ends coincide, so a long arc is drawn as two halves.
 * @param {{from: number, span: number, radius: number, clockwise: boolean}} arc
 */
function arcTo({ from, span, radius, clockwise }) {
  const sign = clockwise ? 1 : -1;
  const r = round(radius);
  return [0.5, 1]
    .map((part) => text(pointAt(from + sign * span * part, radius)))
    .map((end) => `A${r} ${r} 0 0 ${clockwise ? 1 : 0} ${end}`)
    .join("");
}

/**
 * A chord from one place to another that bends towards the centre, the more the longer it is: so
 * chords of neighbours keep clear of the circle and of one another.
 * @param {number} from
 * @param {number} to
 * @param {number} radius
 */
export function chordPath(from, to, radius) {
  const half = Math.abs(((to - from + 1.5) % 1) - 0.5) / 2;
  const straight = Math.cos(half * 2 * Math.PI);
  const depth = Math.max(0, straight - 0.6 * Math.sin(half * 2 * Math.PI));
  const middle = from + (((to - from + 1.5) % 1) - 0.5) / 2;
  const control = pointAt(middle, radius * depth);
  return `M${text(pointAt(from, radius))}Q${text(control)} ${text(pointAt(to, radius))}`;
}

/**
 * Places for labels around the circle, at least `lineHeight` apart on each side, as near to their
 * nodes as that allows. Where a side has no room for all, those of least priority get no place.
 * @param {readonly LabelRequest[]} labels
 * @param {{radius: number, limit: number, lineHeight: number}} room radius of the circle that
 *   labels start from; limit of |y|
 * @returns {LabelPlace[]}
 */
export function placeLabels(labels, room) {
  const right = labels.filter((label) => label.turn < 0.5);
  const left = labels.filter((label) => label.turn >= 0.5);
  return [...placeSide(right, "right", room), ...placeSide(left, "left", room)];
}

/**
 * @param {readonly LabelRequest[]} labels
 * @param {"left" | "right"} side
 * @param {{radius: number, limit: number, lineHeight: number}} room
 * @returns {LabelPlace[]}
 */
function placeSide(labels, side, { radius, limit, lineHeight }) {
  const capacity = Math.max(0, Math.floor((2 * limit) / lineHeight) + 1);
  const kept = [...labels].sort((a, b) => b.priority - a.priority).slice(0, capacity);
  const wanted = kept
    .map((label) => ({ name: label.name, y: pointAt(label.turn, radius).y }))
    .sort((a, b) => a.y - b.y);
  const ys = spread(
    wanted.map((label) => label.y),
    { gap: lineHeight, limit },
  );
  return wanted.map(({ name }, index) => {
    const y = ys[index] ?? 0;
    const x = Math.sqrt(Math.max(0, radius * radius - y * y));
    return { name, side, y, x: side === "right" ? Math.max(x, 6) : Math.min(-x, -6) };
  });
}

/**
 * The places nearest to the wanted ones (least squares) that keep their order, stand `gap` apart
 * and within ±limit. With the gaps subtracted this is isotonic regression: neighbours that are in
 * each other's way are pooled at their mean.
 * @param {readonly number[]} wanted ascending
 * @param {{gap: number, limit: number}} bounds
 * @returns {number[]}
 */
export function spread(wanted, { gap, limit }) {
  /** @type {{sum: number, count: number}[]} */
  const pools = [];
  wanted.forEach((value, index) => {
    let pool = { sum: value - index * gap, count: 1 };
    let before = pools.at(-1);
    while (before !== undefined && before.sum / before.count >= pool.sum / pool.count) {
      pool = { sum: pool.sum + before.sum, count: pool.count + before.count };
      pools.pop();
      before = pools.at(-1);
    }
    pools.push(pool);
  });
  const highest = limit - (wanted.length - 1) * gap;
  return pools
    .flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count))
    .map((value, index) => Math.max(-limit, Math.min(highest, value)) + index * gap);
}

/**
 * The longest beginning that all names share, up to and with its last dash.
 * @param {readonly string[]} names
 */
export function commonPrefix(names) {
  const [first = "", ...rest] = names;
  let length = rest.length === 0 ? 0 : first.length;
  while (length > 0 && !rest.every((name) => name.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, first.slice(0, length).lastIndexOf("-") + 1);
}

/** @param {Point} point */
function text({ x, y }) {
  return `${round(x)} ${round(y)}`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
