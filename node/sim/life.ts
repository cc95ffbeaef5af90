/**
 * One simulated life of a ring: it forms, suffers the faults of its plan, and must be ideal again
 * in bounded time, with every lookup right. What happens follows from the plan alone.
 */
import type { Id, LookupResult } from "../src/chord/index.ts";
import { Chaos } from "./faults.ts";
import { checkPath, type Oracle, OracleError, Oracles } from "./oracles.ts";
import type { Plan } from "./plan.ts";
import { SeededRandom } from "./random.ts";
import { type SimulatedNode, World } from "./world.ts";

/** Calm needed at most for an ideal ring, in virtual time. docs/simulation.md has what was seen. */
export const convergenceMs = 60_000;
/** An ideal ring is watched for this long: nothing may change any more. */
const watchMs = 12_000;
const lookupIntervalMs = 250;
const lookupDeadlineMs = 30_000;

export interface LifeResult {
  readonly plan: Plan;
  readonly failure: { readonly oracle: Oracle | "crash"; readonly problem: string } | null;
  readonly transcript: readonly string[];
  readonly events: number;
  readonly simulatedMs: number;
  /** How long the ring took to be ideal after the faults ended. */
  readonly convergedMs: number;
  readonly lookups: number;
  /** Checks of the whole ring, those in which Zave's assumption held, wrong suspicions. */
  readonly checks: number;
  readonly intactChecks: number;
  readonly wrongSuspicions: number;
}

export async function live(plan: Plan, options: { recording: boolean }): Promise<LifeResult> {
  const life = new Life(plan, options.recording);
  let failure: LifeResult["failure"] = null;
  // A broken invariant in code that nobody awaits ends a real process; here it ends the life.
  const crash = (error: unknown): void => life.world.scheduler.fail(error as Error);
  process.on("unhandledRejection", crash);
  try {
    await life.run();
    await life.world.scheduler.rejections();
  } catch (error) {
    const oracle = error instanceof OracleError ? error.oracle : "crash";
    const problem = error instanceof OracleError ? error.message : String((error as Error).stack);
    failure = { oracle, problem };
    life.world.note(`FAILED ${problem}`);
  } finally {
    process.off("unhandledRejection", crash);
  }
  return life.result(failure);
}

class Life {
  readonly world: World;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #chaos: Chaos;
  readonly #oracles: Oracles;
  #convergedMs = 0;
  #lookups = 0;
  #busy = false;

  constructor(plan: Plan, recording: boolean) {
    const { seed, successors, founders } = plan;
    this.#plan = plan;
    this.world = new World({ seed, successors, founders, recording });
    this.#random = new SeededRandom(seed, 2);
    this.#chaos = new Chaos(this.world, new SeededRandom(seed, 3));
    this.#oracles = new Oracles(this.world);
    this.#oracles.liarPresent = () => this.#chaos.hostile.size > 0;
    const when = plan.early ? "faults from the start" : "faults after it formed";
    this.world.note(`seed ${seed}: ${plan.size} nodes, r = ${successors}, ${when}`);
  }

  async run(): Promise<void> {
    const { world } = this;
    const plan = this.#plan;
    this.#startAll();
    if (!plan.early) await this.#converge("after the start");
    for (const fault of plan.faults) {
      world.scheduler.after(fault.atMs, () => this.#chaos.apply(fault));
    }
    this.#busy = true;
    this.#lookUpSoon();
    await world.scheduler.run(plan.chaosMs);
    this.#busy = false;
    this.#chaos.calm();
    const convergedMs = await this.#converge("after the faults");
    if (convergedMs === null) return;
    this.#convergedMs = convergedMs;
    await this.#lookUpEverywhere();
    this.#chaos.shuffleFingers();
    await this.#lookUpEverywhere();
    if (plan.shrinkTo === null) return;
    await this.#shrink(plan.shrinkTo);
    await this.#lookUpEverywhere();
  }

  result(failure: LifeResult["failure"]): LifeResult {
    const { scheduler, transcript } = this.world;
    for (const name of this.world.running.keys()) this.world.crash(name);
    return {
      plan: this.#plan,
      failure,
      transcript,
      events: scheduler.count,
      simulatedMs: scheduler.now(),
      convergedMs: this.#convergedMs,
      lookups: this.#lookups,
      checks: this.#oracles.checkedCount,
      intactChecks: this.#oracles.intactCount,
      wrongSuspicions: this.#oracles.wrongSuspicionCount,
    };
  }

  #startAll(): void {
    for (let i = 0; i < this.#plan.size; i++) {
      const atMs = this.#random.next() * 1000;
      this.world.scheduler.after(atMs, () => {
        // A fault that came first may have started it already: one process for each name.
        if (!this.world.running.has(`demo-${i}`)) this.world.start(`demo-${i}`);
      });
    }
  }

