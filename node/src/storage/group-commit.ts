/**
 * When changes become durable: all that come while a commit is under way become the next one, so
 * that many writers share the time of the disk. Groups are committed in their order, one after the
 * other. One that failed joins the one after it, so that nothing becomes durable before what was
 * changed earlier; without newer changes it is tried again after a while.
 */
import { DiskError } from "./disk-errors.ts";

/** How long a failed commit waits for new changes before it is tried again. */
const RETRY_MS = 1_000;

/** What the disk does with the changes of a group. */
export interface GroupWork<Changes> {
  empty(): Changes;
  /** Makes them durable, all or none. */
  commit(changes: Changes): Promise<void>;
  /** Adds what failed to what came later; where both changed the same, the later one counts. */
  rejoin(failed: Changes, later: Changes): void;
}

interface Group<Changes> {
  readonly changes: Changes;
  /** Made when somebody asks: a promise that nobody waits for could be rejected unhandled. */
  waiting: PromiseWithResolvers<void> | undefined;
}

const nothingToWaitFor = Promise.resolve();

export class GroupCommit<Changes> {
  readonly #work: GroupWork<Changes>;
  /** What the next commit will contain. */
  #open: Group<Changes> | undefined;
  #inFlight: Group<Changes> | undefined;
  /** Ends when no group waits for its commit. */
  #running: Promise<void> | undefined;
  #failure: Error | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(work: GroupWork<Changes>) {
    this.#work = work;
  }

  /** False from a failed commit until one succeeds again. */
  get writable(): boolean {
    return this.#failure === undefined;
  }

  /** To add changes to, at once: they are committed soon after this turn of the event loop. */
  changes(): Changes {
    if (this.#closed) throw new DiskError("the disk is closed: nothing can be changed any more");
    this.#open ??= this.#newGroup();
    this.#start();
    return this.#open.changes;
  }

  /** Commits once more, though nothing may have changed; not if that would hinder closing. */
  goOn(): void {
    if (!this.#closed) this.changes();
  }

  /** Resolves when all changes made so far are durable; rejects if their commit fails. */
  durable(): Promise<void> {
    const group = this.#open ?? this.#inFlight;
    if (group === undefined) return nothingToWaitFor;
    if (this.#closed && this.#running === undefined) {
      return Promise.reject(this.#failure ?? new DiskError("the disk was closed before"));
    }
    if (group.waiting === undefined) {
      group.waiting = Promise.withResolvers();
      group.waiting.promise.catch(() => undefined);
    }
    return group.waiting.promise;
  }

  /** Commits what waits, if the disk takes it. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#open !== undefined) this.#start();
    await this.#running;
  }

  #newGroup(): Group<Changes> {
    return { changes: this.#work.empty(), waiting: undefined };
  }

  #start(): void {
    if (this.#running !== undefined) return;
    clearTimeout(this.#retry);
    this.#running = new Promise((resolve) => {
      setImmediate(() => {
        void this.#run().then(resolve);
      });
    });
  }

  /** Group after group, until nothing waits. */
  async #run(): Promise<void> {
    for (let group = this.#open; group !== undefined; group = this.#open) {
      this.#open = undefined;
      this.#inFlight = group;
      const failure = await this.#attempt(group.changes);
      this.#inFlight = undefined;
      this.#failure = failure;
      if (failure === undefined) {
        group.waiting?.resolve();
      } else {
        group.waiting?.reject(failure);
        if (!this.#rejoin(group)) break;
      }
    }
    this.#running = undefined;
  }

  async #attempt(changes: Changes): Promise<Error | undefined> {
    try {
      await this.#work.commit(changes);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** Whether there are newer changes, with which the failed ones are tried again at once. */
  #rejoin(failed: Group<Changes>): boolean {
    const newer = this.#open !== undefined;
    this.#open ??= this.#newGroup();
    this.#work.rejoin(failed.changes, this.#open.changes);
    if (!newer && !this.#closed) {
      this.#retry = setTimeout(() => this.#start(), RETRY_MS).unref();
    }
    return newer;
  }
}
