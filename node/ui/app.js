/**
 * The live page of a ring: wires its parts. The state is the last answer of the node that serves
 * the page, the selected node or partition and the lookups drawn; everything shown follows from
 * these.
 */
import { ApiError, crawlRing, getView } from "./api.js";
import { Dial } from "./dial.js";
import { byId, counted, html } from "./dom.js";
import { partitionOf } from "./partition-model.js";
import { KeySection } from "./key-section.js";
import { MoveProgress } from "./move-progress.js";
import { showNode } from "./node-panel.js";
import { PartitionMap } from "./partition-map.js";
import { placeOfValue, showMoves, showPartition } from "./partition-panel.js";
import { poll } from "./poll.js";
import { drawRelations, relationsOf } from "./relations.js";
import { buildRing, changesBetween } from "./ring-model.js";
import { showRing } from "./ring-panel.js";
import { Routes } from "./routes.js";
import { wireTheme } from "./theme.js";
import { ValueSection } from "./value-section.js";

const EVENTS_SHOWN_MAX = 40;

/** @type {import("./ring-model.js").Ring | null} */
let ring = null;
/** @type {string | null} */
let selected = null;
/** @type {readonly import("./partition-model.js").Partition[]} */
let partitions = [];
/** The selected partition; never together with a node. @type {number | null} */
let partition = null;
/** When the last answer came, and when the next try is due after a failure. */
let answeredAt = 0;
let retryAt = 0;

const stage = byId("dial", SVGSVGElement);
const dial = new Dial(stage, {
  onSelect: select,
  onPartition: selectPartition,
  onResize: redrawOverlays,
});
const partitionMap = new PartitionMap();
const moveProgress = new MoveProgress();
const routes = new Routes(dial.routes, dial.captions);
const keySection = new KeySection({
  onPin: (pin) => {
    routes.pin(pin, dial.layout);
    show();
  },
  onLookups: (lookups) => {
    selected = null;
    void routes.show(lookups, dial.layout);
    show();
    if (lookups.length > 0) stage.scrollIntoView({ block: "nearest", behavior: "smooth" });
  },
  onKey: () => {
    partition = null;
    valueSection.forget();
  },
  placeOf,
});
const valueSection = new ValueSection({
  key: () => keySection.key,
  onWrite: () => polling.now(),
  placeOf,
});
const polling = poll(ask, (error, again) => {
  retryAt = again;
  showTrouble(error);
});

wireTheme(byId("theme"));
// Where there is room, the table needs no asking for.
byId("nodes", HTMLDetailsElement).open = window.matchMedia("(min-width: 1181px)").matches;
keySection.start();
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Element)) return;
  const node = target.closest("[data-select]");
  if (node !== null) select(node.getAttribute("data-select"));
  const number = target.closest("[data-partition]")?.getAttribute("data-partition") ?? null;
  if (number !== null) selectPartition(Number(number));
});
window.setInterval(showFreshness, 1_000);

/** One look at the ring: the serving node's own view, and its crawl of all nodes. */
async function ask() {
  const entry = await getView();
  const crawl = await crawlRing().catch((/** @type {unknown} */ error) => {
    if (ring === null) showAlone(entry);
    throw error instanceof ApiError ? withReason(error, entry.detail) : error;
  });
  const before = ring;
  ring = buildRing(entry, crawl);
  partitions = await partitionMap.look(ring);
  showMoves(byId("moves"), moveProgress.look(ring, Date.now()));
  answeredAt = Date.now();
  retryAt = 0;
  document.body.classList.remove("is-stale");
  byId("alert").hidden = true;
  log(changesBetween(before, ring));
  show();
}

/**
 * Before there is a ring to see, the node that serves the page is shown, by itself.
 * @param {import("./ring-model.js").View} entry
 */
function showAlone(entry) {
  ring = buildRing(entry, { nodes: [entry], ideal: false, problems: [entry.detail ?? ""] });
  show();
  ring = null;
}

/**
 * A node that is not in the ring yet says itself why.
 * @param {ApiError} error
 * @param {string | undefined} detail
 */
