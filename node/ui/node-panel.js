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
    const hint = "Select a node on the circle to see whom it knows and what it holds.";
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
  const data = node.view?.data === undefined ? [] : dataFacts(node.view.data);
  refresh(panel, [head, facts(node), ...data, ...known]);
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
    if (view.data === undefined) rows.push(["Holds", amount(view.keys, view.bytes)]);
    rows.push(["Epoch", String(view.epoch)]);
    if (view.detail) rows.push(["Says", view.detail]);
    if (view.split === true) rows.push(["Split", "finds members outside its own ring"]);
  }
  return definitions(rows);
}

/**
 * This node's part of the data.
 * @param {import("./ring-model.js").Data} data
 */
function dataFacts(data) {
  const { incarnation, held, catchingUp, led, degraded, misplaced } = data;
  const rows = [
    ["Incarnation", html("code", { title: "Made with the node's disk" }, incarnation)],
    ["Holds", `${counted(held, "partition")}: ${amount(data.keysHeld, data.bytesHeld)}`],
    ["Leads", `${counted(led, "partition")}: ${amount(data.keysLed, data.bytesLed)}`],
    ["Catching up", catchingUp === 0 ? "none" : counted(catchingUp, "partition")],
  ];
  if (degraded > 0) rows.push(["Degraded", `${degraded} of those it leads`]);
  if (misplaced > 0) rows.push(["To move", `${misplaced} of those it leads`]);
  if (data.keysLeft > 0) rows.push(["To copy", amount(data.keysLeft, data.bytesLeft)]);
  return [html("h3", {}, "Data"), definitions(rows)];
}

/** @param {number} keys @param {number} bytes */
function amount(keys, bytes) {
  return `${counted(keys, "key")}, ${byteSize(bytes)}`;
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
