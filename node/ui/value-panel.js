/**
 * A value as the page shows it: as text where it is text, else its first bytes in hexadecimal.
 * Bytes from the ring are never markup.
 */
import { byteSize, html, milliseconds } from "./dom.js";
import { duration } from "./move-progress.js";

/** @typedef {import("./api.js").ValueAnswer} ValueAnswer */

const TEXT_SHOWN_MAX = 4_096;
const BYTES_SHOWN_MAX = 256;
const BYTES_PER_ROW = 16;

/**
 * @param {HTMLElement} panel
 * @param {string} done what was done, in a word or two
 * @param {ValueAnswer} answer
 */
export function showAnswer(panel, done, answer) {
  const facts = [
    ["Version", answer.etag],
    ["Answered by", answer.owner],
    ["Hops", answer.hops],
  ].flatMap(([term, value]) => (value ? [html("dt", {}, term ?? ""), html("dd", {}, value)] : []));
  const headline = html(
    "p",
    { class: "headline" },
    html("span", { class: "tag good" }, String(answer.status)),
    ` ${done} in ${milliseconds(answer.ms)}`,
  );
  panel.replaceChildren(headline, html("dl", {}, ...facts));
}

/**
 * The preview of a value that was read.
 * @param {HTMLElement} panel
 * @param {ValueAnswer} answer
 */
export function showValue(panel, { bytes, contentType, expires }) {
  const type = contentType ?? "no content type";
  const caption = html("p", { class: "note" }, `${byteSize(bytes.length)}, ${type}`);
  const text = asText(bytes);
  const body = html("pre", { class: text === null ? "hex" : "", tabindex: 0 });
  body.setAttribute("aria-label", text === null ? "The value's first bytes" : "The value");
  body.textContent = text ?? hexRows(bytes);
  const cut = cutNote(bytes, text);
  const expiry = expires === null ? null : expiryNote(expires, Date.now());
  const notes = [cut, expiry].flatMap((note) => note ?? []);
  panel.append(caption, body, ...notes.map((note) => html("p", { class: "note" }, note)));
}

/**
 * @param {string} expires when the ring deletes the value, RFC 3339
 * @param {number} nowMs
 */
export function expiryNote(expires, nowMs) {
  const seconds = (Date.parse(expires) - nowMs) / 1_000;
  const left = seconds > 0 ? `in ${duration(seconds)}` : "about now";
  return `The ring deletes it ${left}. A value stored here in its place stays.`;
}

/** @param {Uint8Array} bytes @param {string | null} text */
function cutNote(bytes, text) {
  const shown = text === null ? BYTES_SHOWN_MAX : TEXT_SHOWN_MAX;
  return bytes.length > shown ? `The first ${byteSize(shown)} are shown.` : null;
}

/**
 * The bytes as text, cut to what is shown; null when they are not UTF-8 text.
 * @param {Uint8Array} bytes
 * @returns {string | null}
 */
export function asText(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Control characters other than tab, line feed and carriage return mean it is not text.
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    return /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text) ? null : text.slice(0, TEXT_SHOWN_MAX);
  } catch {
    return null;
  }
}

/**
 * The first bytes, sixteen a row, with their offset.
 * @param {Uint8Array} bytes
 */
export function hexRows(bytes) {
  const shown = bytes.subarray(0, BYTES_SHOWN_MAX);
  const rows = [];
  for (let offset = 0; offset < shown.length; offset += BYTES_PER_ROW) {
    const row = Array.from(shown.subarray(offset, offset + BYTES_PER_ROW), (byte) =>
      byte.toString(16).padStart(2, "0"),
    );
    rows.push(`${offset.toString(16).padStart(4, "0")}  ${row.join(" ")}`);
  }
  return rows.join("\n");
}
