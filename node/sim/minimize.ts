/** The smallest part of a plan's faults that still breaks the same promise (delta debugging). */
import { live } from "./life.ts";
import type { Oracle } from "./oracles.ts";
import type { Plan } from "./plan.ts";

const runCountMax = 300;

/** Gives the reduced plan; it still fails with this oracle. */
export async function minimize(plan: Plan, oracle: Oracle | "crash"): Promise<Plan> {
  const faults = await smallestPart(plan.faults, async (part) => {
    const result = await live({ ...plan, faults: part }, { recording: false });
    return result.failure?.oracle === oracle;
  });
  return { ...plan, faults };
}

/** Leaves out what it can of a list that fails; what is left still fails. */
export async function smallestPart<Fault>(
  whole: readonly Fault[],
  fails: (part: readonly Fault[]) => Promise<boolean>,
): Promise<readonly Fault[]> {
  let runsLeft = runCountMax;
  let faults = whole;
  let parts = 2;
  while (faults.length > 0 && runsLeft > 0) {
    const size = Math.ceil(faults.length / parts);
    let smaller: readonly Fault[] | undefined;
    for (let from = 0; from < faults.length && smaller === undefined; from += size) {
      const rest = [...faults.slice(0, from), ...faults.slice(from + size)];
      if (runsLeft > 0 && (await fails(rest))) smaller = rest;
      runsLeft -= 1;
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
  return faults;
}
