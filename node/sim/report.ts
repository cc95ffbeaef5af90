/** What a run of many seeds says: its sums, and each failure with its smallest faults. */
import { describeFault } from "./faults.ts";
import { live, type LifeResult } from "./life.ts";
import { minimize } from "./minimize.ts";
import type { Plan } from "./plan.ts";

/** Lines of the transcript before a failure that are printed; a replay prints them all. */
const lineCount = 40;

export interface Summary {
  readonly lives: number;
  readonly failed: number;
  readonly events: number;
  readonly simulatedHours: number;
  readonly lookups: number;
  readonly checks: number;
  readonly intactChecks: number;
  readonly wrongSuspicions: number;
  readonly worstConvergenceMs: number;
  readonly worstSeed: number;
}

export const emptySummary: Summary = {
  lives: 0,
  failed: 0,
  events: 0,
  simulatedHours: 0,
  lookups: 0,
  checks: 0,
  intactChecks: 0,
  wrongSuspicions: 0,
  worstConvergenceMs: 0,
  worstSeed: 0,
};

export function add(summary: Summary, result: LifeResult): Summary {
  const worse = result.convergedMs > summary.worstConvergenceMs;
  return {
    lives: summary.lives + 1,
    failed: summary.failed + (result.failure === null ? 0 : 1),
    events: summary.events + result.events,
    simulatedHours: summary.simulatedHours + result.simulatedMs / 3_600_000,
    lookups: summary.lookups + result.lookups,
    checks: summary.checks + result.checks,
    intactChecks: summary.intactChecks + result.intactChecks,
    wrongSuspicions: summary.wrongSuspicions + result.wrongSuspicions,
    worstConvergenceMs: worse ? result.convergedMs : summary.worstConvergenceMs,
    worstSeed: worse ? result.plan.seed : summary.worstSeed,
  };
}

export function describe(summary: Summary): string {
  const { events, simulatedHours, lookups, checks, intactChecks, wrongSuspicions } = summary;
  return (
    `${events} events, ${simulatedHours.toFixed(1)} simulated hours, ${lookups} lookups; ` +
    `${checks} changes checked, ${intactChecks} of them under Zave's assumption; ` +
    `${wrongSuspicions} wrong suspicions; slowest convergence ` +
    `${(summary.worstConvergenceMs / 1000).toFixed(1)} s (seed ${summary.worstSeed})`
  );
}

/** A plan's shape and faults, a line each. */
export function describePlan(plan: Plan): string[] {
  const { seed, size, successors, early } = plan;
  const when = early ? "while it forms" : "after it formed";
  return [
    `seed ${seed}: ${size} nodes, r = ${successors}, faults ${when}:`,
    ...plan.faults.map((fault) => `  ${describeFault(fault)}`),
  ];
}

/** The failure of one seed, as a person wants to read it. */
export async function describeFailure(failed: LifeResult): Promise<string> {
  if (failed.failure === null) return `seed ${failed.plan.seed} holds`;
  const smallest = await minimize(failed.plan, failed.failure.oracle);
  const { failure, transcript } = await live(smallest, { recording: true });
  const counts = `${smallest.faults.length} of ${failed.plan.faults.length}`;
  return [
    `seed ${failed.plan.seed} broke ${failed.failure.problem}`,
    `smallest faults that still break it, ${counts}:`,
    ...describePlan(smallest),
    `then: ${failure?.problem ?? "nothing, which is a fault of the simulator"}`,
    `the last ${lineCount} lines of that life:`,
    ...transcript.slice(-lineCount),
    `replay: make sim SEED=${failed.plan.seed}`,
  ].join("\n");
}
