/**
 * One operation: asked again, with the same id, until there is an answer or its time is over.
 *
 * What may have happened stays so until a success settles it. In particular a refusal that comes
 * after an attempt of unknown outcome does not: the service remembers the last eight writes of a
 * key, and if more came in between, it refuses a repetition that it would have recognised.
 */
import { randomInt } from "node:crypto";
import { ChordRingError } from "./errors.ts";
import { type Answer, type Ask, type Exchange, exchange, extraMs, problemOf } from "./exchange.ts";
import type { Leaders, Target } from "./leaders.ts";

export interface Operation {
  readonly key: string;
  readonly ask: Ask;
}

/** A read that hangs is better asked elsewhere; a write has its node's whole time. */
const READ_ATTEMPT_MS = 1_200;
const WRITE_ATTEMPT_MS = 2_500;
/** An attempt that has less time than this would rather make its outcome unknown than succeed. */
const REPETITION_LEAST_MS = 100;
const BACKOFF_FIRST_MS = 20;
const BACKOFF_MAX_MS = 400;
const RETRY_AFTER_MAX_MS = 60_000;

/** What an attempt came to. */
interface Attempt {
  readonly exchange: Exchange;
  /** The operation may have been done by it. */
  readonly unknown: boolean;
}

/**
 * The answer that settles the operation, be it 404 or 412. Rejects with a `ChordRingError` when
 * the time is over, or the request is refused for what it is.
 */
export async function run(
  leaders: Leaders,
  { key, ask }: Operation,
  timeoutMs: number,
): Promise<Answer> {
  const deadlineMs = performance.now() + timeoutMs + extraMs(ask.body?.length ?? 0);
  let unknown = false;
  for (let count = 0; ; count += 1) {
    const target = leaders.target(key);
    const remainingMs = deadlineMs - performance.now();
    const attempt = await tryOnce(ask, target, remainingMs);
    const { exchange: ended } = attempt;
    if (isSettled(ended)) {
      leaders.learn(key, target, ended);
      return settle(ended, unknown);
    }
    unknown ||= attempt.unknown;
    leaders.failed(target);
    const pauseMs = pauseBefore(count, ended);
    const remainsMs = deadlineMs - performance.now() - pauseMs;
    if (remainsMs < REPETITION_LEAST_MS) throw failure(ended, unknown);
    await pause(pauseMs);
  }
}

async function tryOnce(ask: Ask, { base }: Target, remainingMs: number): Promise<Attempt> {
  const reads = ask.method === "GET";
  const usualMs = ask.attemptMs ?? (reads ? READ_ATTEMPT_MS : WRITE_ATTEMPT_MS);
  const attemptMs = usualMs + extraMs(ask.body?.length ?? 0);
  const ended = await exchange(base, ask, Math.min(attemptMs, remainingMs));
  return { exchange: ended, unknown: !reads && mayHaveHappened(ended) };
}

/** 503 says that nothing was done; 429 comes from what stands before a node. */
function mayHaveHappened(ended: Exchange): boolean {
  if ("status" in ended) return ended.status !== 503 && ended.status !== 429;
  return ended.sent;
}

/** Whether asking again could not give another answer. */
function isSettled(ended: Exchange): ended is Answer {
  return "status" in ended && ended.status < 500 && ended.status !== 429 && ended.status !== 408;
}

function settle(answer: Answer, unknown: boolean): Answer {
  const { status } = answer;
  if (status < 300 || !unknown) return answer;
  throw new ChordRingError(
    "an earlier attempt may have happened, and the repetition was refused: read the key, then " +
      "decide",
    { code: "outcome_unknown", status, outcome: "unknown" },
  );
}

function failure(ended: Exchange, unknown: boolean): ChordRingError {
  const outcome = unknown ? "unknown" : "nothing-happened";
  if ("status" in ended) {
    const { code, message } = problemOf(ended);
    return new ChordRingError(message, { code, status: ended.status, outcome });
  }
  const details = { code: "unreachable", status: 0, outcome, cause: ended.cause } as const;
  return new ChordRingError("no node answered in time", details);
}

/** Jitter keeps clients that failed together from coming back together. */
function pauseBefore(count: number, ended: Exchange): number {
  const jitter = randomInt(1_000) / 1_000;
  const longestMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** count);
  const askedMs = "status" in ended ? retryAfterMs(ended) : 0;
  return Math.max(askedMs * (1 + jitter / 4), longestMs * (0.5 + jitter / 2));
}

/** What the answer asks for; 0 if nothing that is a number of seconds. */
function retryAfterMs({ headers }: Answer): number {
  const seconds = Number(headers.get("retry-after"));
  return seconds >= 0 ? Math.min(RETRY_AFTER_MAX_MS, 1_000 * seconds) : 0;
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}
