/**
 * Lookups on the circle: the key's place, and its route from the entry node hop by hop.
 *
 * What is drawn depends only on the lookups and the layout, so a resize draws it again without
 * motion. Two lookups are drawn together, at one time scale, so that their lengths compare.
 */
import { animate, milliseconds, svg } from "./dom.js";
import { arcPath, chordPath, pointAt } from "./geometry.js";
import { turnOf, turnsBetween } from "./identifier.js";

/**
 * @typedef {import("./api.js").Lookup} Lookup
 * @typedef {import("./dial-layout.js").DialLayout} DialLayout
 * @typedef {{
 *   path: SVGPathElement, head: SVGCircleElement, arrow: SVGPathElement,
 *   caption: SVGGElement | null,
 * }} Hop
 */

const HOP_MS = 520;
const ROUTE_MS_MAX = 5_000;
const CAPTIONS_MAX = 8;
// A hop shorter than this has no room for an arrow head.
const ARROW_ROOM = 30;
const ARROW = "M0 0L-11 5L-11 -5Z";

export class Routes {
  /** @type {readonly Lookup[]} */
  lookups = [];
  #layer;
  #captions;
  #motion = new AbortController();
  /** @type {{id: string, label: string} | null} */
  #pin = null;

  /**
   * @param {SVGGElement} layer below the nodes
   * @param {SVGGElement} captions above them
   */
  constructor(layer, captions) {
    this.#layer = layer;
    this.#captions = captions;
  }

  /** The nodes on the routes, each with the mode of its route; fingers before the walk. */
  get modes() {
    /** @type {Map<string, string>} */
    const modes = new Map();
    for (const { path, owner, mode } of drawingOrder(this.lookups)) {
      for (const { name } of [...path.map(({ node }) => node), owner]) modes.set(name, mode);
    }
    return modes;
  }

  /**
   * Shows where a key lies while it is typed. Routes of another key go.
   * @param {{id: string, label: string} | null} pin
   * @param {DialLayout} layout
   */
  pin(pin, layout) {
    this.#pin = pin;
    this.lookups = this.lookups.filter(({ id }) => id === pin?.id);
    this.redraw(layout);
  }

  /**
   * Draws lookups of one key, moving along their hops.
   * @param {readonly Lookup[]} lookups
   * @param {DialLayout} layout
   */
  async show(lookups, layout) {
    this.lookups = lookups;
    const routes = this.#draw(layout);
    const signal = this.#motion.signal;
    const longest = Math.max(1, ...routes.map((hops) => hops.length));
    const hopMs = Math.min(HOP_MS, ROUTE_MS_MAX / longest);
    for (const hop of routes.flat()) setProgress(hop, 0);
    await Promise.all(routes.map((hops) => runAlong(hops, hopMs, signal)));
  }

  /** @param {DialLayout} layout */
  redraw(layout) {
    this.#draw(layout);
  }

  /** @param {DialLayout} layout @returns {Hop[][]} */
  #draw(layout) {
    this.#motion.abort();
    this.#motion = new AbortController();
    this.#layer.replaceChildren();
    this.#captions.replaceChildren();
    if (this.#pin !== null) this.#layer.append(keyPin(this.#pin, layout));
    return drawingOrder(this.lookups).map((lookup) => {
      const group = svg("g", { class: `route ${lookup.mode}` });
      this.#layer.append(group);
      const hops = drawRoute(group, lookup, layout);
      this.#captions.append(...captionHops(hops, lookup, layout));
      for (const hop of hops) setProgress(hop, 1);
      return hops;
    });
  }
}

/**
 * The walk goes below the route by fingers, which is the shorter one.
 * @param {readonly Lookup[]} lookups
 */
function drawingOrder(lookups) {
  return [...lookups].sort((a, b) => b.mode.localeCompare(a.mode));
}

/**
 * @param {SVGGElement} group
 * @param {Lookup} lookup
 * @param {DialLayout} layout
 * @returns {Hop[]}
 */
