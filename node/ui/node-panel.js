/**
 * The selected node in words: who it is, what it owns, whom it knows and by which finger.
 */
import { byteSize, counted, html, nodeButton, refresh } from "./dom.js";
import { percent } from "./dial.js";
import { fingerGroups, stateWords } from "./ring-model.js";

/**
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {import("./ring-model.js").RingNode} RingNode
 * @typedef {import("./ring-model.js").NodeRef} NodeRef
 */

/**
 * @param {HTMLElement} panel
 * @param {Ring} ring
 * @param {string | null} selected
 */
export function showNode(panel, ring, selected) {
  const node = ring.nodes.find(({ name }) => name === selected);
  if (node === undefined) {
    const hint = "Select a node on the circle to see whom it knows.";
    const text = selected === null ? hint : `${selected} is no longer in the ring.`;
    refresh(panel, [html("p", { class: "note" }, text)]);
    return;
  }
  const head = html(
    "p",
    { class: "node-head" },
    html("strong", {}, node.name),
    html("span", { class: `tag state-${node.state}` }, stateWords(node.state)),
    node.name === ring.entry.self.name ? html("span", { class: "tag" }, "serves this page") : null,
  );
  const known = node.view === null ? [] : knownNodes(node.view);
  refresh(panel, [head, facts(node), ...known]);
}

/** @param {RingNode} node */
function facts({ id, address, owns, share, view }) {
  const rows = [
    ["Id", html("code", { class: "id" }, ...groupsOf(id))],
    ["Address", html("code", {}, address)],
  ];
  if (owns) rows.push(["Owns", `${percent(share)} of the circle`]);
  if (view !== null) {
    const before = view.predecessor;
    rows.push(["Predecessor", before === null ? "not known yet" : nodeButton(before.name)]);
    rows.push(["Holds", `${counted(view.keys, "key")}, ${byteSize(view.bytes)}`]);
    rows.push(["Epoch", String(view.epoch)]);
    if (view.detail) rows.push(["Says", view.detail]);
    if (view.split === true) rows.push(["Split", "finds members outside its own ring"]);
  }
  return definitions(rows);
}

/** @param {import("./ring-model.js").View} view */
function knownNodes(view) {
  const button = (/** @type {NodeRef} */ { name }) => nodeButton(name);
  const successors = html("ol", { class: "chips" });
  successors.append(...view.successors.map((node) => html("li", {}, button(node))));
  const fingers = fingerGroups(view).map(({ first, last, node }) => {
    const range = first === last ? power(first) : [...power(first), " … ", ...power(last)];
    return html("tr", {}, html("td", {}, "+ ", ...range), html("td", {}, button(node)));
  });
  const table = html("table", { class: "fingers" }, html("tbody", {}, ...fingers));
  return [
    html("h3", {}, "Successors"),
    successors,
    html("h3", {}, "Fingers"),
    fingers.length === 0 ? html("p", { class: "note" }, "None yet.") : table,
  ];
}

/** @param {number} exponent */
function power(exponent) {
  return ["2", html("sup", {}, String(exponent))];
}

/** @param {(string | Node)[][]} rows */
export function definitions(rows) {
  const list = html("dl");
  for (const [term = "", value = ""] of rows) {
    list.append(html("dt", {}, term), html("dd", {}, value));
  }
  return list;
}

/**
 * Forty digits are read in groups of eight; a space between them would be copied along.
 * @param {string} id
 */
function groupsOf(id) {
  return (id.match(/.{1,8}/g) ?? []).map((group) => html("span", {}, group));
}
