/**
 * Partitions as the page shows them, pure: which one a key falls into, who leads it and holds its
 * copies, and what is not as it should be.
 *
 * The map comes from one node and says who is a member; whether a member answers, the crawl of the
 * ring says. A move shows as a change of the epoch, so a partition counts as moving for some
 * seconds after one.
 */
import { newestRoster, SILENT } from "./ring-model.js";

/**
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {{epoch: number, leader: string | null, members: string[]}} PartitionView
 * @typedef {{
 *   partitions: number, generation: number, nodes: {name: string, api: string}[],
 *   views: PartitionView[],
 * }} PartitionAnswer
 * @typedef {"whole" | "moving" | "degraded" | "leaderless"} PartitionState
 * @typedef {PartitionView & {number: number, state: PartitionState, missing: string[]}} Partition
 *   `missing` are the members that do not answer
 */

const MOVED_SHOWN_MS = 6_000;
/** Names of colours in style.css. */
const COLOURS = 8;

/**
 * The partition of an identifier, by its first 32 bits.
 * @param {string} id
 * @param {number} count of partitions
 */
export function partitionOf(id, count) {
  return Math.floor((Number.parseInt(id.slice(0, 8), 16) / 2 ** 32) * count);
}

/**
 * The colour of a node, which stays the same while others come and go: pods that follow one
 * another differ.
 * @param {string} name
 */
export function colourOf(name) {
  const ordinal = /-(\d+)$/.exec(name)?.[1];
  if (ordinal !== undefined) return Number(ordinal) % COLOURS;
  return new TextEncoder().encode(name).reduce((sum, byte) => sum + byte, 0) % COLOURS;
}

/** Looks at the map again and again, and remembers when a partition's view changed. */
export class PartitionHistory {
  /** @type {Map<number, {epoch: number, changedAt: number}>} */
  #seen = new Map();

  /**
   * The partitions of one look.
   * @param {PartitionAnswer} answer
   * @param {Ring} ring
   * @param {number} nowMs
   * @returns {Partition[]}
   */
  look({ views }, ring, nowMs) {
    const silent = new Set(ring.nodes.flatMap(({ name, state }) => (state === SILENT ? name : [])));
    const copies = copiesWanted(ring);
    return views.map((view, number) => {
      const missing = view.members.filter((name) => silent.has(name));
      const whole = missing.length === 0 && view.members.length >= copies;
      const moved = nowMs - this.#changedAt(number, view.epoch, nowMs) < MOVED_SHOWN_MS;
      return { ...view, number, missing, state: stateOf(view, whole, moved) };
    });
  }

  /**
   * @param {number} number
   * @param {number} epoch
   * @param {number} nowMs
   */
  #changedAt(number, epoch, nowMs) {
    const seen = this.#seen.get(number);
    if (seen?.epoch === epoch) return seen.changedAt;
    const changedAt = seen === undefined ? -Infinity : nowMs;
    this.#seen.set(number, { epoch, changedAt });
    return changedAt;
  }
}

/**
 * @param {PartitionView} view
 * @param {boolean} whole
 * @param {boolean} moved
 * @returns {PartitionState}
 */
function stateOf({ leader }, whole, moved) {
  if (leader === null) return "leaderless";
  if (!whole) return "degraded";
  return moved ? "moving" : "whole";
}

/** How many copies each partition should have now. @param {Ring} ring */
function copiesWanted(ring) {
  const roster = newestRoster(ring);
  return roster === null ? 0 : Math.min(roster.copies, roster.pods.length);
}

/** @type {Readonly<Record<PartitionState, string>>} */
const STATE_WORDS = {
  whole: "whole",
  moving: "has just moved",
  degraded: "copies missing",
  leaderless: "no leader known",
};

/** @param {Partition} partition */
export function partitionWords({ state }) {
  return STATE_WORDS[state];
}

/**
 * A partition in some short lines, for its tooltip.
 * @param {Partition} partition
 */
export function describePartition(partition) {
  const { number, epoch, leader, members } = partition;
  const lines = [
    `Partition ${number}: ${partitionWords(partition)}`,
    leader === null ? "led by nobody" : `led by ${leader}`,
    `copies on ${members.join(", ")}`,
    `epoch ${epoch}`,
  ];
  return lines.join("\n");
}

/**
 * The identifiers of a partition, as the digits that they begin with: `8a00…` to `8aff…`.
 * @param {number} number
 * @param {number} count
 */
export function identifierRange(number, count) {
  const digits = (/** @type {number} */ value) => value.toString(16).padStart(4, "0");
  const first = Math.ceil((number * 0x10000) / count);
  const last = Math.ceil(((number + 1) * 0x10000) / count) - 1;
  return `${digits(first)}… to ${digits(last)}…`;
}

/**
 * How many partitions are in each state.
 * @param {readonly Partition[]} partitions
 * @returns {Record<PartitionState, number>}
 */
export function countStates(partitions) {
  const counts = { whole: 0, moving: 0, degraded: 0, leaderless: 0 };
  for (const { state } of partitions) counts[state] += 1;
  return counts;
}
