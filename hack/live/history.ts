/**
 * What clients did and saw and what was done to the ring, as JSON lines on a disk, in the form that
 * hack/linearizability reads. All times are of one monotonic clock, in nanoseconds since the start.
 *
 * An operation has a line at its begin and one at its end, so that one whose end is missing, for
 * whatever reason, still counts as one that may have happened.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";

export type OperationKind = "get" | "put" | "delete";

/** What a client is about to do. */
export interface Invocation {
  /** One after the other: a process does nothing while an operation of it is under way. */
  readonly process: number;
  /** The name of the node that is asked. */
  readonly node: string;
  readonly kind: OperationKind;
  readonly key: string;
  readonly value?: string;
  /** An ETag as it was received, with its quotes. */
  readonly ifMatch?: string;
  readonly ifNoneMatch?: "*";
  /** Of a write that is sent again while nobody knows what became of it: still one operation. */
  readonly idempotencyKey?: string;
}

/**
 * `ok`: the ring answered, which may be "there is none" or "the precondition does not hold".
 * `refused`: certainly nothing was changed. `unknown`: a write may have happened, or may yet.
 */
export type Outcome = "ok" | "refused" | "unknown";

/** What became of it. */
export interface Completion {
  readonly outcome: Outcome;
  /** The HTTP status; 0 without an answer. */
  readonly status: number;
  readonly etag?: string;
  /** The node that gave the answer, for people. */
  readonly owner?: string;
  /** What a get answered. */
  readonly value?: string;
  /** The error's code, or why there is no answer; for people. */
  readonly detail?: string;
}

/** A fault that begins, ends, or happens at one moment. */
export interface FaultNote {
  readonly fault: string;
  readonly phase: "begin" | "end" | "once";
  readonly text: string;
}

export class History {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #startedAt = process.hrtime.bigint();
  #operations = 0;
  #failure: Error | undefined;

  constructor(path: string) {
    this.path = path;
    this.#stream = createWriteStream(path);
    this.#stream.on("error", (error) => {
      this.#failure ??= error;
    });
  }

  /** Nanoseconds since the start. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#startedAt);
  }

  /** The first line: what is needed to run the same test again. */
  test(settings: Readonly<Record<string, unknown>>): void {
    this.#write({ type: "test", time: this.now(), ...settings });
  }

  /** To be called before anything is sent; gives the operation's number. */
  invoke(invocation: Invocation): number {
    this.#operations += 1;
    this.#write({ type: "invoke", time: this.now(), id: this.#operations, ...invocation });
    return this.#operations;
  }

  /** To be called once the answer is complete, or the client gives up. */
  complete(id: number, completion: Completion): void {
    this.#write({ type: "complete", time: this.now(), id, ...completion });
  }

  fault(note: FaultNote): void {
    this.#write({ type: "fault", time: this.now(), ...note });
  }

  /** Resolves when every line is in the file. */
  async close(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream).catch((error: unknown) => {
      this.#failure ??= error as Error;
    });
    if (this.#failure !== undefined) {
      throw new Error(`the history is not whole: ${this.#failure.message}`);
    }
  }

  #write(line: Readonly<Record<string, unknown>>): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}
