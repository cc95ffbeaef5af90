/** Runs every mutant against the default seeds and says which oracle caught it, and how soon. */
import { availableParallelism } from "node:os";
import type { Mutant } from "./breakage.ts";
import { pageShows, tableOf, writePage } from "./simulation-page.ts";

/** What a life comes to, as far as a hunt needs it. */
interface Result {
  readonly plan: { readonly seed: number };
  readonly failure: { readonly oracle: string } | null;
  readonly events: number;
}

/** One simulator's mutants, and how its lives are lived with them. */
export interface Hunt {
  readonly mutants: readonly Mutant[];
  /** Each must die within the seeds from 1 to this one. */
  readonly seedCount: number;
  /** Lives the seeds in order on one thread, until told that it is enough. */
  readonly run: (mutant: string, onResult: (result: Result) => boolean) => Promise<void>;
  /** The tables of docs/simulation.md, with that of the mutants as just found. */
  readonly tables: (mutantTable: string) => Readonly<Record<string, string>>;
}

interface Death {
  readonly mutant: Mutant;
  /** The first seed that noticed it, and what it saw; null when it survived. */
  readonly killer: Result | null;
  /** Events of all seeds up to the one that noticed, this one up to the failure. */
  readonly events: number;
}

export async function huntMutants(
  hunt: Hunt,
  options: { readonly write: boolean },
): Promise<number> {
  const deaths = await huntAll(hunt);
  const table = mutantTable(deaths);
  console.log(table);
  if (options.write) writePage(hunt.tables(table));
  const stale = pageShows(hunt.tables(table)) ? 0 : 1;
  if (stale > 0) console.log("docs/simulation.md shows other tables: make mutants WRITE=1");
  const survivors = deaths.filter(({ killer }) => killer === null);
  for (const { mutant } of survivors) {
    console.log(`${mutant.name} survived ${hunt.seedCount} seeds: ${mutant.what}`);
  }
  const failed = survivors.length + stale;
  console.log(`${deaths.length - survivors.length} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Some mutants at a time, each on one thread; the deaths in the mutants' own order. */
async function huntAll(hunt: Hunt): Promise<Death[]> {
  const deaths: Death[] = [];
  const queue = hunt.mutants.entries();
  let count = 0;
  const lane = async (): Promise<void> => {
    for (const [index, mutant] of queue) {
      const death = await kill(hunt, mutant);
      deaths[index] = death;
      count += 1;
      const { killer } = death;
      const seen =
        killer === null ? "SURVIVED" : `${killer.failure?.oracle} in seed ${killer.plan.seed}`;
      console.error(`mutant ${count} of ${hunt.mutants.length}: ${mutant.name}: ${seen}`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return deaths;
}

/** Seeds in order on one thread, so that the count of events is always the same. */
async function kill({ run }: Hunt, mutant: Mutant): Promise<Death> {
  let events = 0;
  let killer: Result | null = null;
  await run(mutant.name, (result) => {
    events += result.events;
    if (result.failure !== null) killer = result;
    return result.failure !== null;
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
