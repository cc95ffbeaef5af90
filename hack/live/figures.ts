/** What a live test came to, in figures, and as lines for people. */
import type { LinearizabilityReport } from "../lib/linearizability.ts";
import type { Repetitions } from "./attempts.ts";
import type { Gap } from "./availability.ts";
import type { ColdFindings } from "./final-reads.ts";
import type { Proof } from "./proof.ts";
import type { Counts, CountedKind, Workload } from "./workload.ts";

export interface Figures {
  readonly operations: Readonly<Record<CountedKind, Counts>>;
  /** Left out because too many had no answer. */
  readonly notAsked: number;
  readonly repetitions: Repetitions;
  readonly faults: Readonly<Record<string, number>>;
  readonly cold: ColdFindings | undefined;
  readonly check: Omit<LinearizabilityReport, "verdicts"> | undefined;
  readonly slowestKeySeconds: number;
  readonly longestGap: Gap | undefined;
}

/** What a test of this workload came to. */
export function figuresOf(workload: Workload, faults: Figures["faults"], proof: Proof): Figures {
  const { verdicts = [], ...check } = proof.report ?? {};
  return {
    operations: workload.counts,
    notAsked: workload.notAsked,
    repetitions: workload.repetitions,
    faults,
    cold: proof.cold,
    check: proof.report === undefined ? undefined : (check as Figures["check"]),
    slowestKeySeconds: verdicts.reduce((most, { seconds }) => Math.max(most, seconds), 0),
    longestGap: workload.availability.longest,
  };
}

export function sumOf(counts: Readonly<Record<CountedKind, Counts>>): Counts {
  const sum = { ok: 0, refused: 0, unknown: 0 };
  for (const one of Object.values(counts)) {
    sum.ok += one.ok;
    sum.refused += one.refused;
    sum.unknown += one.unknown;
  }
  return sum;
}

/** One line while it runs. */
export function progressLine(workload: Workload, perSecond: number, fault: string): string {
  const kinds = (["get", "put", "cas", "create", "delete"] as const).map((kind) => {
    const { ok, unknown, refused } = workload.counts[kind];
    return `${kind} ${ok}/${unknown}/${refused}`;
  });
  return `${perSecond} ops/s, ok/unknown/refused: ${kinds.join(", ")}; ${fault}`;
}

export function figureLines(figures: Figures): string[] {
  const { operations, notAsked, repetitions, faults, cold, check, longestGap } = figures;
  const { ok, refused, unknown } = sumOf(operations);
  const total = ok + refused + unknown;
  const kinds = Object.entries(operations).map(
    ([kind, one]) => `${kind} ${one.ok}/${one.unknown}/${one.refused}`,
  );
  const faultTexts = Object.entries(faults).map(([kind, count]) => `${count} ${kind}`);
  return [
    `operations:   ${total}: ${ok} answered, ${unknown} unknown, ${refused} refused`,
    `by kind:      ${kinds.join(", ")} (answered/unknown/refused); ${notAsked} not asked`,
    `sent again:   ${repetitions.unknown} unknown, ${repetitions.acknowledged} acknowledged`,
    `faults:       ${faultTexts.join(", ") || "none"}`,
    `unavailable:  ${gapText(longestGap)}`,
    ...(cold === undefined ? [] : [`cold keys:    ${coldText(cold)}`]),
    ...(check === undefined ? [] : [`linearizable: ${checkText(check, figures)}`]),
  ];
}

function gapText(gap: Gap | undefined): string {
  if (gap === undefined) return "no key was asked";
  const seconds = (nanoseconds: number): string => (nanoseconds / 1e9).toFixed(2);
  return `at most ${seconds(gap.to - gap.from)} s: ${gap.key}, from ${seconds(gap.from)} s on`;
}

function coldText(cold: ColdFindings): string {
  const { acknowledged, refused, unknown, unknownFound, wrong } = cold;
  const others = `${unknown} unknown (${unknownFound} took effect), ${refused} refused`;
  return `${acknowledged} acknowledged, ${others}; ${wrong.length} wrong`;
}

function checkText(check: NonNullable<Figures["check"]>, figures: Figures): string {
  const { ok, illegal, undecided, keys, operations } = check;
  const slowest = `the slowest key took ${figures.slowestKeySeconds.toFixed(2)} s`;
  const verdicts = `${ok} of ${keys} keys, ${illegal} illegal, ${undecided} undecided`;
  return `${verdicts}; ${operations} operations checked, ${slowest}`;
}
