/**
 * One simulated life of a ring's data: it begins, suffers the faults of its plan while clients read
 * and write, and must come to rest in bounded time, with nothing lost that a client was told of.
 * What happens follows from the plan alone.
 */
import { partitionOf } from "../../src/replication/record.ts";
import { SeededRandom } from "../random.ts";
import { Clients } from "./clients.ts";
import { Chaos } from "./faults.ts";
import type { Version } from "./history.ts";
import { isAncestor } from "./history.ts";
import { checkLinearizable } from "./linearizability.ts";
import { type Oracle, OracleError } from "./oracle-error.ts";
import { Oracles } from "./oracles.ts";
import type { PartitionOracles } from "./partition-oracles.ts";
import type { Plan } from "./plan.ts";
import { missing } from "./rest.ts";
import { keyOf, World } from "./world.ts";

/** Calm needed at most until all is well, in virtual time. */
export const restMs = 60_000;
/** A ring at rest is watched for this long: nothing may change any more. */
const watchMs = 1_000;

export interface LifeResult {
  readonly plan: Plan;
  readonly failure: { readonly oracle: Oracle | "crash"; readonly problem: string } | null;
  readonly transcript: readonly string[];
  readonly events: number;
  readonly simulatedMs: number;
  /** How long it took after the faults ended until all was well. */
  readonly restedMs: number;
  /** Calls that were answered, that were refused, and whose outcome nobody knows. */
  readonly answered: number;
  readonly refused: number;
  readonly unknown: number;
  /** Decided views of all partitions. */
  readonly views: number;
}

export async function live(plan: Plan, options: { recording: boolean }): Promise<LifeResult> {
  const life = new Life(plan, options.recording);
  let failure: LifeResult["failure"] = null;
  // An error in code that nobody awaits ends a real process; here it ends the life.
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
    // What else went wrong in that moment is not told, and must not outlive this life.
    await life.world.scheduler.rejections().catch(() => undefined);
  } finally {
    process.off("unhandledRejection", crash);
  }
  return life.result(failure);
}

class Life {
  readonly world: World;
  readonly #plan: Plan;
  readonly #chaos: Chaos;
  readonly #oracles: Oracles;
  readonly #clients: Clients;
  #restedMs = 0;

