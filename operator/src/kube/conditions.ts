/**
 * Conditions: the transition time moves only when the status does, so an idle ring stays unwritten.
 */
import type { Condition } from "../api/chordring.ts";

export type Finding = Pick<Condition, "type" | "status" | "reason" | "message">;

/** Carries `findings` over from the conditions written before. */
export function mergeConditions(
  before: readonly Condition[],
  findings: readonly Finding[],
  observedGeneration: number,
): Condition[] {
  const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return findings.map((finding) => {
    const old = before.find((condition) => condition.type === finding.type);
    const lastTransitionTime = old?.status === finding.status ? old.lastTransitionTime : time;
    return { ...finding, observedGeneration, lastTransitionTime };
  });
}
