/**
 * From a node's answers to what the page shows, pure: the nodes in the order of the circle, what
 * each owns, who is named by others but does not answer, and what changed since the last look.
 */
import { fingerExponent, turnOf, turnsBetween } from "./identifier.js";

/**
 * @typedef {{name: string, id: string, address: string}} NodeRef
 * @typedef {{
 *   ring: string, self: NodeRef, state: string, epoch: number, predecessor: NodeRef | null,
 *   successors: NodeRef[], fingers: {start: string, node: NodeRef | null}[], keys: number,
 *   bytes: number, founded?: boolean, split?: boolean, detail?: string, data?: Data,
 * }} View
 * @typedef {{generation: number, copies: number, pods: {name: string}[]}} Roster
 * @typedef {{
 *   incarnation: string, chartered: boolean, roster: Roster | null, held: number,
 *   catchingUp: number, led: number, degraded: number, misplaced: number, unled: number,
 *   keysHeld: number, bytesHeld: number, keysLed: number, bytesLed: number, keysLeft: number,
 *   bytesLeft: number,
 * }} Data
 * @typedef {{nodes: View[], ideal: boolean, problems?: string[]}} Crawl
 * @typedef {{
 *   name: string, id: string, address: string, turn: number, state: string, owns: boolean,
 *   arcStart: number, share: number, keys: number, led: number, view: View | null,
 * }} RingNode `owns` is false for a node that does not answer; `share` is its part of the circle;
 *   `led` counts the partitions it leads
 * @typedef {{
 *   name: string, entry: View, nodes: RingNode[], ideal: boolean, problems: string[],
 *   keys: number, bytes: number, keysMax: number, ledMax: number,
 * }} Ring
 * @typedef {{first: number, last: number, node: NodeRef}} FingerGroup
 */

/**
 * The newest roster that any node shows.
 * @param {Pick<Ring, "nodes">} ring
 * @returns {Roster | null}
 */
export function newestRoster({ nodes }) {
  const rosters = nodes.flatMap(({ view }) => view?.data?.roster ?? []);
  return rosters.reduce(
    (newest, roster) =>
      newest === null || roster.generation > newest.generation ? roster : newest,
    /** @type {Roster | null} */ (null),
  );
}

/** The state the page gives a node that others name and that did not answer the crawl. */
export const SILENT = "silent";

/** How many fingers there are: one for each bit of an identifier. */
const FINGERS = 160;

/** @type {Readonly<Record<string, string>>} */
const STATE_WORDS = {
  member: "member",
  waiting: "waiting for its ring",
  joining: "joining",
  leaving: "leaving",
  left: "left on request",
  [SILENT]: "does not answer",
};

/**
 * A state in words for people.
 * @param {string} state
 */
export function stateWords(state) {
  return STATE_WORDS[state] ?? state;
}

/**
 * @param {View} entry the view of the node that serves this page
 * @param {Crawl} crawl
 * @returns {Ring}
 */
export function buildRing(entry, crawl) {
  const views = new Map(crawl.nodes.map((view) => [view.self.name, view]));
  if (!views.has(entry.self.name)) views.set(entry.self.name, entry);
  const answering = [...views.values()].map((view) => ringNode(view.self, view));
  const silent = namedBy(views).map((ref) => ringNode(ref, null));
  const nodes = [...answering, ...silent].sort((a, b) => (a.id < b.id ? -1 : 1));
  const owners = nodes.filter((node) => node.owns);
  owners.forEach((node, index) => {
    const before = owners[(index + owners.length - 1) % owners.length] ?? node;
    node.arcStart = before.turn;
    node.share = owners.length === 1 ? 1 : turnsBetween(before.turn, node.turn);
  });
  return {
    name: entry.ring,
    entry,
    nodes,
    ideal: crawl.ideal,
    problems: crawl.problems ?? [],
    keys: nodes.reduce((sum, node) => sum + node.keys, 0),
    bytes: nodes.reduce((sum, node) => sum + (node.view?.bytes ?? 0), 0),
    keysMax: Math.max(1, ...nodes.map((node) => node.keys)),
    ledMax: Math.max(1, ...nodes.map((node) => node.led)),
  };
}

/**
 * @param {NodeRef} ref
 * @param {View | null} view
 * @returns {RingNode}
 */
function ringNode({ name, id, address }, view) {
  const state = view?.state ?? SILENT;
  return {
    name,
    id,
    address,
    turn: turnOf(id),
    state,
    view,
    owns: state === "member" || state === "leaving",
    arcStart: turnOf(id),
    share: 0,
    keys: view?.keys ?? 0,
    led: view?.data?.led ?? 0,
  };
}

/**
 * Nodes that some view names and that gave no view of their own.
 * @param {Map<string, View>} views
 */
function namedBy(views) {
  /** @type {Map<string, NodeRef>} */
  const named = new Map();
  for (const view of views.values()) {
    const fingers = view.fingers.map((finger) => finger.node);
    for (const ref of [view.predecessor, ...view.successors, ...fingers]) {
      if (ref !== null && !views.has(ref.name)) named.set(ref.name, ref);
    }
  }
  return [...named.values()];
}

/**
 * The finger table as runs of fingers that share a node: of 160 fingers only about log2 n differ.
 * A view may name every finger or only the first of each run; both come out the same.
 * @param {View} view
 * @returns {FingerGroup[]}
 */
export function fingerGroups(view) {
  /** @type {FingerGroup[]} */
  const groups = [];
  const steps = view.fingers.map(({ start, node }) => ({
    exponent: fingerExponent(view.self.id, start),
    node,
  }));
  steps.forEach(({ exponent: first, node }, index) => {
    if (node === null || first === null) return;
    const last = (steps[index + 1]?.exponent ?? FINGERS) - 1;
    const before = groups.at(-1);
    if (before !== undefined && before.node.name === node.name && before.last === first - 1) {
      before.last = last;
    } else groups.push({ first, last, node });
  });
  return groups;
}

/**
 * What changed between two looks, in sentences for the log.
 * @param {Ring | null} before
 * @param {Ring} after
 * @returns {string[]}
 */
export function changesBetween(before, after) {
  if (before === null) return [];
  const changes = [];
  const old = new Map(before.nodes.map((node) => [node.name, node]));
  const now = new Set(after.nodes.map((node) => node.name));
  for (const node of after.nodes) {
    const was = old.get(node.name);
    if (was === undefined) changes.push(`${node.name} appeared: ${stateWords(node.state)}`);
    else if (was.state !== node.state) changes.push(`${node.name}: ${stateWords(node.state)}`);
  }
  for (const name of old.keys()) {
    if (!now.has(name)) changes.push(`${name} is no longer in the ring`);
  }
  if (before.ideal !== after.ideal) {
    changes.push(after.ideal ? "The ring is ideal" : "The ring is not ideal");
  }
  changes.push(...rosterChanges(newestRoster(before), newestRoster(after)));
  if (before.entry.self.name !== after.entry.self.name) {
    changes.push(`You are now talking to ${after.entry.self.name}`);
  }
  return changes;
}

/**
 * @param {Roster | null} before
 * @param {Roster | null} after
 */
function rosterChanges(before, after) {
  if (before === null || after === null || after.generation <= before.generation) return [];
  return [`Roster ${after.generation}: copies on ${after.pods.length} nodes`];
}
