/**
 * A thread in which the protocol is broken by a mutant: it looks for the first seed that notices,
 * and cuts that seed's faults down. The simulator's own worker hands out lives only, not this.
 */
import { registerHooks } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { mutants } from "../../sim/mutants.ts";

export interface Minimized {
  readonly seed: number;
  readonly oracle: string;
  readonly faultsBefore: number;
  readonly faultsAfter: number;
  /** Whether every one of the faults left is one of the plan's, in the plan's order. */
  readonly partOfPlan: boolean;
  /** What the plan with these faults alone breaks. */
  readonly oracleAfter: string | undefined;
  /** For each fault left: what breaks when that one is taken out as well. */
  readonly withoutEach: readonly (string | undefined)[];
}

export interface MinimizeRequest {
  readonly mutant: string;
  readonly seedMax: number;
  /** Seeds with fewer faults have nothing to show. */
  readonly faultCountMin: number;
}

const { mutant, seedMax, faultCountMin } = workerData as MinimizeRequest;
const broken = mutants.find(({ name }) => name === mutant);
if (broken === undefined) throw new Error(`There is no mutant ${mutant}`);
registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/src/chord/${broken.file}`) || loaded.source == null) return loaded;
    const { source: text } = loaded;
    const source = typeof text === "string" ? text : new TextDecoder().decode(text);
    if (!source.includes(broken.from)) throw new Error(`${broken.file} has changed`);
    return { ...loaded, source: source.replace(broken.from, () => broken.to) };
  },
});
const { live } = await import("../../sim/life.ts");
const { minimize } = await import("../../sim/minimize.ts");
const { planOf } = await import("../../sim/plan.ts");

parentPort?.postMessage(await firstMinimized());

async function firstMinimized(): Promise<Minimized | null> {
  for (let seed = 1; seed <= seedMax; seed++) {
    const plan = planOf(seed);
    if (plan.faults.length < faultCountMin) continue;
    const { failure } = await live(plan, { recording: false });
    if (failure === null) continue;
    const { faults } = await minimize(plan, failure.oracle);
    const oracleOf = async (kept: typeof faults): Promise<string | undefined> =>
      (await live({ ...plan, faults: kept }, { recording: false })).failure?.oracle;
    const withoutEach: (string | undefined)[] = [];
    for (const fault of faults) {
      withoutEach.push(await oracleOf(faults.filter((other) => other !== fault)));
    }
    return {
      seed,
      oracle: failure.oracle,
      faultsBefore: plan.faults.length,
      faultsAfter: faults.length,
      partOfPlan: plan.faults
        .filter((fault) => faults.includes(fault))
        .every((fault, index) => fault === faults[index]),
      oracleAfter: await oracleOf(faults),
      withoutEach,
    };
  }
  return null;
}
