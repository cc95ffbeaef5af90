/**
 * The ring as a whole, and every node as a row: the circle for those who read rather than look.
 */
import { percent } from "./dial.js";
import { byId, byteSize, counted, html, nodeButton, refresh } from "./dom.js";
import { definitions } from "./node-panel.js";
import { countStates } from "./partition-model.js";
import { newestRoster, stateWords } from "./ring-model.js";

/**
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {import("./partition-model.js").Partition} Partition
 */

const PROBLEMS_SHOWN_MAX = 6;

/** @param {Ring} ring @param {readonly Partition[]} partitions none while they are not known */
export function showRing(ring, partitions) {
  const owners = ring.nodes.filter((node) => node.owns);
  const facts = definitions([
    ["Nodes", counted(owners.length, "member")],
    ["Keys", keysOf(ring)],
    ["Epoch", String(ring.entry.epoch)],
    ...rosterFacts(ring),
    ...partitionFacts(partitions),
  ]);
  refresh(byId("ring"), [...problems(ring), facts]);
  refresh(byId("nodes-table"), rows(ring));
}

/** Each key once, where that is known, and in all its copies. @param {Ring} ring */
function keysOf({ nodes, keys, bytes }) {
  const held = `${keys.toLocaleString("en")} held, ${byteSize(bytes)}`;
  const data = nodes.flatMap(({ view }) => view?.data ?? []);
  if (data.length === 0) return held;
  const once = data.reduce((sum, { keysLed }) => sum + keysLed, 0);
  return `${once.toLocaleString("en")}; in copies ${held}`;
}

/** @param {Ring} ring @returns {string[][]} */
function rosterFacts(ring) {
  const roster = newestRoster(ring);
  if (roster === null) return [];
  const copies = counted(roster.copies, "copy", "copies");
  return [
    ["Copies", `${copies} on ${counted(roster.pods.length, "node")}`],
    ["Roster", `generation ${roster.generation}`],
  ];
}

/** @param {readonly Partition[]} partitions @returns {string[][]} */
function partitionFacts(partitions) {
  if (partitions.length === 0) return [];
  const { degraded, leaderless } = countStates(partitions);
  const troubles = [
    ...(degraded > 0 ? [`${degraded} with copies missing`] : []),
    ...(leaderless > 0 ? [`${leaderless} without a leader`] : []),
  ];
  const words = troubles.length === 0 ? "all whole and led" : troubles.join(", ");
  return [["Partitions", `${partitions.length}, ${words}`]];
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
      html("td", { class: "number" }, node.view?.data === undefined ? "" : String(node.led)),
      html("td", { class: "number" }, node.owns ? percent(node.share) : ""),
    ),
  );
}
