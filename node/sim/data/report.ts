/** What a run of many seeds says: its sums, and each failure with its smallest faults. */
import { smallestPart } from "../minimize.ts";
import { describeFault } from "./faults.ts";
import { live, type LifeResult } from "./life.ts";
import type { Plan } from "./plan.ts";

/** Lines of the transcript before a failure that are printed; a replay prints them all. */
const lineCount = 40;

export interface Summary {
  readonly lives: number;
  readonly failed: number;
  readonly events: number;
  readonly simulatedHours: number;
  readonly answered: number;
  readonly refused: number;
  readonly unknown: number;
  readonly views: number;
  readonly slowestMs: number;
  readonly slowestSeed: number;
}

export const emptySummary: Summary = {
  lives: 0,
  failed: 0,
  events: 0,
  simulatedHours: 0,
  answered: 0,
  refused: 0,
  unknown: 0,
  views: 0,
  slowestMs: 0,
  slowestSeed: 0,
};

export function add(summary: Summary, result: LifeResult): Summary {
  const slower = result.restedMs > summary.slowestMs;
  return {
    lives: summary.lives + 1,
    failed: summary.failed + (result.failure === null ? 0 : 1),
    events: summary.events + result.events,
    simulatedHours: summary.simulatedHours + result.simulatedMs / 3_600_000,
    answered: summary.answered + result.answered,
    refused: summary.refused + result.refused,
    unknown: summary.unknown + result.unknown,
    views: summary.views + result.views,
    slowestMs: slower ? result.restedMs : summary.slowestMs,
    slowestSeed: slower ? result.plan.seed : summary.slowestSeed,
  };
}

export function describe(summary: Summary): string {
  const { events, simulatedHours, answered, refused, unknown, views } = summary;
  return (
    `${events} events, ${simulatedHours.toFixed(1)} simulated hours; of the clients' calls ` +
    `${answered} answered, ${refused} refused, ${unknown} of unknown outcome; ${views} views ` +
    `decided; slowest rest ${(summary.slowestMs / 1000).toFixed(1)} s (seed ${summary.slowestSeed})`
  );
}

/** A plan's shape and faults, a line each. */
export function describePlan(plan: Plan): string[] {
  const { seed, profile, size, founders, partitions, copies, keys, clients } = plan;
  return [
    `seed ${seed}, ${profile}: ${size} nodes, ${founders.length} of them founders, ` +
      `${partitions} partitions, ${copies} copies, ${keys.length} keys, ${clients} clients` +
      (plan.ttlRate > 0 ? ", some values expire" : "") +
      `${plan.fenceRate > 0 ? ", keys have fences" : ""}:`,
    ...plan.faults.map((fault) => `  ${describeFault(fault)}`),
  ];
}

/** The same plan with the fewest faults that still break the same promise. */
export async function minimize(plan: Plan, oracle: string): Promise<Plan> {
  const faults = await smallestPart(plan.faults, async (part) => {
    const result = await live({ ...plan, faults: part }, { recording: false });
    return result.failure?.oracle === oracle;
  });
  return { ...plan, faults };
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
    `replay: make data-sim SEED=${failed.plan.seed}`,
  ].join("\n");
}
