/** The generated tables of docs/simulation.md that are about the data layer. */
import { tableOf } from "../simulation-page.ts";
import { faultKinds } from "./faults.ts";
import { oracles } from "./oracle-error.ts";

/** All of them by the name of their marks, with that of the mutants as it was just found. */
export function tables(mutantTable: string): Readonly<Record<string, string>> {
  const faults = Object.entries(faultKinds).map(([kind, { rate, what }]) => [kind, rate, what]);
  return {
    "data faults": tableOf(["fault", "rate", "what it does"], faults),
    "data oracles": tableOf(["oracle", "what must hold"], Object.entries(oracles)),
    "data mutants": mutantTable,
  };
}
