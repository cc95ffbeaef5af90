/**
 * The requests of one operation. A write that has an id is sent again, through other nodes, while
 * nobody knows what became of it, and once more when it was done: whatever is sent, it happens once
 * at most, and its answer stays the same.
 */
import type { Asked, Client, Target } from "./client.ts";
import type { Completion } from "./history.ts";
import { completionOf } from "./outcome.ts";

const ATTEMPTS_MAX = 3;
/** Of a write that happened; others may be refused for what came before they arrived. */
const doneStatuses: readonly number[] = [200, 201, 204];

/** Requests that were sent again. */
export interface Repetitions {
  /** After an answer that left the outcome open, or none. */
  readonly unknown: number;
  /** After the write was acknowledged. */
  readonly acknowledged: number;
}

export class Attempts {
  readonly #client: Client;
  readonly #targets: () => readonly Target[];
  #unknown = 0;
  #acknowledged = 0;

  constructor(client: Client, targets: () => readonly Target[]) {
    this.#client = client;
    this.#targets = targets;
  }

  get repetitions(): Repetitions {
    return { unknown: this.#unknown, acknowledged: this.#acknowledged };
  }

  /** What is known of the operation in the end. */
  async perform(target: Target, asked: Asked): Promise<Completion> {
    const first = await this.#send(target, asked);
    if (first.outcome !== "unknown" || asked.idempotencyKey === undefined) return first;
    const story = [textOf(first)];
    for (let attempt = 1; attempt < ATTEMPTS_MAX; attempt += 1) {
      this.#unknown += 1;
      const again = await this.#send(this.#other(target, attempt), asked);
      story.push(textOf(again));
      // That a repetition did nothing says nothing of those before it, which may still happen.
      if (isDone(again)) return { ...again, detail: story.join(", then ") };
    }
    return { ...first, detail: story.join(", then ") };
  }

  /** Sends an acknowledged write again; gives what is wrong with its second answer. */
  async repeat(target: Target, asked: Asked, first: Completion): Promise<string | undefined> {
    if (!isDone(first) || asked.idempotencyKey === undefined) return undefined;
    this.#acknowledged += 1;
    const again = await this.#send(this.#other(target, 1), asked);
    if (again.outcome !== "ok") return undefined;
    if (again.status === first.status && again.etag === first.etag) return undefined;
    const [before, now] = [first, again].map(({ status, etag = "" }) => `${status} ${etag}`.trim());
    return `${asked.kind} ${asked.key} ${asked.idempotencyKey}: ${before}, and again ${now}`;
  }

  async #send(target: Target, asked: Asked): Promise<Completion> {
    return completionOf(asked.kind, await this.#client.send(target, asked));
  }

  /** One behind the target in the list of nodes, or the target where there is no other. */
  #other(target: Target, attempt: number): Target {
    const targets = this.#targets();
    const index = targets.findIndex(({ name }) => name === target.name);
    return targets[(index + attempt) % targets.length] ?? target;
  }
}

function isDone({ outcome, status }: Completion): boolean {
  return outcome === "ok" && doneStatuses.includes(status);
}

/** One answer, for people. */
function textOf({ status, etag = "", detail = "" }: Completion): string {
  return [status, etag, detail].filter((part) => part !== "").join(" ");
}
