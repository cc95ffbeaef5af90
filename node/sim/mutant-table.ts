/** Runs every mutant against the default seeds and says which oracle caught it, and how soon. */
import { availableParallelism } from "node:os";
import { type Mutant, mutants } from "./mutants.ts";
import type { LifeResult } from "./life.ts";
import { fixedSeedCount } from "./plan.ts";
import { range, runSeeds } from "./pool.ts";
import { pageShows, tableOf, tables, writePage } from "./simulation-page.ts";

interface Death {
  readonly mutant: Mutant;
  /** The first seed that noticed it, and what it saw; null when it survived. */
  readonly killer: LifeResult | null;
  /** Events of all seeds up to the one that noticed, this one up to the failure. */
  readonly events: number;
}

export async function huntMutants(options: { readonly write: boolean }): Promise<number> {
  const deaths = await huntAll();
  const table = mutantTable(deaths);
  console.log(table);
  if (options.write) writePage(tables(table));
  const stale = pageShows(tables(table)) ? 0 : 1;
  if (stale > 0) console.log("docs/simulation.md shows other tables: make mutants WRITE=1");
  const survivors = deaths.filter(({ killer }) => killer === null);
  for (const { mutant } of survivors) {
    console.log(`${mutant.name} survived ${fixedSeedCount} seeds: ${mutant.what}`);
  }
  const failed = survivors.length + stale;
  console.log(`${deaths.length - survivors.length} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Some mutants at a time, each on one thread; the deaths in the mutants' own order. */
async function huntAll(): Promise<Death[]> {
  const deaths: Death[] = [];
  const queue = mutants.entries();
  let count = 0;
  const lane = async (): Promise<void> => {
    for (const [index, mutant] of queue) {
      const death = await hunt(mutant);
      deaths[index] = death;
      count += 1;
      const { killer } = death;
      const seen =
        killer === null ? "SURVIVED" : `${killer.failure?.oracle} in seed ${killer.plan.seed}`;
      console.error(`mutant ${count} of ${mutants.length}: ${mutant.name}: ${seen}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return deaths;
}

/** Seeds in order on one thread, so that the count of events is always the same. */
async function hunt(mutant: Mutant): Promise<Death> {
  let events = 0;
  let killer: LifeResult | null = null;
  await runSeeds(range(1, fixedSeedCount), {
    mutant: mutant.name,
    workers: 1,
    onResult: (result) => {
      events += result.events;
      if (result.failure !== null) killer = result;
      return result.failure !== null;
    },
  });
  return { mutant, killer, events };
}

function mutantTable(deaths: readonly Death[]): string {
  const rows = deaths.map(({ mutant, killer, events }) => [
    mutant.name,
    mutant.what,
    killer?.failure?.oracle ?? "**survived**",
    killer?.plan.seed ?? "",
    events,
  ]);
  return tableOf(["mutant", "what is wrong", "caught by", "seed", "events"], rows);
}
