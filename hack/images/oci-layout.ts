/**
 * An image as an OCI layout on disk, from which an archive of only some blobs can be made.
 *
 * Nearly all of an image is its base and its dependencies, which the nodes have since the last
 * time; leaving those blobs out makes loading changed sources a matter of a second.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../lib/run.ts";

interface Manifest {
  readonly mediaType: string;
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

const ALGORITHM = "sha256";

/** Turns what buildah wrote with its `dir:` transport into a layout named `image`. */
export async function layoutFromDirectory(directory: string, image: string): Promise<void> {
  const blobs = join(directory, "blobs", ALGORITHM);
  await mkdir(blobs, { recursive: true });
  const text = await readFile(join(directory, "manifest.json"), "utf8");
  const manifest = JSON.parse(text) as Manifest;
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    const hash = digest.slice(ALGORITHM.length + 1);
    // The same layer may occur twice; the second time it has moved already.
    await rename(join(directory, hash), join(blobs, hash)).catch(() => undefined);
  }
  const manifestHash = createHash(ALGORITHM).update(text).digest("hex");
  await writeFile(join(blobs, manifestHash), text);
  const entry = {
    mediaType: manifest.mediaType,
    digest: `${ALGORITHM}:${manifestHash}`,
    size: Buffer.byteLength(text),
    annotations: { "io.containerd.image.name": image },
  };
  const index = { schemaVersion: 2, manifests: [entry] };
  await writeFile(join(directory, "index.json"), JSON.stringify(index));
  await writeFile(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

/** Packs a layout into `file`, without the blobs whose digests are in `omit`. */
export async function packLayout(
  directory: string,
  file: string,
  omit: ReadonlySet<string>,
): Promise<void> {
  const hashes = await readdir(join(directory, "blobs", ALGORITHM));
  const wanted = hashes.filter((hash) => !omit.has(`${ALGORITHM}:${hash}`));
  const paths = ["oci-layout", "index.json", ...wanted.map((hash) => `blobs/${ALGORITHM}/${hash}`)];
  await run(["tar", "--create", "--file", file, "--directory", directory, ...paths]);
}
