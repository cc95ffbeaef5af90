/**
 * The clients of hack/live against a ring of pods: they ask all the time through whatever pods run,
 * everything goes into a history, and in the end it is proved that no acknowledged write was lost
 * and every read was the latest.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureChecker } from "../../hack/lib/linearizability.ts";
import { SeededRandom } from "../../hack/lib/seeded-random.ts";
import type { Target } from "../../hack/live/client.ts";
import { type Figures, figuresOf, sumOf } from "../../hack/live/figures.ts";
import type { ColdFindings } from "../../hack/live/final-reads.ts";
import { History } from "../../hack/live/history.ts";
import { explainEverything, HISTORY_FILE, readInTheEnd } from "../../hack/live/proof.ts";
import { Workload } from "../../hack/live/workload.ts";
import { config } from "../config.ts";
import type { Ring } from "./ring.ts";
import { pause } from "./wait.ts";

/** How often clients look which pods there are; meanwhile they ask some that are gone. */
const LOOK_MS = 500;
const TIMEOUT_MS = 4_000;
const HOT_KEYS = 6;

export interface TrialOptions {
  readonly suite: string;
  readonly seed: number;
  /** Operations a second. */
  readonly rate: number;
}

export interface TrialResult {
  /** Everything that breaks the promise, one sentence each. */
  readonly problems: readonly string[];
  /** Answers that the contract does not know. */
  readonly strange: readonly string[];
  readonly figures: Figures;
  /** How long clients asked, and how many operations were answered meanwhile. */
  readonly seconds: number;
  readonly answered: number;
}

export class ValueTrial {
  /** Where the history is, and what the proof draws. */
  readonly directory: string;
  readonly #ring: Ring;
  readonly #history: History;
  readonly #workload: Workload;
  readonly #faults: Record<string, number> = {};
  #targets: readonly Target[] = [];
  #looking: Promise<void> = Promise.resolve();
  #ended = false;

  private constructor(ring: Ring, options: TrialOptions) {
    const { suite, seed, rate } = options;
    this.directory = join(config.artifacts, suite);
    mkdirSync(this.directory, { recursive: true });
    this.#ring = ring;
    this.#history = new History(join(this.directory, HISTORY_FILE));
    this.#history.test({ ...options });
    this.#workload = new Workload({
      targets: () => this.#targets,
      history: this.#history,
      random: new SeededRandom(seed),
      rate,
      hotKeys: HOT_KEYS,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Clients ask from now on, until `prove` or `end`. */
  static async start(ring: Ring, options: TrialOptions): Promise<ValueTrial> {
    await ensureChecker();
    const trial = new ValueTrial(ring, options);
    await trial.#look();
    trial.#looking = trial.#lookOn();
    trial.#workload.start();
    return trial;
  }

  /** Notes in the history, and counts, what is done to the ring meanwhile. */
  async fault(kind: string, text: string, inflict: () => Promise<void>): Promise<void> {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1;
    this.#history.fault({ fault: kind, phase: "begin", text });
    await inflict();
    this.#history.fault({ fault: kind, phase: "end", text });
  }

  /** Clients stop, everything is read through every pod, and one order must explain it all. */
  async prove(): Promise<TrialResult> {
    const seconds = this.#history.now() / 1e9;
    const problems: string[] = [];
    await this.#workload.stop();
    const answered = sumOf(this.#workload.counts).ok;
    await this.#look();
    let cold: ColdFindings;
    try {
      cold = await readInTheEnd(this.#workload, this.#targets, problems);
    } finally {
      await this.end();
    }
    const report = await explainEverything(this.directory, problems);
    const figures = figuresOf(this.#workload, this.#faults, { cold, report });
    return { problems, strange: this.#workload.strange, figures, seconds, answered };
  }

  /** Whatever happened: nobody asks any more, and the history is whole. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#looking;
    await this.#workload.stop();
    this.#workload.close();
    await this.#history.close();
  }

  /** For a trial that showed nothing. */
  forget(): void {
    rmSync(this.#history.path);
  }

  async #lookOn(): Promise<void> {
    while (!this.#ended) {
      await pause(LOOK_MS);
      // Whoever cannot learn of new pods asks those that it knows.
      await this.#look().catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const nodes = await this.#ring.nodes();
    this.#targets = nodes.map(({ name, endpoint }) => ({ name, ...endpoint }));
  }
}
