/**
 * Tries again what the ring refuses or leaves open, until its time is over: for what may be done
 * twice, such as storing or reading a chunk.
 */
import type { Clock } from "../chord/index.ts";
import { sleep } from "../chord/sleep.ts";
import { ReplicationError } from "../replication/index.ts";

const PAUSE_MS = 100;

/** Rejects with `unavailable` after the time, and at once with what is no refusal of the ring. */
export async function persist<Result>(
  clock: Clock,
  timeoutMs: number,
  run: () => Promise<Result>,
): Promise<Result> {
  const deadlineMs = clock.now() + timeoutMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof ReplicationError)) throw error;
      if (clock.now() + PAUSE_MS < deadlineMs) await sleep(clock, PAUSE_MS);
      else throw tooLate(error);
    }
  }
}

/** That a chunk's write has an unknown outcome is no news to who sends the value. */
function tooLate(cause: ReplicationError): ReplicationError {
  const message = "a part of the value could not be reached in time; nothing was changed";
  return new ReplicationError("unavailable", message, { cause });
}
