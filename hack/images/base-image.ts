/**
 * The base of both images. Docker pulls the public one that the Dockerfiles name; where there is no
 * engine there is usually no registry either, and an equal one is made here: Debian's essential
 * packages, the Node 24 of node_modules, and npm.
 */
import { copyFile, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDebianPrograms } from "../cluster/debian-packages.ts";
import { hashWords } from "../lib/content-hash.ts";
import { step } from "../lib/progress.ts";
import { output, run } from "../lib/run.ts";
import { settings } from "../lib/settings.ts";
import type { Engine } from "./engine.ts";

const DEBIAN_RELEASE = "bookworm";
const NPM_VERSION = "11.19.1";

// Manuals and translations are half of what a minimal Debian weighs.
const EXCLUDED = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/info/*",
];

const CONTAINERFILE = `FROM scratch
ADD root.tar /
COPY node /usr/local/bin/node
COPY npm/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
CMD ["node"]
`;

async function makeRoot(directory: string): Promise<void> {
  const excludes = EXCLUDED.map((path) => `--dpkgopt=path-exclude=${path}`);
  const include = "--include=ca-certificates,libstdc++6";
  const target = join(directory, "root.tar");
  const words = ["--quiet", "--variant=essential", include, ...excludes, DEBIAN_RELEASE, target];
  await run(["mmdebstrap", ...words]);
}

async function build(engine: Engine, name: string, node: string): Promise<void> {
  await ensureDebianPrograms(["buildah", "mmdebstrap"]);
  const directory = await mkdtemp(join(tmpdir(), "chordring-base-"));
  try {
    await makeRoot(directory);
    await copyFile(node, join(directory, "node"));
    const npm = ["npm", "install", "--prefix", join(directory, "npm"), `npm@${NPM_VERSION}`];
    await run([...npm, "--no-audit", "--no-fund", "--ignore-scripts"]);
    const file = join(directory, "Containerfile");
    await writeFile(file, CONTAINERFILE);
    await engine.build({ name, file, context: directory, buildArguments: {} });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The base image's name; undefined leaves the choice to the Dockerfiles. */
export async function ensureBaseImage(engine: Engine): Promise<string | undefined> {
  if (settings.baseImage !== "") return settings.baseImage;
  if (engine.name === "docker") return undefined;
  const node = await realpath(join(settings.repositoryRoot, "node_modules", ".bin", "node"));
  const version = await output([node, "--version"]);
  const tag = hashWords([version, DEBIAN_RELEASE, NPM_VERSION, CONTAINERFILE, ...EXCLUDED]);
  const name = `localhost/chordring/node-base:${tag}`;
  if (await engine.exists(name)) return name;
  await step("build the base image", () => build(engine, name, node), { expectedSeconds: 40 });
  return name;
}
