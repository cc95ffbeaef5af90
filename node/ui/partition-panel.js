/**
 * A partition in words: its leader, its copies, its epoch; and the line that tells of moves.
 */
import { byteSize, counted, html, nodeButton, refresh } from "./dom.js";
import { duration } from "./move-progress.js";
import { definitions } from "./node-panel.js";
import { identifierRange, partitionWords } from "./partition-model.js";

/**
 * @typedef {import("./partition-model.js").Partition} Partition
 * @typedef {import("./move-progress.js").Moves} Moves
 */

/**
 * @param {HTMLElement} panel
 * @param {Partition | null} partition the selected one
 * @param {number} count of partitions
 */
export function showPartition(panel, partition, count) {
  if (partition === null) {
    refresh(panel, []);
    return;
  }
  const { number, epoch, leader, state } = partition;
  const head = html(
    "p",
    { class: "node-head" },
    html("strong", {}, String(number)),
    html("span", { class: `tag ${state}` }, partitionWords(partition)),
  );
  const facts = definitions([
    ["Ids", html("code", {}, identifierRange(number, count))],
    ["Leader", leader === null ? "nobody known" : nodeButton(leader)],
    ["Copies", copies(partition)],
    ["Epoch", String(epoch)],
  ]);
  refresh(panel, [head, facts]);
}

/** The members as a list of buttons. @param {Partition} partition */
function copies({ members, missing }) {
  const list = html("ul", { class: "copies" });
  for (const name of members) {
    const silent = missing.includes(name) ? html("span", { class: "tag bad" }, "silent") : null;
    list.append(html("li", {}, nodeButton(name), silent ?? ""));
  }
  return list;
}

/**
 * Where the value of a key lies, in a sentence.
 * @param {Partition} partition
 */
export function placeOfValue({ number, leader, members }) {
  const names = members.flatMap((name, index) => [index === 0 ? "" : ", ", nodeButton(name)]);
  const led = leader === null ? ["nobody leads it just now"] : [nodeButton(leader), " leads it"];
  return html(
    "p",
    { class: "note place" },
    "Its value lies in ",
    partitionButton(number),
    ", with copies on ",
    ...names,
    "; ",
    ...led,
    ".",
  );
}

/**
 * A button that selects a partition; app.js listens for `data-partition`.
 * @param {number} number
 */
function partitionButton(number) {
  const attributes = { type: "button", class: "link", "data-partition": number };
  return html("button", attributes, `partition ${number}`);
}

/**
 * The line for moves, empty when nothing moves.
 * @param {HTMLElement} line
 * @param {Moves | null} moves
 */
export function showMoves(line, moves) {
  const text = moves === null ? "" : movesText(moves);
  if (line.textContent !== text) line.textContent = text;
}

/** @param {Moves} moves */
function movesText({ partitions, keys, bytes, bytesPerSecond, secondsLeft }) {
  const what = partitions === 0 ? "Copying" : `Moving ${counted(partitions, "partition")}`;
  const parts = [what, `${counted(keys, "key")} and ${byteSize(bytes)} to copy now`];
  if (bytesPerSecond !== null) parts.push(`${byteSize(Math.round(bytesPerSecond))}/s`);
  if (secondsLeft !== null) parts.push(`${duration(secondsLeft)} left`);
  return parts.join(" · ");
}
