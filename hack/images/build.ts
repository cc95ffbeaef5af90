/**
 * The two images of the product. An image's tag is the hash of everything that goes into it, so
 * unchanged sources are recognised without building, and a changed tag always means new content.
 */
import { join } from "node:path";
import { hashFiles } from "../lib/content-hash.ts";
import { step } from "../lib/progress.ts";
import { settings } from "../lib/settings.ts";
import { ensureBaseImage } from "./base-image.ts";
import { type Engine, imageEngine } from "./engine.ts";

export interface ProductImage {
  readonly repository: string;
  readonly tag: string;
  readonly name: string;
}

export interface ProductImages {
  readonly engine: Engine;
  readonly node: ProductImage;
  readonly operator: ProductImage;
}

/** Manifests that decide which dependencies an image holds. */
const MANIFESTS = [
  ".dockerignore",
  "package.json",
  "package-lock.json",
  "node/package.json",
  "operator/package.json",
  "e2e/package.json",
];

const parts = {
  node: { file: "Dockerfile.node", sources: ["node/src", "node/ui"] },
  operator: { file: "Dockerfile.operator", sources: ["operator/src"] },
} as const;

async function buildOne(
  engine: Engine,
  part: keyof typeof parts,
  base: string | undefined,
): Promise<ProductImage> {
  const { file, sources } = parts[part];
  const root = settings.repositoryRoot;
  const tag = await hashFiles(root, [file, ...MANIFESTS, ...sources], [base ?? ""]);
  const repository = `localhost/chordring/${part}`;
  const name = `${repository}:${tag}`;
  if (!(await engine.exists(name))) {
    const buildArguments = base === undefined ? {} : { NODE_IMAGE: base };
    const options = { name, file: join(root, file), context: root, buildArguments };
    await step(`build image ${name}`, () => engine.build(options), { expectedSeconds: 20 });
  }
  return { repository, tag, name };
}

/** Builds what changed. */
export async function buildImages(): Promise<ProductImages> {
  const engine = await imageEngine();
  const base = await ensureBaseImage(engine);
  return {
    engine,
    node: await buildOne(engine, "node", base),
    operator: await buildOne(engine, "operator", base),
  };
}