  constructor(plan: Plan, recording: boolean) {
    const { seed, founders, partitions, keys, torn } = plan;
    this.#plan = plan;
    const options = {
      partitions,
      copies: plan.copies,
      pageEntries: plan.pageEntries,
      pageBytes: plan.pageBytes,
      answeredMax: 1_024,
      forgetAfterMs: plan.forgetAfterMs,
      foundingPatienceMs: 3_000,
    };
    this.world = new World({ seed, founders, options, torn, recording });
    const places = new Map(keys.map((key) => [key, partitionOf(keyOf(key).id, partitions)]));
    this.#oracles = new Oracles(this.world, partitions, places);
    const parts = {
      keys,
      random: new SeededRandom(seed, 2),
      ttlRandom: new SeededRandom(seed, 5),
      fenceRandom: new SeededRandom(seed, 7),
    };
    this.#clients = new Clients(this.world, this.#oracles, parts);
    this.#chaos = new Chaos(this.world, this.#oracles, {
      keys,
      random: new SeededRandom(seed, 3),
    });
  }

  async run(): Promise<void> {
    const { world } = this;
    const plan = this.#plan;
    for (let index = 0; index < plan.size; index += 1) this.#chaos.start(`demo-${index}`);
    this.#chaos.watch();
    if (!plan.early) await this.#rest("after the start");
    for (const fault of plan.faults) {
      world.scheduler.after(fault.atMs, () => this.#chaos.apply(fault));
    }
    this.#clients.start(plan);
    await world.scheduler.run(plan.chaosMs);
    this.#clients.stop();
    world.note("calm");
    this.#chaos.calm();
    this.#restedMs = await this.#rest("after the faults");
    if (plan.ttlRate > 0) await this.#expire();
    await this.#readEverywhere();
    for (const partition of this.#oracles.partitions) this.#checkHistories(partition);
  }

  result(failure: LifeResult["failure"]): LifeResult {
    const { scheduler, transcript } = this.world;
    this.world.observer = null;
    for (const name of this.world.running.keys()) this.world.crash(name);
    return {
      plan: this.#plan,
      failure,
      transcript,
      events: scheduler.count,
      simulatedMs: scheduler.now(),
      restedMs: this.#restedMs,
      ...this.#clients.counts,
      views: this.#oracles.views,
    };
  }

  /** A1 and D8: all is well, and stays so for a while. Gives how long that took. */
  async #rest(when: string): Promise<number> {
    const { world } = this;
    const { scheduler } = world;
    const startMs = scheduler.now();
    const problems = (): string[] =>
      this.#chaos.whole
        ? missing(world, this.#oracles, this.#chaos.roster)
        : ["a node has ended or is about to"];
    const rested = (): boolean => this.#clients.idle && problems().length === 0;
    let tookMs = 0;
    do {
      const leftMs = startMs + restMs - scheduler.now();
      if (!(await scheduler.runUntil(rested, Math.max(0, leftMs)))) {
        const what = problems().join("; ");
        throw new OracleError("A1", `not at rest ${restMs / 1000} s ${when}: ${what}`);
      }
      tookMs = scheduler.now() - startMs;
      const before = scheduler.count;
      await scheduler.run(watchMs);
      this.#checkQuiet(scheduler.count - before);
    } while (!rested());
    world.note(`at rest ${(tookMs / 1000).toFixed(1)} s ${when}`);
    return tookMs;
  }

  /** A4. */
  async #expire(): Promise<void> {
    const { scheduler } = this.world;
    const living = this.#oracles.partitions.filter(({ dead }) => !dead);
    const gone = (): boolean => living.every(({ partition }) => !this.#holdsExpiring(partition));
    if (!(await scheduler.runUntil(gone, restMs))) {
      throw new OracleError("A4", `a value is there ${restMs / 1000} s after the faults`);
    }
    await this.#rest("after all expired");
  }

  #holdsExpiring(partition: number): boolean {
    return [...this.world.platters.values()].some(({ durable }) =>
      [...durable.of(partition).records.values()].some(
        ({ state }) => state.content?.expiresMs !== undefined,
      ),
    );
  }

  /** A3: nodes greet each other, and hardly more. */
  #checkQuiet(events: number): void {
    const { size } = this.world.running;
    if (events <= 100 + 30 * size ** 2) return;
    throw new OracleError("A3", `${events} events in a second at rest, of ${size} nodes`);
  }

  /** A1: whoever is asked answers. Its answer is checked like any other. */
  async #readEverywhere(): Promise<void> {
    const { world } = this;
    for (const key of this.#plan.keys) {
      for (const node of world.running.values()) {
        if (this.#plan.fenceRate > 0) this.#clients.fence(node, key, -1);
        const reading = this.#clients.read(node, key, `last-${node.name}-${key}`);
        await world.scheduler.runUntil(() => reading.result !== undefined, 5_000);
        const { result } = reading;
        const dead = this.#oracles.isDead(key);
        if (dead && typeof result !== "string") {
          throw new OracleError("A2", `${node.name} answers for ${key}, which is lost`);
        }
        if (dead || typeof result !== "string") continue;
        throw new OracleError("A1", `${node.name} does not answer for ${key}: ${result}`);
      }
    }
  }

  /** D2 with what the key holds at last; with what anybody can hope for if that is lost. */
  #checkHistories({ views, keys, partition, dead }: PartitionOracles): void {
    const [member] = views.last?.members ?? [];
    for (const history of keys.values()) {
      const stored = member === undefined ? null : this.world.diskOf(member);
      const held = stored?.durable.of(partition).records.get(history.key);
      const last = history.versionOf(held);
      if (!dead) {
        checkLinearizable(history, last);
        continue;
      }
      const ends: (Version | null)[] = [history.observed, ...history.versions];
      const possible = ends.filter((one) => isAncestor(history.observed, one));
      let problem: unknown;
      const fits = possible.some((one) => {
        try {
          checkLinearizable(history, one);
          return true;
        } catch (error) {
          problem ??= error;
          return false;
        }
      });
      if (!fits) throw problem;
    }
  }
}
