/** The parent's side of the load process: one job, one result. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadJob, LoadResult } from "./load-job.ts";

export class LoadGenerator {
  readonly #process: ChildProcess;
  #turns = 0;
  #stopped = false;

  constructor() {
    const program = join(import.meta.dirname, "load-process.ts");
    // "advanced" knows NaN, which a turn without an answer has for its latencies.
    this.#process = fork(program, [], { stdio: "inherit", serialization: "advanced" });
  }

  async run(job: Omit<LoadJob, "seed">): Promise<LoadResult> {
    if (this.#stopped) throw new Error("stopped");
    this.#turns += 1;
    const ended = new AbortController();
    const exit = once(this.#process, "exit", { signal: ended.signal }).then(([code]) => {
      throw new Error(this.#stopped ? "stopped" : `the load process ended with ${String(code)}`);
    });
    try {
      this.#process.send({ ...job, seed: this.#turns } satisfies LoadJob);
      const message = once(this.#process, "message", { signal: ended.signal });
      const [result] = (await Promise.race([message, exit])) as [LoadResult];
      return result;
    } finally {
      ended.abort();
      exit.catch(() => undefined);
    }
  }

  /** Also fails what is under way, by which a whole run ends in good order. */
  stop(): void {
    this.#stopped = true;
    this.#process.kill();
  }
}
