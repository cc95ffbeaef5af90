/**
 * How long a key gave no answer although it was asked: from the first question behind an answer to
 * the next answer. A key that nobody asked was not unavailable, and one slow question among quick
 * ones is no outage.
 */
import type { Outcome } from "./history.ts";

export interface Gap {
  readonly key: string;
  /** Nanoseconds since the start of the history. */
  readonly from: number;
  readonly to: number;
}

export class Availability {
  /** When each key was first asked after its last answer. */
  readonly #waiting = new Map<string, number>();
  #longest: Gap | undefined;

  asked(key: string, now: number): void {
    if (!this.#waiting.has(key)) this.#waiting.set(key, now);
  }

  ended(key: string, now: number, outcome: Outcome): void {
    const from = this.#waiting.get(key);
    if (outcome !== "ok" || from === undefined) return;
    this.#waiting.delete(key);
    const longest = this.#longest;
    if (longest === undefined || now - from > longest.to - longest.from) {
      this.#longest = { key, from, to: now };
    }
  }

  /** The longest one that has ended; undefined if no key was asked. */
  get longest(): Gap | undefined {
    return this.#longest;
  }
}
