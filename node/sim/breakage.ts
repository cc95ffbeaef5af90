/**
 * Small breakages of production code, made in memory while a file is loaded, so that a whole thread
 * lives with the broken code. The simulators must notice every one: a mutant that survives is a
 * hole in the oracles.
 */
import { registerHooks } from "node:module";

/** An edit of one file. The text it replaces must be there exactly once. */
export interface Mutant {
  readonly name: string;
  /** What is wrong with it. */
  readonly what: string;
  /** Below the folder that the mutants are for. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Breaks what is loaded from now on; `folder` is where the file lies, such as `node/src/chord`. */
export function applyMutant(mutants: readonly Mutant[], name: string, folder: string): void {
  const mutant = mutants.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant ${name}`);
  const suffix = `/${folder}/${mutant.file}`;
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(suffix) || loaded.source == null) return loaded;
      return { ...loaded, source: edited(sourceText(loaded.source), mutant) };
    },
  });
}

function sourceText(source: string | ArrayBuffer | NodeJS.TypedArray): string {
  return typeof source === "string" ? source : new TextDecoder().decode(source);
}

function edited(source: string, { name, from, to, file }: Mutant): string {
  if (source.split(from).length !== 2) {
    throw new Error(`Mutant ${name}: its text is not there exactly once in ${file}`);
  }
  return source.replace(from, () => to);
}
