/**
 * buildah, where no container engine runs: builds in a chroot, needs root and overlayfs only.
 * Its storage is in the cache directory, apart from any other container storage of the machine.
 */
import { join } from "node:path";
import { type RunOptions, type RunResult, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";

/** Runs buildah on the cache's own storage. */
export function buildah(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const storage = join(settings.cacheDirectory, "containers");
  return run(
    [
      "buildah",
      "--root",
      join(storage, "root"),
      "--runroot",
      join(storage, "run"),
      "--storage-driver",
      "overlay",
      ...command,
    ],
    { ...options, environment: { ...options.environment, BUILDAH_ISOLATION: "chroot" } },
  );
}
