/**
 * `make images`: builds both images and, when there is a cluster, loads them into it.
 */
import { join } from "node:path";
import { clusterExists } from "./cluster/current.ts";
import { buildImages, type ProductImages } from "./images/build.ts";
import { loadImages } from "./images/load.ts";
import { runScript } from "./lib/command-line.ts";
import { withLock } from "./lib/lock.ts";
import { say } from "./lib/progress.ts";
import { settings } from "./lib/settings.ts";

/** Builds both images and loads them into the current cluster, if one exists. */
export async function prepareImages(): Promise<ProductImages> {
  return withLock(join(settings.cacheDirectory, "images.lock"), async () => {
    const images = await buildImages();
    if (await clusterExists()) await loadImages(images);
    else say("there is no cluster to load the images into; start one: make cluster");
    return images;
  });
}

if (import.meta.main) {
  await runScript(async () => {
    const { node, operator } = await prepareImages();
    process.stdout.write(`${node.name}\n${operator.name}\n`);
  });
}
