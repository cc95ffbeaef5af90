/** What `make verify` searches, and what it must find there. */

/** `complete`: every state visited, nothing found. `violation`: the breakage is found. */
export type Expectation = "complete" | "violation";

/** A model with some of its switches: small enough to be searched to its end. */
export interface Configuration {
  readonly name: string;
  /** What a person learns from it. */
  readonly what: string;
  /** Switches of the model, without the leading -D. */
  readonly defines: readonly string[];
  /**
   * `states`: every reachable state. `runs`: besides, no run goes on for ever.
   * `shortest`: breadth first, so that a counterexample has as few steps as possible.
   */
  readonly search: "states" | "runs" | "shortest";
  readonly expected: Expectation;
  /** Whether it belongs to `--quick`. */
  readonly quick: boolean;
  /** Duration on an idle core. */
  readonly expectedSeconds: number;
}

/** One Promela file and its configurations. */
export interface Model {
  readonly file: string;
  /** Heads its table in docs/model.md. */
  readonly name: string;
  /** How a counterexample shows the state after each step. */
  readonly legend: string;
  readonly configurations: readonly Configuration[];
}
