/** Waits for enough of several answers. */
import { ReplicationError } from "./errors.ts";

/**
 * Resolves with the answers so far as soon as there are `needed`. Rejects when there cannot be so
 * many any more, with the refusal that tells most: that somebody else is ahead.
 */
export function quorum<T>(calls: readonly Promise<T>[], needed: number): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    const answers: T[] = [];
    let failed = 0;
    let reason: unknown;
    if (needed === 0) resolve(answers);
    else if (calls.length < needed) reject(tooFew());
    for (const call of calls) {
      call.then(
        (answer) => {
          answers.push(answer);
          if (answers.length === needed) resolve([...answers]);
        },
        (error: unknown) => {
          failed += 1;
          if (reason === undefined || isAhead(error)) reason = error;
          if (failed > calls.length - needed) reject(isAhead(reason) ? reason : tooFew(reason));
        },
      );
    }
  });
}

function tooFew(cause?: unknown): ReplicationError {
  return new ReplicationError("unavailable", "too few members answered", { cause });
}

/** Whether a refusal says that the asker's time is over: a newer view or a higher ballot. */
export function isAhead(error: unknown): error is ReplicationError {
  if (!(error instanceof ReplicationError)) return false;
  return error.code === "outranked" || error.code === "sealed" || error.code === "other-view";
}
