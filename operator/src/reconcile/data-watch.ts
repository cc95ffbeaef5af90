/**
 * What one ring's figures were in earlier passes: how fast its data moves, and for how long
 * something has been missing. Pure but for what it remembers; the time comes in.
 *
 * It only makes messages better and alarms calmer. Nothing is decided by it, so an operator that
 * starts anew loses nothing but an estimate.
 */
import type { DataPicture } from "../ring/data-picture.ts";

/** Shorter than this, a pace is chance. */
const PACE_AFTER_MS = 3_000;
/** Longer than this, it is history. Partitions may be large, and few of them move at a time. */
const PACE_WINDOW_MS = 300_000;
const SAMPLE_EVERY_MS = 1_000;

export interface Outlook {
  /**
   * Until all partitions are where they belong, at the pace of late. Partitions are about the same
   * size, and of keys and bytes nodes may know only those of the moves under way.
   */
  secondsLeft: number | undefined;
  /** How long partitions have been without a leader, without a break. */
  unledMs: number | undefined;
  /** How long partitions have been without all copies while no move got on. */
  degradedMs: number | undefined;
  /** How long all data has been in place. */
  placedMs: number | undefined;
}

interface Sample {
  atMs: number;
  misplaced: number;
}

export class DataWatch {
  /** Since the moves began, or as far back as counts. */
  #samples: Sample[] = [];
  #misplaced = 0;
  #left = 0;
  #unledSinceMs: number | undefined;
  #degradedSinceMs: number | undefined;
  #placedSinceMs: number | undefined;

  observe(data: DataPicture, nowMs: number): Outlook {
    const { unled, degraded, misplaced } = data;
    const gotOn = this.#follow(data, nowMs);
    const sinceMs = (holds: boolean, before: number | undefined): number | undefined =>
      holds ? (before ?? nowMs) : undefined;
    this.#unledSinceMs = sinceMs(unled > 0, this.#unledSinceMs);
    // A partition that moves lacks a copy for a moment: what counts is one that does not heal.
    this.#degradedSinceMs = sinceMs(degraded > 0, gotOn ? undefined : this.#degradedSinceMs);
    const placed = data.unknown.length === 0 && unled + degraded + misplaced === 0;
    this.#placedSinceMs = sinceMs(placed, this.#placedSinceMs);
    const elapsedMs = (startMs: number | undefined): number | undefined =>
      startMs === undefined ? undefined : nowMs - startMs;
    return {
      secondsLeft: this.#secondsLeft(nowMs),
      unledMs: elapsedMs(this.#unledSinceMs),
      degradedMs: elapsedMs(this.#degradedSinceMs),
      placedMs: elapsedMs(this.#placedSinceMs),
    };
  }

  /** Returns whether moves have got on since the last time, or have been ordered anew. */
  #follow({ misplaced, keysLeft, bytesLeft }: DataPicture, nowMs: number): boolean {
    // A key counts too, because there are values of no bytes.
    const left = keysLeft + bytesLeft;
    const gotOn = misplaced !== this.#misplaced || left !== this.#left;
    if (misplaced > this.#misplaced) this.#samples = [];
    this.#misplaced = misplaced;
    this.#left = left;
    this.#samples = this.#samples.filter((sample) => nowMs - sample.atMs <= PACE_WINDOW_MS);
    const latest = this.#samples.at(-1);
    if (latest === undefined || nowMs - latest.atMs >= SAMPLE_EVERY_MS) {
      this.#samples.push({ atMs: nowMs, misplaced });
    }
    return gotOn;
  }

  #secondsLeft(nowMs: number): number | undefined {
    const [first] = this.#samples;
    const left = this.#misplaced;
    if (first === undefined || left === 0) return undefined;
    const tookMs = nowMs - first.atMs;
    const done = first.misplaced - left;
    return tookMs >= PACE_AFTER_MS && done > 0 ? (left * tookMs) / done / 1_000 : undefined;
  }
}