  /** R10. Gives how long it took; null if the ring waits for a liar, who may as well be dead. */
  async #converge(when: string): Promise<number | null> {
    const { world } = this;
    const calm = (): boolean =>
      world.running.size >= this.#plan.size - 1 && !world.anyPaused() && world.ideal().ideal;
    const tookMs = await this.#untilIdeal(when, calm);
    if (tookMs === null && this.#waitsForLiar()) return null;
    if (tookMs === null) throw this.#neverIdeal(when);
    const size = world.running.size;
    await world.scheduler.run(watchMs);
    const { problems } = world.ideal();
    if (problems.length > 0 && size === world.running.size) {
      throw new OracleError("R10", `not ideal any more: ${problems.join("; ")}`);
    }
    return tookMs;
  }

  /**
   * R10 and R11 as the operator shrinks a ring: the last node leaves, and its process ends only
   * when the others are one ideal ring without it.
   */
  async #shrink(size: number): Promise<void> {
    const { world } = this;
    const names = [...world.running.keys()].sort((a, b) => ordinalOf(b) - ordinalOf(a));
    for (const name of names.slice(0, Math.max(0, names.length - size))) {
      void world.running.get(name)?.chord.leave();
      const when = `after ${name} left`;
      const tookMs = await this.#untilIdeal(when, () => world.ideal().ideal);
      if (tookMs === null) throw this.#neverIdeal(when);
      world.crash(name);
    }
  }

  /** How long it took until the ring was ideal as told, in ms; null if it was not in time. */
  async #untilIdeal(when: string, ideal: () => boolean): Promise<number | null> {
    const { world } = this;
    const startMs = world.scheduler.now();
    if (!(await world.scheduler.runUntil(ideal, convergenceMs))) return null;
    const tookMs = world.scheduler.now() - startMs;
    world.note(`ideal ${(tookMs / 1000).toFixed(1)} s ${when}`);
    return tookMs;
  }

  #neverIdeal(when: string): OracleError {
    const problems = this.world.ideal().problems.join("; ");
    return new OracleError("R10", `not ideal ${convergenceMs / 1000} s ${when}: ${problems}`);
  }

  /** A liar that was a member is remembered as one; docs/protocol.md says so. */
  #waitsForLiar(): boolean {
    const lied = this.#plan.faults.some(({ kind }) => kind === "hostile");
    const details = [...this.world.running.values()].map((node) => node.chord.view().detail);
    const waits = lied && details.some((detail) => /Waits for .*(evil|hostile)/.test(detail));
    if (waits) this.world.note("the ring waits for a liar that it took for a member");
    return waits;
  }

  /** One lookup after another from anywhere, while the faults last: L1 and L2. */
  #lookUpSoon(): void {
    if (!this.#busy) return;
    const node = this.#random.pick([...this.world.running.values()]);
    if (node !== undefined) void this.#lookUp(node, this.#key());
    this.world.scheduler.after(lookupIntervalMs, () => this.#lookUpSoon());
  }

  /** L3: in an ideal ring every lookup from every node ends at the right owner. */
  async #lookUpEverywhere(): Promise<void> {
    const { world } = this;
    for (const node of world.running.values()) {
      const id = this.#key();
      let found: LookupResult | Error | undefined;
      void this.#lookUp(node, id).then((result) => (found = result));
      await world.scheduler.runUntil(() => found !== undefined, lookupDeadlineMs);
      const owner = found instanceof Error ? found.message : found?.owner.name;
      if (owner === world.ownerOf(id)) continue;
      throw new OracleError("L3", `${id} from ${node.name} led to ${owner}`);
    }
  }

  async #lookUp(node: SimulatedNode, id: Id): Promise<LookupResult | Error> {
    const sinceMs = this.world.scheduler.now();
    const calm = !this.#busy;
    const mode = this.#random.chance(0.7) ? "finger" : "walk";
    this.#lookups += 1;
    try {
      const result = await node.chord.find(id, { mode });
      const path = result.path.map((step) => step.node);
      const hopCountMax = this.world.running.size + this.#plan.size;
      checkPath(path, id, { strict: calm && result.timeouts === 0, hopCountMax });
      this.#oracles.checkOwner(node, result.owner, sinceMs);
      return result;
    } catch (error) {
      if (error instanceof OracleError) this.world.scheduler.fail(error);
      return error as Error;
    }
  }

  /** Mostly a key's identifier, sometimes a node's own: that node owns it. */
  #key(): Id {
    const node = this.#random.chance(0.1)
      ? this.#random.pick([...this.world.running.keys()])
      : null;
    if (node != null) return this.world.idOf(node);
    return this.world.idOf(`key ${this.#random.integer(0, 9999)}`);
  }
}

/** The number of a pod in its StatefulSet. */
function ordinalOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}
