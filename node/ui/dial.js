/**
 * The identifier circle: tick marks, the partitions, what each node owns, the nodes with what they
 * hold and lead, and labels.
 *
 * One item is kept for each node and changed in place, so that joins and leaves move softly.
 * The circle is a listbox with one tab stop: arrow keys select clockwise and back.
 */
import { layOutDial } from "./dial-layout.js";
import { animate, counted, setAttributes, svg } from "./dom.js";
import { bandPath, commonPrefix, placeLabels, pointAt } from "./geometry.js";
import { PartitionBand } from "./partition-band.js";
import { colourOf } from "./partition-model.js";
import { stateWords } from "./ring-model.js";

/**
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {import("./ring-model.js").RingNode} RingNode
 * @typedef {import("./dial-layout.js").DialLayout} DialLayout
 * @typedef {import("./partition-model.js").Partition} Partition
 * @typedef {{share: number, bar: number, led: number}} Extent how much of an item is drawn
 * @typedef {{
 *   selected: string | null, known: ReadonlySet<string>, routes: ReadonlyMap<string, string>,
 *   partitions: readonly Partition[], partition: number | null,
 * }} Shown the selected node, those it knows, those on a route with the route's mode; the
 *   partitions, and which one is selected
 * @typedef {{
 *   node: RingNode, group: SVGGElement, band: SVGPathElement, bar: SVGLineElement,
 *   ledBar: SVGLineElement, hit: SVGCircleElement, disc: SVGCircleElement,
 *   halo: SVGCircleElement, leader: SVGPathElement, label: SVGTextElement, drawn: Extent,
 * }} Item
 */

const SOFT_MS = 700;
const BAND_GAP = 0.0012;
/** @type {Readonly<Record<string, number>>} */
const PARTITION_STEPS = { PageDown: 1, PageUp: -1 };

export class Dial {
  /** @type {DialLayout} */
  layout = layOutDial({ width: 600, height: 600, count: 0, nameLength: 0 });
  /** Layers for what others draw: chords of a selected node, routes of lookups. */
  relations = svg("g", { class: "relations", "aria-hidden": "true" });
  routes = svg("g", { class: "routes", "aria-hidden": "true" });
  /** Above the nodes, since captions must stay readable. */
  captions = svg("g", { class: "captions", "aria-hidden": "true" });
  /** @type {(name: string | null) => void} */
  #onSelect;
  /** @type {(partition: number) => void} */
  #onPartition;
  /** @type {Ring | null} */
  #ring = null;
  /** @type {Map<string, Item>} */
  #items = new Map();
  #svg;
  #ticks = svg("g", { class: "ticks", "aria-hidden": "true" });
  #bands = svg("g", { class: "bands", "aria-hidden": "true" });
  #band;
  #nodes = svg("g", { class: "nodes" });
  #centre = svg("g", { class: "centre", "aria-hidden": "true" });
  #motion = new AbortController();
  /** @type {string | null} */
  #selected = null;
  /** @type {ReadonlySet<string>} */
  #known = new Set();
  /** @type {ReadonlyMap<string, string>} */
  #routed = new Map();
  /** @type {readonly Partition[]} */
  #partitions = [];
  /** The partition that is selected, and the one below the pointer. @type {number | null} */
  #partition = null;
  /** @type {number | null} */
  #pointed = null;

