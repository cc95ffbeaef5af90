/**
 * Building elements. Children that are strings become text nodes, never markup: a value from the
 * ring cannot become part of the page. Attributes only, no inline style: the page's content
 * security policy forbids it.
 */

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/**
 * @typedef {Record<string, string | number | boolean | null | undefined>} Attributes
 * @typedef {Node | string | null} Child
 */

/**
 * An HTML element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

/**
 * @template {Element} T
 * @param {T} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {T}
 */
function fill(element, attributes, children) {
  setAttributes(element, attributes);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * Sets attributes; null, undefined and false remove one, true sets it empty.
 * @param {Element} element
 * @param {Attributes} attributes
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * The element with this id, which index.html must contain.
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [type]
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (element === null || (type !== undefined && !(element instanceof type))) {
    throw new Error(`index.html lacks #${id}`);
  }
  return /** @type {T} */ (/** @type {unknown} */ (element));
}

/**
 * A button that selects a node wherever it stands; app.js listens for `data-select`.
 * @param {string} name
 */
export function nodeButton(name) {
  return html("button", { type: "button", class: "link", "data-select": name }, name);
}

/**
 * Replaces a panel's content only where it changed, and keeps the focus: the ring is asked every
 * second or two, and that must disturb neither a reader nor a click.
 * @param {HTMLElement} panel
 * @param {Child[]} children
 */
export function refresh(panel, children) {
  const next = document.createElement("div");
  next.append(...children.filter((child) => child !== null));
  const same =
    next.childNodes.length === panel.childNodes.length &&
    [...next.childNodes].every((node, index) => node.isEqualNode(panel.childNodes[index] ?? null));
  if (same) return;
  const focused = panel.contains(document.activeElement)
    ? document.activeElement?.getAttribute("data-select")
    : null;
  panel.replaceChildren(...next.childNodes);
  if (typeof focused !== "string") return;
  const button = panel.querySelector(`[data-select="${CSS.escape(focused)}"]`);
  if (button instanceof HTMLElement) button.focus();
}

/** Whether the reader asked for less motion; asked each time, since it may change. */
export function wantsLessMotion() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Calls `draw` with the progress from 0 to 1 over a time; at once with 1 where the reader wants
 * less motion.
 * @param {number} durationMs
 * @param {(progress: number) => void} draw
 * @param {AbortSignal} [signal] stops it where it is
 * @returns {Promise<void>} when it is drawn whole, or stopped
 */
export function animate(durationMs, draw, signal) {
  return new Promise((resolve) => {
    if (wantsLessMotion() || durationMs <= 0) {
      draw(1);
      resolve();
      return;
    }
    const startedAt = performance.now();
    /** @param {number} now */
    const frame = (now) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const progress = Math.min(1, Math.max(0, (now - startedAt) / durationMs));
      draw(progress);
      if (progress < 1) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/**
 * A size in bytes for people: 1,536 becomes 1.5 KiB.
 * @param {number} bytes
 */
export function byteSize(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const number = value.toLocaleString("en", { maximumFractionDigits: 1 });
  return `${number} ${units[unit]}`;
}

/** @param {number} ms */
export function milliseconds(ms) {
  return `${ms.toLocaleString("en", { maximumFractionDigits: ms < 10 ? 1 : 0 })}\u00a0ms`;
}
