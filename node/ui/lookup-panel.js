/**
 * The result of a lookup in words, and of two lookups side by side.
 */
import { counted, html, milliseconds, nodeButton, svg } from "./dom.js";

/** @typedef {import("./api.js").Lookup} Lookup */

/** @type {Readonly<Record<string, string>>} */
const WAYS = { finger: "Fingers", walk: "Successors" };
const STEPS_SHOWN_MAX = 12;

/**
 * @param {HTMLElement} panel
 * @param {readonly Lookup[]} lookups of one key: one, or one of each mode
 * @param {number} count of nodes in the ring
 */
export function showLookups(panel, lookups, count) {
  const [first] = lookups;
  if (first === undefined) {
    panel.replaceChildren();
    return;
  }
  const owner = nodeButton(first.owner.name);
  const cost = lookups.length === 1 ? `, found in ${costOf(first)}` : "";
  const headline = html("p", { class: "headline" }, owner, ` owns this key${cost}.`);
  panel.replaceChildren(headline, lookups.length === 1 ? route(first) : comparison(lookups));
  const expects = lookups.length > 1 && count > 2;
  if (expects) panel.append(html("p", { class: "note" }, expectation(count)));
}

/** @param {Lookup} lookup */
function costOf(lookup) {
  const late = lookup.timeouts === 0 ? "" : `, ${counted(lookup.timeouts, "timeout")}`;
  return `${counted(lookup.hops, "hop")} and ${milliseconds(totalMs(lookup))}${late}`;
}

/** @param {Lookup} lookup */
function totalMs({ path }) {
  return path.reduce((sum, { ms }) => sum + ms, 0);
}

/** @param {Lookup} lookup */
function route({ path, owner, mode }) {
  const steps = path.map(({ node, ms }, index) =>
    html(
      "li",
      {},
      html("span", { class: "rank" }, index === 0 ? "entry" : String(index)),
      nodeButton(node.name),
      html("span", { class: "cost" }, index === 0 ? "" : milliseconds(ms)),
    ),
  );
  if (steps.length > STEPS_SHOWN_MAX) {
    const hidden = steps.splice(STEPS_SHOWN_MAX / 2, steps.length - STEPS_SHOWN_MAX);
    const text = `and ${counted(hidden.length, "more node")}`;
    steps.splice(STEPS_SHOWN_MAX / 2, 0, html("li", { class: "note" }, text));
  }
  if (path.at(-1)?.node.name !== owner.name) {
    const rank = html("span", { class: "rank" }, "owner");
    steps.push(html("li", { class: "owner" }, rank, nodeButton(owner.name)));
  }
  return html("ol", { class: `route-list ${mode}` }, ...steps);
}

/**
 * What the paper expects, so that one pair of numbers is not taken for the rule.
 * @param {number} count of nodes
 */
function expectation(count) {
  const fingers = (Math.log2(count) / 2).toFixed(1);
  const walk = (count / 2).toFixed(1);
  const rule = `on average ½ log₂ n = ${fingers} hops by fingers, n ÷ 2 = ${walk} along successors`;
  return `In a ring of ${count}: ${rule}. Successor lists save some more.`;
}

/** @param {readonly Lookup[]} lookups */
function comparison(lookups) {
  const hopsMax = Math.max(1, ...lookups.map(({ hops }) => hops));
  const rows = lookups.map((lookup) => {
    const width = `${(100 * lookup.hops) / hopsMax}%`;
    const length = svg("rect", { width, height: "100%", rx: 2 });
    const meter = svg("svg", { class: `meter ${lookup.mode}`, "aria-hidden": "true" }, length);
    return html(
      "tr",
      {},
      html("th", { scope: "row", class: `way ${lookup.mode}` }, WAYS[lookup.mode] ?? lookup.mode),
      html("td", {}, meter),
      html("td", {}, counted(lookup.hops, "hop")),
      html("td", {}, milliseconds(totalMs(lookup))),
    );
  });
  return html("table", { class: "comparison" }, html("tbody", {}, ...rows));
}