  /**
   * @param {SVGSVGElement} element
   * @param {{
   *   onSelect: (name: string | null) => void, onPartition: (partition: number) => void,
   *   onResize: () => void,
   * }} handlers
   */
  constructor(element, { onSelect, onPartition, onResize }) {
    this.#svg = element;
    this.#onSelect = onSelect;
    this.#onPartition = onPartition;
    this.#band = new PartitionBand({
      onSelect: onPartition,
      onPoint: (partition) => {
        this.#pointed = partition;
        this.#lightHolders();
      },
    });
    element.append(this.#ticks, this.#bands, this.#band.layer, this.#centre);
    element.append(this.relations, this.routes, this.#nodes, this.captions);
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("click", (event) => {
      if (event.target === element) onSelect(null);
    });
    new ResizeObserver(() => {
      this.#draw({ soft: false });
      onResize();
    }).observe(element);
  }

  /** @param {Ring} ring @param {Shown} shown */
  update(ring, { selected, known, routes, partitions, partition }) {
    const soft = this.#ring !== null;
    this.#ring = ring;
    this.#selected = selected;
    this.#known = known;
    this.#routed = routes;
    this.#partitions = partitions;
    this.#partition = partition;
    this.#band.update(partitions, { node: selected, partition });
    this.#keepItems(ring);
    this.#draw({ soft });
  }

  /** Gives each node an item, and lets go of those of nodes that are gone. */
  #keepItems(/** @type {Ring} */ ring) {
    const names = new Set(ring.nodes.map((node) => node.name));
    for (const [name, item] of this.#items) {
      if (!names.has(name)) this.#dismiss(name, item);
    }
    for (const node of ring.nodes) {
      const item = this.#items.get(node.name);
      if (item === undefined) this.#items.set(node.name, this.#newItem(node));
      else item.node = node;
    }
    // The order of the circle is also the order for a screen reader.
    const groups = ring.nodes.flatMap(({ name }) => this.#items.get(name)?.group ?? []);
    const inOrder = groups.every((group, index) => this.#nodes.children[index] === group);
    if (!inOrder) this.#nodes.append(...groups);
  }

  /** @param {RingNode} node @returns {Item} */
  #newItem(node) {
    const halo = svg("circle", { class: "halo" });
    const hit = svg("circle", { class: "hit" });
    const disc = svg("circle", { class: "disc" });
    const bar = svg("line", { class: "bar" });
    const ledBar = svg("line", { class: `led-bar leader-${colourOf(node.name)}` });
    const leader = svg("path", { class: "leader" });
    const label = svg("text", { class: "label" });
    const group = svg("g", { role: "option" }, leader, bar, ledBar, halo, disc, label, hit);
    group.id = `node-${node.name}`;
    group.addEventListener("click", () => this.#onSelect(node.name));
    const band = svg("path");
    this.#bands.append(band);
    const drawn = { share: 0, bar: 0, led: 0 };
    return { node, group, band, bar, ledBar, hit, disc, halo, leader, label, drawn };
  }

  /** @param {string} name @param {Item} item */
  #dismiss(name, { group, band }) {
    this.#items.delete(name);
    group.removeAttribute("id");
    group.setAttribute("class", "item gone");
    const remove = () => {
      group.remove();
      band.remove();
    };
    band.setAttribute("class", "band gone");
    void animate(SOFT_MS, (progress) => {
      if (progress === 1) remove();
    });
  }

  /** @param {{soft: boolean}} how */
  #draw({ soft }) {
    const ring = this.#ring;
    const { width, height } = this.#svg.getBoundingClientRect();
    if (ring === null || width === 0) return;
    const names = ring.nodes.map((node) => node.name);
    const prefix = commonPrefix(names);
    const brief = width < 480 || Math.max(...names.map((name) => name.length)) > 16;
    const shortened = (/** @type {string} */ name) => (brief ? name.slice(prefix.length) : name);
    const nameLength = Math.max(...names.map((name) => shortened(name).length));
    const [count, partitions] = [ring.nodes.length, this.#partitions.length > 0];
    this.layout = layOutDial({ width, height, count, nameLength, partitions });
    const view = [-width / 2, -height / 2, width, height].map(Math.round).join(" ");
    setAttributes(this.#svg, { viewBox: view, "aria-activedescendant": this.#activeId() });
    this.#drawTicks();
    this.#drawCentre(ring);
    this.#drawLabels(ring, shortened);
    this.#band.draw(this.layout);
    [...this.#items.values()].forEach((item) => this.#drawNode(item, ring));
    this.#lightHolders();
    this.#moveExtents(ring, soft ? SOFT_MS : 0);
  }

  #activeId() {
    return this.#selected !== null && this.#items.has(this.#selected)
      ? `node-${this.#selected}`
      : null;
  }

  #drawTicks() {
    const { ticks, fontSize } = this.layout;
    const step = ticks < 110 ? 4 : 1;
    const marks = Array.from({ length: 64 }, (_, index) => {
      const from = pointAt(index / 64, ticks);
      const to = pointAt(index / 64, ticks - (index % 4 === 0 ? 6 : 3));
      return svg("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y });
    });
    const digits = Array.from({ length: 16 / step }, (_, index) => {
      const digit = index * step;
      const { x, y } = pointAt(digit / 16, ticks - 15);
      const attributes = { x, y, "font-size": fontSize - 2 };
      return svg("text", attributes, digit.toString(16));
    });
    const { bandInner, bandOuter } = this.layout;
    const track = svg("path", {
      class: "track",
      d: bandPath({ from: 0, span: 0.999_99, inner: bandInner, outer: bandOuter }),
    });
    this.#ticks.replaceChildren(track, ...marks, ...digits);
  }

  /** @param {Ring} ring */
  #drawCentre(ring) {
    const size = this.layout.chords;
    const busy = this.#selected !== null || this.routes.childElementCount > 0;
    this.#centre.setAttribute("class", busy ? "centre away" : "centre");
    const count = ring.nodes.filter((node) => node.owns).length;
    const wordSize = Math.max(12, size * 0.065);
    const lines = [
      svg("text", { class: "count", "font-size": size * 0.36, y: -size * 0.05 }, String(count)),
      svg("text", { "font-size": wordSize, y: size * 0.19 }, count === 1 ? "node" : "nodes"),
    ];
    this.#centre.replaceChildren(...lines);
  }

  /** @param {Ring} ring @param {(name: string) => string} shortened */
  #drawLabels(ring, shortened) {
    const { labels: radius, labelLimit: limit, lineHeight, fontSize, wordy } = this.layout;
    const requests = ring.nodes.map(({ name, turn }) => ({
      name,
      turn,
      priority: this.#priority(name, ring),
    }));
    const places = placeLabels(requests, { radius, limit, lineHeight });
    const placed = new Map(places.map((place) => [place.name, place]));
    for (const { node, label, leader } of this.#items.values()) {
      const place = placed.get(node.name);
      label.replaceChildren();
      leader.removeAttribute("d");
      if (place === undefined) continue;
      const outward = place.side === "right" ? 1 : -1;
      const anchor = place.side === "right" ? "start" : "end";
      const x = place.x + 4 * outward;
      const lines = wordy ? holdings(node) : [];
      const y = place.y - fontSize * 0.6 * lines.length;
      setAttributes(label, { x, y, "text-anchor": anchor, "font-size": fontSize });
      label.append(svg("tspan", {}, shortened(node.name)));
      const below = { class: "keys", x, dy: "1.25em", "font-size": fontSize - 1 };
      label.append(...lines.map((line) => svg("tspan", below, line)));
      const start = pointAt(node.turn, this.layout.bandOuter + 2);
      const knee = pointAt(node.turn, radius - 7);
      leader.setAttribute("d", `M${start.x} ${start.y}L${knee.x} ${knee.y}L${place.x} ${place.y}`);
    }
  }

  /** @param {string} name @param {Ring} ring */
  #priority(name, ring) {
    if (name === this.#selected) return 3;
    if (name === ring.entry.self.name) return 2;
    return this.#known.has(name) || this.#routed.has(name) ? 1 : 0;
  }

  /** @param {Item} item @param {Ring} ring */
  #drawNode({ node, group, hit, disc, halo }, ring) {
    const { nodes, disc: size } = this.layout;
    const { x: cx, y: cy } = pointAt(node.turn, nodes);
    const entry = node.name === ring.entry.self.name;
    const selected = node.name === this.#selected;
    const known = this.#known.has(node.name);
    const mode = this.#routed.get(node.name);
    const quiet = this.#known.size + this.#routed.size > 0;
    const faded = quiet && !known && mode === undefined && !selected;
    const flags = { entry, selected, known, faded };
    const on = Object.entries(flags).flatMap(([flag, set]) => (set ? [flag] : []));
    if (mode !== undefined) on.push(`on-${mode}`);
    setAttributes(group, {
      class: ["item", `state-${node.state}`, ...on].join(" "),
      "aria-selected": selected ? "true" : "false",
      "aria-label": describe(node, entry),
    });
    setAttributes(hit, { cx, cy, r: Math.max(12, size + 4) });
    setAttributes(disc, { cx, cy, r: size });
    setAttributes(halo, { cx, cy, r: size + 4.5 });
  }

  /**
   * Moves bands and bars from what is drawn to what is so.
   * @param {Ring} ring
   * @param {number} durationMs
   */
  #moveExtents(ring, durationMs) {
    this.#motion.abort();
    this.#motion = new AbortController();
    const moves = [...this.#items.values()].map((item) => ({
      item,
      from: { ...item.drawn },
      to: {
        share: item.node.share,
        bar: item.node.keys / ring.keysMax,
        led: item.node.led / ring.ledMax,
      },
    }));
    const still = moves.every(
      ({ from, to }) => from.share === to.share && from.bar === to.bar && from.led === to.led,
    );
    const draw = (/** @type {number} */ progress) => {
      const eased = 1 - (1 - progress) ** 3;
      for (const { item, from, to } of moves) {
        item.drawn.share = from.share + (to.share - from.share) * eased;
        item.drawn.bar = from.bar + (to.bar - from.bar) * eased;
        item.drawn.led = from.led + (to.led - from.led) * eased;
        this.#drawExtent(item);
      }
    };
    ring.nodes
      .filter((node) => node.owns)
      .forEach(({ name }, index) => {
        const shade = index % 2 === 0 ? "even" : "odd";
        const selected = name === this.#selected ? " selected" : "";
        this.#items.get(name)?.band.setAttribute("class", `band ${shade}${selected}`);
      });
    void animate(still ? 0 : durationMs, draw, this.#motion.signal);
  }

  /** @param {Item} item */
  #drawExtent({ node, band, bar, ledBar, drawn }) {
    const { bandInner: inner, bandOuter: outer, barLengthMax, disc } = this.layout;
    const span = Math.max(0, Math.min(drawn.share, 0.999_99) - BAND_GAP);
    band.setAttribute("d", bandPath({ from: node.turn - span, span, inner, outer }));
    // Side by side, each half as wide as the disc; alone where nothing is known of leaders.
    const paired = node.view?.data !== undefined;
    const width = paired ? disc / 2 : disc;
    const aside = paired ? (width / 2 + 0.5) / (2 * Math.PI * outer) : 0;
    const draw = (/** @type {SVGLineElement} */ line, /** @type {number} */ turn, part = 0) => {
      const from = pointAt(turn, outer + 3);
      const to = pointAt(turn, outer + 3 + barLengthMax * part);
      setAttributes(line, { x1: from.x, y1: from.y, x2: to.x, y2: to.y, "stroke-width": width });
    };
    draw(bar, node.turn - aside, drawn.bar);
    draw(ledBar, node.turn + aside, drawn.led);
  }

  /** Lights up the nodes that hold the partition below the pointer, or the selected one. */
  #lightHolders() {
    const partition = this.#partitions[this.#pointed ?? this.#partition ?? -1];
    for (const [name, { group }] of this.#items) {
      group.classList.toggle("holds", partition?.members.includes(name) === true);
      group.classList.toggle("leads", partition?.leader === name);
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = PARTITION_STEPS[event.key];
    if (step !== undefined && this.#partitions.length > 0) {
      event.preventDefault();
      this.#onPartition(nextPartition(this.#partition, step, this.#partitions.length));
      return;
    }
    const nodes = this.#ring?.nodes ?? [];
    const index = nodes.findIndex((node) => node.name === this.#selected);
    const target = targetOf(event.key, index, nodes.length);
    if (target === null && event.key !== "Escape") return;
    event.preventDefault();
    this.#onSelect(target === null ? null : (nodes[target]?.name ?? null));
  }
}

