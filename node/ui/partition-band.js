/**
 * The partitions as a band on the circle: each in the colour of its leader, and in another shape
 * where something is not as it should be, so that nobody needs to tell colours apart. One path is
 * kept for each partition and changed in place.
 */
import { setAttributes, svg } from "./dom.js";
import { bandPath } from "./geometry.js";
import { colourOf, describePartition } from "./partition-model.js";

/**
 * @typedef {import("./partition-model.js").Partition} Partition
 * @typedef {import("./dial-layout.js").DialLayout} DialLayout
 * @typedef {{inner: number, outer: number}} Radii
 * @typedef {{node: string | null, partition: number | null}} Emphasis the node and the partition
 *   that are selected
 */

// In turns: lets each partition be seen as one where there is room.
const GAP = 0.000_5;

export class PartitionBand {
  layer = svg("g", { class: "partitions", "aria-hidden": "true" });
  /** @type {SVGPathElement[]} */
  #paths = [];
  /** @type {readonly Partition[]} */
  #partitions = [];
  /** @type {Emphasis} */
  #emphasis = { node: null, partition: null };

  /**
   * @param {{
   *   onSelect: (partition: number) => void, onPoint: (partition: number | null) => void,
   * }} handlers
   */
  constructor({ onSelect, onPoint }) {
    const numberOf = (/** @type {Event} */ { target }) =>
      this.#paths.findIndex((path) => path === target || path.firstChild === target);
    this.layer.addEventListener("click", (event) => onSelect(numberOf(event)));
    this.layer.addEventListener("pointerover", (event) => onPoint(numberOf(event)));
    this.layer.addEventListener("pointerleave", () => onPoint(null));
  }

  /**
   * @param {readonly Partition[]} partitions none hides the band
   * @param {Emphasis} emphasis
   */
  update(partitions, emphasis) {
    this.#partitions = partitions;
    this.#emphasis = emphasis;
    if (this.#paths.length === partitions.length) return;
    this.#paths = partitions.map(() => svg("path", {}, svg("title")));
    this.layer.replaceChildren(...this.#paths);
  }

  /** @param {DialLayout} layout */
  draw(layout) {
    for (const partition of this.#partitions) this.#drawOne(partition, layout);
    const { partition } = this.#emphasis;
    // What is drawn last lies on top, with its outline.
    const selected = partition === null ? undefined : this.#paths[partition];
    if (selected !== undefined && selected !== this.layer.lastChild) this.layer.append(selected);
  }

  /** @param {Partition} partition @param {DialLayout} layout */
  #drawOne(partition, layout) {
    const path = this.#paths[partition.number];
    if (path === undefined) return;
    const selected = partition.number === this.#emphasis.partition;
    const count = this.#partitions.length;
    const from = partition.number / count + GAP / 2;
    const d = bandPath({ from, span: 1 / count - GAP, ...radii(partition, selected, layout) });
    const classes = ["partition", partition.state, ...this.#marks(partition)];
    const title = describePartition(partition);
    const tooltip = path.firstElementChild;
    if (tooltip !== null && tooltip.textContent !== title) tooltip.textContent = title;
    setAttributes(path, { d, class: classes.join(" ") });
  }

  /** @param {Partition} partition @returns {string[]} */
  #marks({ number, leader, members }) {
    const { node, partition } = this.#emphasis;
    const marks = leader === null ? [] : [`leader-${colourOf(leader)}`];
    if (partition !== null) marks.push(number === partition ? "selected" : "faded");
    if (node === null) return marks;
    if (leader === node) return [...marks, "led"];
    return [...marks, members.includes(node) ? "held" : "faded"];
  }
}

/**
 * Thin where copies are missing, reaching inwards where it moves or is selected.
 * @param {Partition} partition
 * @param {boolean} selected
 * @param {DialLayout} layout
 * @returns {Radii}
 */
function radii({ state }, selected, { partitionInner: inner, partitionOuter: outer }) {
  if (selected) return { inner: inner - 4, outer: outer + 2 };
  if (state === "moving") return { inner: inner - 4, outer };
  return { inner, outer: state === "degraded" ? (inner + outer) / 2 : outer };
}
