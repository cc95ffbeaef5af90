/**
 * Alternates between systems in short turns (ABAB), so that a change of the machine's speed meets
 * all of them alike.
 */
import type { LoadGenerator } from "./load-generator.ts";
import type { LoadResult, Operation, Target } from "./load-job.ts";
import { IDLE, type Measurement } from "./measurement.ts";
import type { System } from "./systems.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  /** The program to run as a node; undefined: this checkout's. */
  readonly main: string | undefined;
}

/** One kind of load on one system. */
export interface Load {
  readonly system: System;
  readonly operation: Operation;
  /** What tables call it. */
  readonly work: string;
  readonly perSecond: number | null;
}

export interface Turns {
  readonly generator: LoadGenerator;
  readonly options: BenchOptions;
  /** Told before each turn, for the progress line. */
  readonly report: (text: string) => void;
}

/** Compiling the hot code takes a while, and would else count as the cost of what runs first. */
const WARM_UP_SECONDS = 4;
/** What compiles code is calls, of which a busy machine makes few in a second. */
const WARM_UP_OPERATIONS = 20_000;
const WARM_UP_TURNS_MAX = 4;

export async function alternate(turns: Turns, loads: readonly Load[]): Promise<Measurement[]> {
  const { rounds } = turns.options;
  const results = loads.map((): LoadResult[] => []);
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, load] of loads.entries()) {
      const text = load.perSecond === null ? "" : ` at ${Math.round(load.perSecond)} op/s`;
      turns.report(`round ${round} of ${rounds}, ${load.work} ${load.system.name}${text}`);
      results[index]?.push(await runTurn(turns, load, turns.options.seconds));
    }
  }
  return loads.map(({ system, work, perSecond }, index) => {
    return { system: system.name, work, perSecond, rounds: results[index] ?? [] };
  });
}

export async function warmUp(turns: Turns, loads: readonly Load[]): Promise<void> {
  for (const load of loads) {
    turns.report(`warm-up, ${load.work} ${load.system.name}`);
    let operations = 0;
    for (let turn = 0; turn < WARM_UP_TURNS_MAX && operations < WARM_UP_OPERATIONS; turn += 1) {
      operations += (await runTurn(turns, load, WARM_UP_SECONDS)).operations;
    }
  }
}

/** What a system uses while nobody asks it: maintenance, signs of life. */
export async function idleTurns(turns: Turns, systems: readonly System[]): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const { name, form, processIds } of systems) {
    turns.report(`idle ${name}`);
    const result = await turns.generator.run({
      form,
      operation: "get",
      targets: [],
      seconds: turns.options.seconds,
      perSecond: null,
      processIds: processIds(),
    });
    results.push({ system: name, work: IDLE, perSecond: null, rounds: [result] });
  }
  return results;
}

export async function runTurn(turns: Turns, load: Load, seconds: number): Promise<LoadResult> {
  const { system, operation, perSecond } = load;
  const targets: readonly Target[] = await system.targets(turns.options.connections);
  const processIds = system.processIds();
  return turns.generator.run({
    form: system.form,
    operation,
    targets,
    seconds,
    perSecond,
    processIds,
  });
}
