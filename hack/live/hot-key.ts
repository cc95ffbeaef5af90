/**
 * A key that many clients want at once, and what they last saw of it.
 *
 * After many operations, or some writes of unknown outcome, a fresh key takes its place, because
 * the cost of the check grows with both. A key that does not answer is not left before it answers
 * again, or the longest outages would be missed; it is then only read, which costs the check
 * nothing.
 */
import type { Completion, OperationKind } from "./history.ts";

const OPERATIONS_MAX = 1_500;
/** Writes that may have happened or may yet happen: those under way count too. */
const UNCERTAIN_MAX = 12;
const UNKNOWN_MAX = 8;
/**
 * A key remembers the last eight ids of writes. So many begin in so long a time, in which every
 * request that is still on its way arrives or is dropped: a repetition always finds its id.
 */
const IDS_MAX = 8;
const IDS_WINDOW_MS = 30_000;

export class HotKey {
  readonly #slot: number;
  #generation = 0;
  #state = newState();
  /** When the last writes with an id began. */
  #idsAtMs: number[] = [];

  constructor(slot: number) {
    this.#slot = slot;
  }

  get name(): string {
    return `hot-${this.#slot}.${this.#generation}`;
  }

  /** The ETag that was last seen; undefined if the key was last seen absent, or never. */
  get etag(): string | undefined {
    return this.#state.etag;
  }

  get writable(): boolean {
    const { underWay, unknown } = this.#state;
    return underWay + unknown < UNCERTAIN_MAX;
  }

  /** Whether one more write may have an id just now; to be called only for one that then has it. */
  takeId(nowMs: number): boolean {
    const recent = this.#idsAtMs.filter((atMs) => nowMs - atMs < IDS_WINDOW_MS);
    const free = recent.length < IDS_MAX;
    this.#idsAtMs = free ? [...recent, nowMs] : recent;
    return free;
  }

  /** To be called before an operation; gives what is to be called after it. */
  begin(kind: OperationKind): (completion: Completion) => void {
    const state = this.#state;
    const write = kind !== "get";
    state.operations += 1;
    if (write) state.underWay += 1;
    return (completion) => {
      if (write) state.underWay -= 1;
      if (write && completion.outcome === "unknown") state.unknown += 1;
      if (completion.outcome === "ok") state.etag = completion.etag;
      // Answers of an earlier generation say nothing about this one.
      if (state === this.#state) this.#turn(completion);
    };
  }

  #turn({ outcome }: Completion): void {
    const { operations, unknown } = this.#state;
    const worn = operations >= OPERATIONS_MAX || unknown >= UNKNOWN_MAX;
    if (outcome !== "ok" || !worn) return;
    this.#generation += 1;
    this.#state = newState();
  }
}

interface State {
  operations: number;
  underWay: number;
  unknown: number;
  etag: string | undefined;
}

function newState(): State {
  return { operations: 0, underWay: 0, unknown: 0, etag: undefined };
}
