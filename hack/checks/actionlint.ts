/**
 * actionlint, which reads the GitHub workflows as GitHub would. It comes as a Go module and is
 * built once into the cache; where Go is missing there is no actionlint, and the caller says so.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";

const version = "v1.7.12";
const module = "github.com/rhysd/actionlint/cmd/actionlint";

/** The path of the program, built if need be; undefined without Go. */
export async function ensureActionlint(): Promise<string | undefined> {
  const directory = join(settings.cacheDirectory, "programs", `actionlint-${version}`);
  const program = join(directory, "actionlint");
  if (existsSync(program)) return program;
  const go = await findProgram("go");
  if (go === undefined) return undefined;
  const environment = { GOBIN: directory, GOFLAGS: "", GOWORK: "off", CGO_ENABLED: "0" };
  await run([go, "install", `${module}@${version}`], { environment, timeoutMs: 5 * 60_000 });
  return program;
}
