/** The smallest part of a plan's faults that still breaks the same promise (delta debugging). */
import type { Fault } from "./faults.ts";
import { live } from "./life.ts";
import type { Oracle } from "./oracles.ts";
import type { Plan } from "./plan.ts";

const runCountMax = 300;

/** Gives the reduced plan; it still fails with this oracle. */
export async function minimize(plan: Plan, oracle: Oracle | "crash"): Promise<Plan> {
  const runs = { left: runCountMax };
  const fails = async (faults: readonly Fault[]): Promise<boolean> => {
    runs.left -= 1;
    const result = await live({ ...plan, faults }, { recording: false });
    return result.failure?.oracle === oracle;
  };
  let faults = plan.faults;
  let parts = 2;
  while (faults.length > 0 && runs.left > 0) {
    const size = Math.ceil(faults.length / parts);
    let smaller: readonly Fault[] | undefined;
    for (let from = 0; from < faults.length && smaller === undefined; from += size) {
      const rest = [...faults.slice(0, from), ...faults.slice(from + size)];
      if (runs.left > 0 && (await fails(rest))) smaller = rest;
    }
    if (smaller !== undefined) {
      faults = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size === 1) {
      break;
    } else {
      parts = Math.min(faults.length, 2 * parts);
    }
  }
  return { ...plan, faults };
}
