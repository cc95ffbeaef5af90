/**
 * Whom a node knows, drawn as chords from it: its successors, its fingers, its predecessor.
 */
import { svg } from "./dom.js";
import { chordPath } from "./geometry.js";
import { turnOf } from "./identifier.js";
import { fingerGroups } from "./ring-model.js";

/**
 * @typedef {import("./ring-model.js").View} View
 * @typedef {"finger" | "predecessor" | "successor"} Relation
 */

/**
 * Each known node once, by what it is first of all: a successor is often a finger too.
 * @param {View} view
 * @returns {Map<string, {turn: number, relation: Relation}>}
 */
export function relationsOf(view) {
  /** @type {Map<string, {turn: number, relation: Relation}>} */
  const relations = new Map();
  const add = (
    /** @type {{name: string, id: string}} */ node,
    /** @type {Relation} */ relation,
  ) => {
    if (node.name === view.self.name) return;
    relations.set(node.name, { turn: turnOf(node.id), relation });
  };
  if (view.predecessor !== null) add(view.predecessor, "predecessor");
  for (const { node } of fingerGroups(view)) add(node, "finger");
  for (const node of view.successors) add(node, "successor");
  return relations;
}

/**
 * @param {SVGGElement} layer
 * @param {View | null} view of the selected node; null draws nothing
 * @param {number} radius
 */
export function drawRelations(layer, view, radius) {
  if (view === null) {
    layer.replaceChildren();
    return;
  }
  const from = turnOf(view.self.id);
  const chords = [...relationsOf(view).values()].map(({ turn, relation }) =>
    svg("path", { class: `chord ${relation}`, d: chordPath(from, turn, radius) }),
  );
  layer.replaceChildren(...chords);
}
