/**
 * The key: where it lies, while it is typed; its lookup; the comparison of both ways to look up.
 */
import { ApiError, lookUp } from "./api.js";
import { byId, html } from "./dom.js";
import { hashOf, ownerOf, shortId } from "./identifier.js";
import { showLookups } from "./lookup-panel.js";

/**
 * @typedef {import("./api.js").Lookup} Lookup
 * @typedef {import("./api.js").Mode} Mode
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {{
 *   onPin: (pin: {id: string, label: string} | null) => void,
 *   onLookups: (lookups: readonly Lookup[]) => void,
 *   placeOf: (id: string) => HTMLElement | null,
 *   onKey: () => void,
 * }} Handlers
 */

const LABEL_LENGTH_MAX = 18;

export class KeySection {
  #form = byId("lookup-form", HTMLFormElement);
  #input = byId("key", HTMLInputElement);
  #place = byId("key-place");
  #placeHint = this.#place.textContent ?? "";
  #result = byId("lookup-result");
  #clear = byId("clear", HTMLButtonElement);
  #handlers;
  /** @type {Ring | null} */
  #ring = null;
  /** Counts requests, so that a late answer to an earlier one is not shown. */
  #latest = 0;

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
    this.#input.addEventListener("input", () => this.#keyChanged());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const mode = new FormData(this.#form).get("mode") === "walk" ? "walk" : "finger";
      void this.#lookUp([mode]);
    });
    byId("compare").addEventListener("click", () => {
      if (this.#form.reportValidity()) void this.#lookUp(["finger", "walk"]);
    });
    this.#clear.addEventListener("click", () => {
      this.#form.reset();
      this.#keyChanged();
      this.#input.focus();
    });
  }

  /** Takes up a key that the browser kept over a reload. */
  start() {
    if (this.#input.value !== "") this.#keyChanged();
  }

  /** The key as typed; reports to the reader when there is none. */
  get key() {
    return this.#form.reportValidity() ? this.#input.value : null;
  }

  get #members() {
    return this.#ring?.nodes.filter((node) => node.owns) ?? [];
  }

  /** @param {Ring} ring */
  update(ring) {
    this.#ring = ring;
    this.#showPlace();
  }

  #keyChanged() {
    this.#latest += 1;
    const key = this.#input.value;
    this.#result.replaceChildren();
    this.#clear.hidden = key === "";
    this.#showPlace();
    this.#handlers.onKey();
    this.#handlers.onPin(key === "" ? null : { id: hashOf(key), label: labelOf(key) });
  }

  #showPlace() {
    const key = this.#input.value;
    if (key === "") {
      this.#place.textContent = this.#placeHint;
      return;
    }
    const id = hashOf(key);
    const owner = ownerOf(id, this.#members);
    const next = owner === undefined ? "" : `, next clockwise: ${owner.name}`;
    this.#place.replaceChildren("SHA-1 ", html("code", { title: id }, shortId(id)), next);
  }

  /** @param {readonly Mode[]} modes */
  async #lookUp(modes) {
    this.#latest += 1;
    const request = this.#latest;
    const key = this.#input.value;
    this.#result.setAttribute("aria-busy", "true");
    try {
      // One after the other: two at once would slow each other, and the times are compared.
      const lookups = [];
      for (const mode of modes) lookups.push(await lookUp(key, mode));
      if (request !== this.#latest) return;
      showLookups(this.#result, lookups, this.#members.length);
      const place = this.#handlers.placeOf(hashOf(key));
      if (place !== null) this.#result.append(place);
      this.#handlers.onLookups(lookups);
    } catch (error) {
      if (request !== this.#latest) return;
      this.#handlers.onLookups([]);
      showFailure(this.#result, error);
    } finally {
      if (request === this.#latest) this.#result.removeAttribute("aria-busy");
    }
  }
}

/**
 * @param {HTMLElement} panel
 * @param {unknown} error
 */
export function showFailure(panel, error) {
  if (!(error instanceof ApiError)) throw error;
  const status = html(
    "span",
    { class: "tag bad" },
    error.status === 0 ? "no answer" : String(error.status),
  );
  panel.replaceChildren(html("p", { class: "failure" }, status, ` ${error.message}`));
}

/** @param {string} key */
function labelOf(key) {
  return key.length > LABEL_LENGTH_MAX ? `${key.slice(0, LABEL_LENGTH_MAX - 1)}…` : key;
}
