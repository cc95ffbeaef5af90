/**
 * A short hash of files and words: the key of everything that is built once and kept.
 * Equal inputs give equal keys on every machine, so paths go in relative to their base.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";

const LENGTH = 12;

/** The hash of plain words, in order. */
export function hashWords(words: readonly string[]): string {
  const hash = createHash("sha256");
  for (const word of words) hash.update(`${Buffer.byteLength(word)}:${word}`);
  return hash.digest("hex").slice(0, LENGTH);
}

async function filesUnder(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => name !== "node_modules").sort();
  const nested = await Promise.all(names.map((name) => filesUnder(join(path, name))));
  return nested.flat();
}

/** The hash of files and whole directories (without node_modules), and of extra words. */
export async function hashFiles(
  base: string,
  paths: readonly string[],
  words: readonly string[] = [],
): Promise<string> {
  const files = (await Promise.all(paths.map((path) => filesUnder(join(base, path))))).flat();
  const parts: string[] = [...words];
  for (const file of files) parts.push(relative(base, file), await readFile(file, "base64"));
  return hashWords(parts);
}
