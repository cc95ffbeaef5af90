/**
 * Puts the product's images into the cluster's nodes, since no registry stands between.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensurePrograms } from "../cluster/binaries.ts";
import { commonContent, importImage, nodesWithout } from "../cluster/builtin/containerd.ts";
import { CLUSTER_NAME } from "../cluster/builtin/plan.ts";
import { currentCluster, plan } from "../cluster/current.ts";
import { kindProgram } from "../cluster/kind.ts";
import { step } from "../lib/progress.ts";
import { run } from "../lib/run.ts";
import type { Engine } from "./engine.ts";
import type { ProductImage, ProductImages } from "./build.ts";
import { packLayout } from "./oci-layout.ts";

async function loadBuiltin(engine: Engine, image: ProductImage): Promise<void> {
  const { containerd } = await ensurePrograms(["containerd"]);
  const lacking = await nodesWithout(plan, containerd, image.name);
  if (lacking.length === 0) return;
  await step(`load ${image.name} into ${lacking.length} nodes`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "chordring-image-"));
    try {
      const layout = join(directory, "layout");
      await mkdir(layout);
      await engine.save(image.name, layout);
      const file = join(directory, "image.tar");
      await packLayout(layout, file, await commonContent(containerd, lacking));
      await importImage(plan, containerd, { name: image.name, file });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

async function loadKind(image: ProductImage): Promise<void> {
  const kind = await kindProgram();
  await step(`load ${image.name} into kind`, () =>
    run([kind, "load", "docker-image", image.name, "--name", CLUSTER_NAME]),
  );
}

/** Loads both images into the current cluster, where they are not there yet. */
export async function loadImages(images: ProductImages): Promise<void> {
  const { kind } = await currentCluster();
  for (const image of [images.node, images.operator]) {
    await (kind === "kind" ? loadKind(image) : loadBuiltin(images.engine, image));
  }
}
