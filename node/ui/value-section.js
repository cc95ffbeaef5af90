/**
 * Get, put and delete the value of the key, with the preconditions that make compare-and-set.
 */
import { requestValue } from "./api.js";
import { byId, html } from "./dom.js";
import { hashOf } from "./identifier.js";
import { showFailure } from "./key-section.js";
import { asText, showAnswer, showValue } from "./value-panel.js";

/** @typedef {import("./api.js").ValueAnswer} ValueAnswer */

const CONTENT_TYPE = "text/plain; charset=utf-8";

export class ValueSection {
  #editor = byId("value", HTMLTextAreaElement);
  #condition = byId("condition", HTMLSelectElement);
  #result = byId("value-result");
  #key;
  #onWrite;
  #placeOf;
  /** The version last seen under this key. @type {string | null} */
  #version = null;
  #latest = 0;

  /**
   * @param {{
   *   key: () => string | null, onWrite: () => void, placeOf: (id: string) => HTMLElement | null,
   * }} options `placeOf` tells where the value of an identifier lies, and shows it on the circle
   */
  constructor({ key, onWrite, placeOf }) {
    this.#key = key;
    this.#onWrite = onWrite;
    this.#placeOf = placeOf;
    byId("value-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run((found) => this.#put(found));
    });
    byId("get").addEventListener("click", () => void this.#run((found) => this.#get(found)));
    byId("delete").addEventListener("click", () => void this.#run((found) => this.#delete(found)));
    this.#editor.addEventListener("keydown", (event) => {
      const shortcut = event.key === "Enter" && (event.ctrlKey || event.metaKey);
      if (shortcut) void this.#run((found) => this.#put(found));
    });
    this.forget();
  }

  /** Another key: what was read of the last one does not concern it. */
  forget() {
    this.#latest += 1;
    this.#result.replaceChildren();
    this.#remember(null);
  }

  /** @param {(key: string) => Promise<() => void>} work returns what to show */
  async #run(work) {
    const key = this.#key();
    if (key === null) return;
    this.#latest += 1;
    const request = this.#latest;
    this.#result.setAttribute("aria-busy", "true");
    const show = await work(key).catch(
      (/** @type {unknown} */ error) => () => showFailure(this.#result, error),
    );
    if (request !== this.#latest) return;
    this.#result.removeAttribute("aria-busy");
    show();
  }

  /** @param {string} key @returns {Promise<() => void>} */
  async #get(key) {
    const answer = await requestValue(key);
    return () => {
      this.#remember(answer.etag);
      showAnswer(this.#result, "Read", answer);
      this.#showPlace(key);
      showValue(this.#result, answer);
      this.#offerEdit(answer);
    };
  }

  /** @param {string} key @returns {Promise<() => void>} */
  async #put(key) {
    const headers = { "content-type": CONTENT_TYPE, ...this.#precondition() };
    const answer = await requestValue(key, { method: "PUT", body: this.#editor.value, headers });
    return () => {
      this.#remember(answer.etag);
      showAnswer(this.#result, "Stored", answer);
      this.#showPlace(key);
      this.#onWrite();
    };
  }

  /** @param {string} key @returns {Promise<() => void>} */
  async #delete(key) {
    const headers = this.#condition.value === "same" ? this.#precondition() : {};
    const answer = await requestValue(key, { method: "DELETE", headers });
    return () => {
      this.#remember(null);
      showAnswer(this.#result, "Deleted", answer);
      this.#onWrite();
    };
  }

  /** @param {string} key */
  #showPlace(key) {
    const place = this.#placeOf(hashOf(key));
    if (place !== null) this.#result.append(place);
  }

  /** @returns {Record<string, string>} */
  #precondition() {
    if (this.#condition.value === "new") return { "if-none-match": "*" };
    const same = this.#condition.value === "same" && this.#version !== null;
    return same && this.#version !== null ? { "if-match": this.#version } : {};
  }

  /** @param {string | null} version */
  #remember(version) {
    this.#version = version;
    const option = this.#condition.querySelector("option[value=same]");
    if (!(option instanceof HTMLOptionElement)) return;
    option.disabled = version === null;
    option.textContent =
      version === null ? "only if unchanged since read" : `only if still ${version}`;
    if (version === null && this.#condition.value === "same") this.#condition.value = "always";
  }

  /** @param {ValueAnswer} answer */
  #offerEdit({ bytes }) {
    const text = asText(bytes);
    if (text === null || text === this.#editor.value) return;
    const button = html("button", { type: "button", class: "link" }, "Edit this value");
    button.addEventListener("click", () => {
      this.#editor.value = new TextDecoder().decode(bytes);
      this.#editor.focus();
    });
    this.#result.append(button);
  }
}
