/**
 * Asks the serving node for its map of the partitions, politely: once a second at most, and hardly
 * ever where nodes do not have one yet. The page works without: then it draws no band.
 */
import { ApiError, getPartitions } from "./api.js";
import { PartitionHistory } from "./partition-model.js";

const INTERVAL_MS = 1_000;
/** Nodes may be upgraded while the page is open. */
const ABSENT_MS = 60_000;

export class PartitionMap {
  /** @type {import("./partition-model.js").PartitionAnswer | null} */
  #answer = null;
  #history = new PartitionHistory();
  #nextAtMs = 0;

  /**
   * The partitions as far as they are known; none where the node has no map.
   * @param {import("./ring-model.js").Ring} ring
   * @returns {Promise<import("./partition-model.js").Partition[]>}
   */
  async look(ring) {
    const nowMs = Date.now();
    if (nowMs >= this.#nextAtMs) await this.#ask(nowMs);
    return this.#answer === null ? [] : this.#history.look(this.#answer, ring, nowMs);
  }

  /** @param {number} nowMs */
  async #ask(nowMs) {
    this.#nextAtMs = nowMs + INTERVAL_MS;
    try {
      this.#answer = await getPartitions();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Whatever else fails now also fails elsewhere on the page, which says so.
      if (error.status !== 404) return;
      this.#answer = null;
      this.#nextAtMs = nowMs + ABSENT_MS;
    }
  }
}