function withReason(error, detail) {
  const { status, code, headers } = error;
  const message = detail ? `${error.message} The node says: ${detail}.` : error.message;
  return new ApiError(message, { status, code, headers });
}

/** @param {string | null} name */
function select(name) {
  selected = name;
  partition = null;
  show();
}

/** @param {number} number */
function selectPartition(number) {
  selected = null;
  partition = number;
  show();
}

/**
 * Where the value of an identifier lies, in words and on the circle; null while that is not known.
 * @param {string} id
 */
function placeOf(id) {
  const found = partitions[partitionOf(id, partitions.length)];
  if (found === undefined) return null;
  selectPartition(found.number);
  return placeOfValue(found);
}

function show() {
  if (ring === null) return;
  const node = ring.nodes.find(({ name }) => name === selected);
  const view = node?.view ?? null;
  const known = new Set(view === null ? [] : relationsOf(view).keys());
  const before = dial.layout;
  const shown = { selected, known, routes: routes.modes, partitions, partition };
  dial.update(ring, shown);
  if (before.chords !== dial.layout.chords) routes.redraw(dial.layout);
  drawRelations(dial.relations, view, dial.layout.chords);
  showNode(byId("node"), ring, selected);
  const chosen = partition === null ? undefined : partitions[partition];
  showPartition(byId("partition"), chosen ?? null, partitions.length);
  showRing(ring, partitions);
  keySection.update(ring);
  document.body.classList.toggle("selects-node", node !== undefined);
  document.body.classList.toggle("selects-partition", chosen !== undefined);
  showHeader();
  showLegend(view !== null);
}

/** The legend explains what is drawn, no more. @param {boolean} relations */
function showLegend(relations) {
  const modes = routes.lookups.map(({ mode }) => mode);
  const drawn = {
    relations,
    finger: modes.includes("finger"),
    walk: modes.includes("walk"),
    partitions: ring?.entry.data !== undefined,
    moving: partitions.some(({ state }) => state === "moving"),
    degraded: partitions.some(({ state }) => state === "degraded"),
    leaderless: partitions.some(({ state }) => state === "leaderless"),
  };
  for (const [what, isDrawn] of Object.entries(drawn)) {
    document.body.classList.toggle(`draws-${what}`, isDrawn);
  }
}

function redrawOverlays() {
  routes.redraw(dial.layout);
  show();
}

function showHeader() {
  if (ring === null) return;
  const { name, entry, ideal } = ring;
  document.title = `${name} · Chord ring`;
  byId("ring-name").textContent = name;
  byId("entry").replaceChildren("You are talking to ", html("strong", {}, entry.self.name));
  const health = byId("health");
  health.className = ideal ? "pill good" : "pill bad";
  health.textContent = ideal ? "Ideal" : "Not ideal";
  showFreshness();
}

/** @param {unknown} error */
function showTrouble(error) {
  if (!(error instanceof ApiError)) throw error;
  document.body.classList.toggle("is-stale", error.status === 0);
  const alert = byId("alert");
  alert.textContent = error.message;
  alert.hidden = false;
  const health = byId("health");
  health.className = "pill stale";
  health.textContent = error.status === 0 ? "No answer" : "Not serving";
  showFreshness();
}

/** How old the picture is, and when the next try comes. */
function showFreshness() {
  const freshness = byId("freshness");
  if (retryAt === 0) {
    freshness.textContent = answeredAt === 0 ? "" : "live";
    return;
  }
  const ageSeconds = Math.round((Date.now() - answeredAt) / 1_000);
  const inSeconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000));
  const age = answeredAt === 0 ? "" : `picture is ${counted(ageSeconds, "second")} old, `;
  freshness.textContent = `${age}next try in ${inSeconds} s`;
}

/** @param {readonly string[]} changes */
function log(changes) {
  if (changes.length === 0) return;
  const events = byId("events");
  events.querySelector(".note")?.remove();
  const time = new Date().toLocaleTimeString("en-GB");
  const items = changes.map((text) => html("li", {}, html("time", {}, time), ` ${text}`));
  events.prepend(...items);
  while (events.childElementCount > EVENTS_SHOWN_MAX) events.lastElementChild?.remove();
}
