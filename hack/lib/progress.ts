/**
 * Progress lines: what runs, how long it took, how long it usually takes.
 *
 * Written to stderr, so that standard output stays for what a script answers. On a terminal the
 * current line counts up in place; in a log each step leaves one line, and a long one reports
 * every twenty seconds, so that nothing ever looks stuck.
 */

const TICK_TERMINAL_MS = 1_000;
const TICK_LOG_MS = 20_000;
/** Steps expected to take longer than this announce themselves in a log. */
const ANNOUNCE_SECONDS = 5;

export interface StepOptions {
  /** How long this usually takes; shown while it runs. */
  readonly expectedSeconds?: number;
}

/** Seconds since a moment, for people: "0.4 s", "17 s". */
export function seconds(sinceMs: number): string {
  const elapsed = (Date.now() - sinceMs) / 1_000;
  return elapsed < 10 ? `${elapsed.toFixed(1)} s` : `${Math.round(elapsed)} s`;
}

/** "about 5 min" or "about 20 s". */
export function approximate(durationSeconds: number): string {
  if (durationSeconds < 90) return `about ${durationSeconds} s`;
  return `about ${Math.round(durationSeconds / 60)} min`;
}

/** One column for the time, one for the text; `detail` may change while the step runs. */
export class Step {
  detail = "";
  readonly #text: string;
  readonly #startedMs = Date.now();
  readonly #hint: string;
  readonly #terminal = process.stderr.isTTY;
  readonly #timer: NodeJS.Timeout;

  constructor(text: string, options: StepOptions) {
    this.#text = text;
    const expected = options.expectedSeconds ?? 0;
    this.#hint = expected === 0 ? "" : `, usually ${approximate(expected)}`;
    if (this.#terminal) this.#draw();
    else if (expected > ANNOUNCE_SECONDS) this.#report("       ...");
    const draw = this.#terminal
      ? (): void => this.#draw()
      : (): void => this.#report(`${seconds(this.#startedMs).padStart(7)}...`);
    this.#timer = setInterval(draw, this.#terminal ? TICK_TERMINAL_MS : TICK_LOG_MS);
  }

  #draw(): void {
    const width = process.stderr.columns ?? 80;
    process.stderr.write(`\r\x1b[K${this.#line("       ").slice(0, width - 1)}`);
  }

  #report(time: string): void {
    process.stderr.write(`${this.#line(time)}\n`);
  }

  #line(time: string): string {
    const shown = this.#terminal ? seconds(this.#startedMs).padStart(7) : time;
    const detail = this.detail === "" ? "" : `: ${this.detail}`;
    return `${shown}  ${this.#text}${detail}${this.#hint}`;
  }

  /** Ends the step and leaves its one line. */
  finish(outcome: string): void {
    clearInterval(this.#timer);
    const clear = this.#terminal ? "\r\x1b[K" : "";
    process.stderr.write(
      `${clear}${seconds(this.#startedMs).padStart(7)}  ${this.#text}${outcome}\n`,
    );
  }
}

/** Runs one step under a progress line; what `work` returns is returned. */
export async function step<T>(
  text: string,
  work: (step: Step) => Promise<T>,
  options: StepOptions = {},
): Promise<T> {
  const current = new Step(text, options);
  try {
    const result = await work(current);
    current.finish(current.detail === "" ? "" : `: ${current.detail}`);
    return result;
  } catch (error) {
    current.finish(": failed");
    throw error;
  }
}

/** One line without a duration. */
export function say(text: string): void {
  process.stderr.write(`         ${text}\n`);
}