/**
 * The partition next to the selected one, the first one if none is.
 * @param {number | null} selected
 * @param {number} step
 * @param {number} count
 */
function nextPartition(selected, step, count) {
  return selected === null ? 0 : (selected + step + count) % count;
}

/**
 * What a node has, in lines below its name.
 * @param {RingNode} node
 */
function holdings({ keys, led, view }) {
  if (view === null) return [];
  const held = counted(keys, "key");
  return view.data === undefined ? [held] : [held, `leads ${led}`];
}

/**
 * Where a key leads on the circle; null for a key that does not move.
 * @param {string} key
 * @param {number} index of the selected node, -1 for none
 * @param {number} count
 */
function targetOf(key, index, count) {
  if (count === 0) return null;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === "ArrowRight" || key === "ArrowDown") return (index + 1) % count;
  if (key === "ArrowLeft" || key === "ArrowUp") return (Math.max(index, 0) + count - 1) % count;
  return null;
}

/**
 * A node in one sentence, for a screen reader.
 * @param {RingNode} node
 * @param {boolean} entry
 */
function describe(node, entry) {
  const facts = [node.name, stateWords(node.state)];
  if (node.view !== null) facts.push(counted(node.keys, "key"));
  if (node.view?.data !== undefined) facts.push(`leads ${counted(node.led, "partition")}`);
  if (node.owns) facts.push(`owns ${percent(node.share)} of the circle`);
  if (entry) facts.push("serves this page");
  return facts.join(", ");
}

/** @param {number} share */
export function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
