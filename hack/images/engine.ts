/**
 * What builds images: Docker where its engine runs, buildah elsewhere. Callers see no difference.
 */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { dockerEngineAnswers } from "../cluster/kind.ts";
import { run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";
import { buildah } from "./buildah.ts";
import { layoutFromDirectory } from "./oci-layout.ts";

export interface BuildOptions {
  readonly name: string;
  /** Path of the Dockerfile. */
  readonly file: string;
  /** The directory that COPY reads from. */
  readonly context: string;
  readonly buildArguments: Readonly<Record<string, string>>;
}

export interface Engine {
  readonly name: "docker" | "buildah";
  exists(image: string): Promise<boolean>;
  build(options: BuildOptions): Promise<void>;
  /** Writes the image into an empty directory, as an OCI layout. */
  save(image: string, directory: string): Promise<void>;
}

function argumentFlags(options: BuildOptions): string[] {
  const pairs = Object.entries(options.buildArguments);
  return pairs.flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
}

const docker: Engine = {
  name: "docker",
  exists: async (image) =>
    (await run(["docker", "image", "inspect", image], { allowFailure: true })).code === 0,
  build: async (options) => {
    const { name, file, context } = options;
    const flags = ["--tag", name, "--file", file, ...argumentFlags(options)];
    await run(["docker", "build", ...flags, context]);
  },
  save: async (image, directory) => {
    const file = join(directory, "image.tar");
    await run(["docker", "save", "--output", file, image]);
    await run(["tar", "--extract", "--file", file, "--directory", directory]);
    await rm(file);
  },
};

/** The host's own certificate authorities, which a build in a chroot does not see. */
function certificateFlags(): string[] {
  const file = settings.extraCertificates;
  if (file === "") return [];
  const mount = `${dirname(file)}:${dirname(file)}:ro`;
  return ["--volume", mount, "--build-arg", `NODE_EXTRA_CA_CERTS=${file}`];
}

const buildahEngine: Engine = {
  name: "buildah",
  exists: async (image) => {
    const inspect = ["inspect", "--type", "image", "--format", "{{.FromImageID}}", image];
    return (await buildah(inspect, { allowFailure: true })).code === 0;
  },
  build: async (options) => {
    const { name, file, context } = options;
    const flags = ["--tag", name, "--file", file, ...argumentFlags(options), ...certificateFlags()];
    await buildah(["build", "--layers", ...flags, context]);
  },
  save: async (image, directory) => {
    // Compressing would take longer than anything it saves on the same disk.
    await buildah(["push", "--quiet", "--disable-compression", image, `dir:${directory}`]);
    await layoutFromDirectory(directory, image);
  },
};

/** The engine of this machine. */
export async function imageEngine(): Promise<Engine> {
  return (await dockerEngineAnswers()) ? docker : buildahEngine;
}
