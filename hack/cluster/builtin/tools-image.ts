/**
 * The one image that the cluster itself runs: the pause program that holds a pod's namespaces, and
 * a shell that makes volume directories. Two static programs out of Debian packages, unpacked
 * rather than installed, so the machine stays as it was.
 */
import {
  access,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashWords } from "../../lib/content-hash.ts";
import { step } from "../../lib/progress.ts";
import { findProgram, run } from "../../lib/run.ts";
import { settings } from "../../lib/settings.ts";
import { buildah } from "../../images/buildah.ts";
import { updatePackageLists } from "../debian-packages.ts";

const programs = [
  { debianPackage: "catatonit", path: "usr/bin/catatonit", name: "pause" },
  { debianPackage: "busybox-static", path: "bin/busybox", name: "busybox" },
] as const;

const CONTAINERFILE = `FROM scratch
COPY pause /pause
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
ENTRYPOINT ["/pause", "-P"]
`;

export interface ImageArchive {
  readonly name: string;
  /** An OCI archive that containerd imports. */
  readonly file: string;
}

async function unpack(directory: string): Promise<void> {
  if ((await findProgram("apt-get")) === undefined) {
    throw new Error(
      "the built-in cluster needs Debian or Ubuntu (apt-get); elsewhere start Docker",
    );
  }
  for (const program of programs) {
    const download = join(directory, program.debianPackage);
    await mkdir(download);
    await run(["apt-get", "download", "-qq", program.debianPackage], { cwd: download });
    const [archive] = await readdir(download);
    if (archive === undefined) throw new Error(`apt-get downloaded no ${program.debianPackage}`);
    await run(["dpkg-deb", "-x", archive, "content"], { cwd: download });
    await copyFile(join(download, "content", program.path), join(directory, program.name));
    await chmod(join(directory, program.name), 0o755);
  }
}

async function build(image: ImageArchive): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "chordring-tools-"));
  try {
    await updatePackageLists();
    await unpack(directory);
    await writeFile(join(directory, "Containerfile"), CONTAINERFILE);
    await mkdir(join(image.file, ".."), { recursive: true });
    await buildah(["build", "--tag", image.name, directory]);
    await buildah(["push", image.name, `oci-archive:${image.file}.new:${image.name}`]);
    await rename(`${image.file}.new`, image.file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The image as an archive in the cache, built on first use. */
export async function ensureToolsImage(): Promise<ImageArchive> {
  const tag = hashWords([CONTAINERFILE, ...programs.map((program) => program.debianPackage)]);
  const image = {
    name: `localhost/chordring/cluster-tools:${tag}`,
    file: join(settings.cacheDirectory, "images", `cluster-tools-${tag}.tar`),
  };
  const present = await access(image.file).then(
    () => true,
    () => false,
  );
  if (!present) await step("build the sandbox image", () => build(image));
  return image;
}
