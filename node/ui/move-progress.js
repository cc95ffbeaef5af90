/**
 * How far the moves of partitions are, pure: what is left, how fast it becomes less, and how long
 * that will take.
 *
 * Nodes tell what the moves under way have still to copy, and how many partitions are not where
 * they should be. Both also grow, as the next move begins or the next roster comes. So rates count
 * only what became less between two looks, over the looks of the last seconds; the time left
 * follows from the partitions, since those that wait are not in the bytes.
 */

/**
 * @typedef {import("./ring-model.js").Ring} Ring
 * @typedef {{
 *   partitions: number, keys: number, bytes: number, bytesPerSecond: number | null,
 *   secondsLeft: number | null,
 * }} Moves
 */

const WINDOW_MS = 10_000;

export class MoveProgress {
  /** @type {{atMs: number, partitions: number, bytes: number}[]} */
  #looks = [];

  /**
   * The moves under way; null when nothing moves.
   * @param {Ring} ring
   * @param {number} nowMs
   * @returns {Moves | null}
   */
  look({ nodes }, nowMs) {
    const data = nodes.flatMap(({ view }) => view?.data ?? []);
    const partitions = data.reduce((sum, { misplaced }) => sum + misplaced, 0);
    const keys = data.reduce((sum, { keysLeft }) => sum + keysLeft, 0);
    const bytes = data.reduce((sum, { bytesLeft }) => sum + bytesLeft, 0);
    if (partitions === 0 && keys === 0) {
      this.#looks = [];
      return null;
    }
    this.#looks = this.#looks.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
    this.#looks.push({ atMs: nowMs, partitions, bytes });
    const bytesPerSecond = this.#perSecond("bytes");
    const partitionsPerSecond = this.#perSecond("partitions");
    const known = partitions > 0 && partitionsPerSecond !== null;
    const secondsLeft = known ? partitions / partitionsPerSecond : null;
    return { partitions, keys, bytes, bytesPerSecond, secondsLeft };
  }

  /** @param {"partitions" | "bytes"} what @returns {number | null} null while it is not known */
  #perSecond(what) {
    const [first, ...later] = this.#looks;
    const last = later.at(-1);
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return null;
    const done = later.reduce((sum, look, index) => {
      const before = this.#looks[index] ?? look;
      return sum + Math.max(0, before[what] - look[what]);
    }, 0);
    return done === 0 ? null : (1_000 * done) / (last.atMs - first.atMs);
  }
}

/**
 * Some seconds, as a person would say them.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 1.5) return "a moment";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
