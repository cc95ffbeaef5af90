/**
 * The ring as a whole, and every node as a row: the circle for those who read rather than look.
 */
import { percent } from "./dial.js";
import { byId, byteSize, counted, html, nodeButton, refresh } from "./dom.js";
import { definitions } from "./node-panel.js";
import { stateWords } from "./ring-model.js";

/** @typedef {import("./ring-model.js").Ring} Ring */

const PROBLEMS_SHOWN_MAX = 6;

/** @param {Ring} ring */
export function showRing(ring) {
  const owners = ring.nodes.filter((node) => node.owns);
  const facts = definitions([
    ["Nodes", counted(owners.length, "member")],
    ["Keys", `${ring.keys.toLocaleString("en")} held, ${byteSize(ring.bytes)}`],
    ["Epoch", String(ring.entry.epoch)],
  ]);
  refresh(byId("ring"), [...problems(ring), facts]);
  refresh(byId("nodes-table"), rows(ring));
}

/** @param {Ring} ring */
function problems({ ideal, problems }) {
  if (ideal) return [];
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX);
  if (shown.length < problems.length) shown.push(`and ${problems.length - shown.length} more`);
  const items = shown.map((problem) => html("li", {}, problem));
  const none = html("p", {}, "Its nodes repair it now.");
  const list = items.length === 0 ? none : html("ul", {}, ...items);
  return [html("div", { class: "problems" }, html("strong", {}, "Not ideal"), list)];
}

/** @param {Ring} ring */
function rows({ nodes }) {
  return nodes.map((node) =>
    html(
      "tr",
      {},
      html("td", {}, nodeButton(node.name)),
      html("td", {}, stateWords(node.state)),
      html("td", { class: "number" }, node.view === null ? "" : node.keys.toLocaleString("en")),
      html("td", { class: "number" }, node.owns ? percent(node.share) : ""),
    ),
  );
}