function drawRoute(group, { id, path, owner }, layout) {
  const stops = path.map(({ node }) => ({ name: node.name, turn: turnOf(node.id), known: false }));
  const last = stops.at(-1);
  const ownerTurn = turnOf(owner.id);
  // The last node asked knows the owner, its successor; that step is an answer, not a hop.
  if (last !== undefined && last.name !== owner.name) {
    stops.push({ name: owner.name, turn: ownerTurn, known: true });
  }
  const from = turnOf(id);
  const span = turnsBetween(from, ownerTurn);
  group.append(svg("path", { class: "reach", d: arcPath({ from, span, radius: layout.nodes }) }));
  return stops.slice(1).map(({ turn, known }, index) => {
    const d = chordPath(stops[index]?.turn ?? turn, turn, layout.chords - 4);
    const line = svg("path", { class: known ? "answer" : "hop", d });
    const arrow = svg("path", { class: "arrow", d: known ? "M0 0L-8 3.5L-8 -3.5Z" : ARROW });
    const head = svg("circle", { class: "head", r: 4.5 });
    group.append(line, arrow, head);
    return { path: line, head, arrow, caption: null };
  });
}

/**
 * What each hop cost, beside its chord; a long route has no room for it.
 * @param {readonly Hop[]} hops
 * @param {Lookup} lookup
 * @param {DialLayout} layout
 * @returns {SVGGElement[]}
 */
function captionHops(hops, { path, mode }, layout) {
  const steps = path.slice(1);
  if (mode === "walk" || steps.length > CAPTIONS_MAX) return [];
  return steps.flatMap(({ ms }, index) => {
    const hop = hops[index];
    if (hop === undefined) return [];
    const text = `${index + 1} · ${milliseconds(ms)}`;
    const width = text.length * 6.4 + 12;
    const { x, y } = captionPlace(hop.path, layout.chords - width / 2 - 12);
    const box = { x: x - width / 2, y: y - 10, width, height: 20, rx: 10 };
    hop.caption = svg("g", { class: "caption" }, svg("rect", box), svg("text", { x, y }, text));
    return [hop.caption];
  });
}

/**
 * The middle of a chord, moved inwards where it is close to the circle and so to the nodes.
 * @param {SVGPathElement} path
 * @param {number} radiusMax
 */
function captionPlace(path, radiusMax) {
  const { x, y } = path.getPointAtLength(path.getTotalLength() / 2);
  const scale = Math.min(1, radiusMax / Math.max(1, Math.hypot(x, y)));
  return { x: x * scale, y: y * scale };
}

/**
 * @param {readonly Hop[]} hops
 * @param {number} hopMs
 * @param {AbortSignal} signal
 */
async function runAlong(hops, hopMs, signal) {
  for (const hop of hops) {
    await animate(hopMs, (progress) => setProgress(hop, ease(progress)), signal);
    if (signal.aborted) return;
  }
}

/** @param {Hop} hop @param {number} progress */
function setProgress({ path, head, arrow, caption }, progress) {
  const length = path.getTotalLength();
  const { x, y } = path.getPointAtLength(length * progress);
  path.setAttribute("stroke-dashoffset", String(length * (1 - progress)));
  if (progress < 1) path.setAttribute("stroke-dasharray", `${length} ${length}`);
  else path.removeAttribute("stroke-dasharray");
  head.setAttribute("cx", String(x));
  head.setAttribute("cy", String(y));
  const before = path.getPointAtLength(Math.max(0, length - 6));
  const angle = (Math.atan2(y - before.y, x - before.x) * 180) / Math.PI;
  arrow.setAttribute("transform", `translate(${x} ${y}) rotate(${angle})`);
  arrow.classList.toggle("away", progress < 1 || length < ARROW_ROOM);
  head.classList.toggle("moving", progress > 0 && progress < 1);
  caption?.classList.toggle("away", progress < 1);
}

/** @param {number} progress */
function ease(progress) {
  return progress < 0.5 ? 2 * progress ** 2 : 1 - (2 - 2 * progress) ** 2 / 2;
}

/**
 * @param {{id: string, label: string}} pin
 * @param {DialLayout} layout
 */
function keyPin({ id, label }, { ticks, bandOuter, fontSize }) {
  const turn = turnOf(id);
  const from = pointAt(turn, ticks - 15);
  const to = pointAt(turn, bandOuter + 3);
  const text = pointAt(turn, ticks - 27);
  const anchor = anchorInside(turn);
  const tip = pointAt(turn, ticks - 15);
  const diamond = `M${tip.x} ${tip.y - 6}l6 6l-6 6l-6 -6Z`;
  return svg(
    "g",
    { class: "pin" },
    svg("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y }),
    svg("path", { d: diamond }),
    svg("text", { x: text.x, y: text.y, "text-anchor": anchor, "font-size": fontSize }, label),
  );
}

/**
 * Text inside the circle runs away from the nearer side.
 * @param {number} turn
 */
function anchorInside(turn) {
  if (turn > 0.06 && turn < 0.44) return "end";
  return turn > 0.56 && turn < 0.94 ? "start" : "middle";
}
