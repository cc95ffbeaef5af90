/**
 * Rules that need the whole tree: nothing dead, nothing in the wrong place, no broken link.
 */
import { posix } from "node:path";
import { type Finding, lineAt, type SourceFile } from "./source.ts";

/** Everything that may stand at the top level; docs/architecture.md says what each is for. */
const topLevel = new Set(
  [
    "operator node charts crds Dockerfile.node Dockerfile.operator Makefile package.json",
    "README.md LICENSE CHANGELOG.md CONTRIBUTING.md docs e2e hack package-lock.json .ci .github",
    // Configuration of tools, which look for it only here.
    "tsconfig.json tsconfig.base.json .oxlintrc.json biome.json .mocharc.json",
    ".editorconfig .gitattributes .gitignore .dockerignore",
  ].flatMap((names) => names.split(" ")),
);

/** Nothing but the product and its few companions stands at the top level. */
export function checkTopLevel(files: readonly SourceFile[]): Finding[] {
  const names = new Set(files.map((file) => file.path.split("/")[0] ?? ""));
  return [...names]
    .filter((name) => !topLevel.has(name))
    .map((path) => finding(path, "does not belong to the top level; see docs/architecture.md"));
}

/** Names that a tool or a convention fixes; everything else is kebab-case. */
const fixedNames = [
  /^(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md$/,
  /^(LICENSE|Makefile|Dockerfile\.[a-z]+)$/,
  /^(Chart\.yaml|NOTES\.txt|_[a-z-]+\.tpl)$/,
  // The file of a CustomResourceDefinition: group_plural.yaml.
  /^[a-z.]+_[a-z]+\.yaml$/,
  /^[a-z0-9-]+_test\.go$/,
  /^\./,
];

/** Folder and file names are kebab-case, so that no two differ only by case. */
export function checkNames(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => {
      const parts = path.split("/");
      const file = parts.pop() ?? "";
      const folders = parts.every((part) => /^\.?[a-z0-9][a-z0-9-]*$/.test(part));
      return !folders || !validName(file);
    })
    .map(({ path }) => finding(path, "file and folder names are kebab-case"));
}

function validName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]*$/.test(name) || fixedNames.some((pattern) => pattern.test(name));
}

/** Scripts with a `#!` line are executable, and nothing else is. */
export function checkExecutableBits(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const script = file.text.startsWith("#!");
    if (script === file.executable) return [];
    const message = script
      ? `starts with #! but is not executable: chmod +x ${file.path}`
      : `is executable but is no script: chmod -x ${file.path}`;
    return [finding(file.path, message)];
  });
}

// --- dead code ---

const codeFile = /\.(ts|js)$/;
const alwaysAlive = /\.test\.ts$/;

/**
 * Every code file is reached from an entry point: a test, or a file that the Makefile, a
 * Dockerfile, a workflow, a script or a package.json names. A reached file keeps alive what its
 * strings name, be it an import, a worker's URL or the argument of a spawn.
 */
export function checkDeadFiles(files: readonly SourceFile[]): Finding[] {
  const paths = new Set(files.map((file) => file.path));
  const byPath = new Map(files.map((file) => [file.path, file]));
  const alive = new Set(files.filter((file) => isRoot(file.path)).map((file) => file.path));
  // A Set's iteration also visits what is added while it runs.
  for (const path of alive) {
    const file = byPath.get(path);
    if (file === undefined) continue;
    for (const target of namedFiles(file, paths)) alive.add(target);
  }
  return files
    .filter((file) => codeFile.test(file.path) && !alive.has(file.path))
    .map((file) => finding(file.path, "dead file: no entry point and no test reaches it"));
}

function isRoot(path: string): boolean {
  if (alwaysAlive.test(path)) return true;
  return !codeFile.test(path) && !path.endsWith(".md") && !path.endsWith(".txt");
}

/**
 * Files of the tree that a file's text names, relative to itself or to the top level; a page's
 * links are relative to where it is served, which is its folder's name without a slash.
 */
function namedFiles(file: SourceFile, paths: ReadonlySet<string>): string[] {
  const names = file.uncommented.match(/[\w@./-]+\.(?:ts|js|html)\b/g) ?? [];
  const own = posix.dirname(file.path);
  const folder = file.path.endsWith(".html") ? posix.dirname(own) : own;
  return [...new Set(names)]
    .flatMap((name) => [posix.normalize(posix.join(folder, name)), name, name.replace(/^\//, "")])
    .filter((path) => paths.has(path));
}

const exportPattern =
  /^export (?:declare |abstract |async )*(?:const|let|function\*?|class|interface|type) ([\w$]+)/gm;

/** An exported name that appears nowhere else, not even in its own file, is dead. */
export function checkDeadExports(files: readonly SourceFile[]): Finding[] {
  const sources = files.filter((file) => codeFile.test(file.path));
  const counts = new Map<string, number>();
  for (const file of sources) {
    // Template strings hold code too, so words of strings count.
    for (const word of file.uncommented.match(/[\w$]+/g) ?? []) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  return sources.flatMap((file) =>
    [...file.code.matchAll(exportPattern)]
      .filter((match) => (counts.get(match[1] ?? "") ?? 0) < 2)
      .map((match) =>
        finding(
          file.path,
          `dead export: ${match[1]} is used nowhere`,
          lineAt(file.text, match.index),
        ),
      ),
  );
}

// --- documents ---

/** A document has one title, at its top. */
export function checkTitles(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => file.path.endsWith(".md") && !file.path.startsWith(".github/"))
    .flatMap((file) => {
      const titles = headings(file.text).filter((heading) => heading.level === 1);
      if (titles.length === 1 && /^(<[^\n]*>\n+)*# /.test(file.text)) return [];
      return [finding(file.path, `has ${titles.length} titles; it opens with one line "# …"`)];
    });
}

interface Heading {
  readonly level: number;
  readonly slug: string;
}

function headings(text: string): Heading[] {
  const seen = new Map<string, number>();
  return [...withoutFences(text).matchAll(/^(#{1,6}) +(.+)$/gm)].map((match) => {
    const slug = slugOf(match[2] ?? "");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return { level: (match[1] ?? "").length, slug: before === 0 ? slug : `${slug}-${before}` };
  });
}

/** The anchor that GitHub makes of a heading. */
function slugOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

/** Code in fences holds no headings and no links; its lines stay, so that line numbers do. */
function withoutFences(text: string): string {
  return text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, (fence) => fence.replaceAll(/[^\n]/g, ""));
}

/** Links between the documents lead to a file, and an anchor to a heading of it. */
export function checkLinks(files: readonly SourceFile[]): Finding[] {
  const texts = new Map(files.map((file) => [file.path, file.text]));
  const folders = new Set(files.flatMap((file) => foldersOf(file.path)));
  return files
    .filter((file) => file.path.endsWith(".md"))
    .flatMap((file) => {
      const text = withoutFences(file.text);
      return [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:src|href)="([^"]+)"/g)]
        .map((match) => ({ link: match[1] ?? match[2] ?? "", index: match.index }))
        .filter(({ link }) => !/^[a-z]+:/i.test(link) && broken(file.path, link, texts, folders))
        .map(({ link, index }) => finding(file.path, `broken link ${link}`, lineAt(text, index)));
    });
}

function broken(
  from: string,
  link: string,
  texts: ReadonlyMap<string, string>,
  folders: ReadonlySet<string>,
): boolean {
  const [path = "", anchor] = link.split("#", 2);
  const target = path === "" ? from : posix.normalize(posix.join(posix.dirname(from), path));
  const text = texts.get(target);
  if (text === undefined) return !folders.has(target.replace(/\/$/, "")) && !isBinary(target);
  if (anchor === undefined || !target.endsWith(".md")) return false;
  return !headings(text).some((heading) => heading.slug === anchor);
}

/** Pictures are not read as text, so whether they exist is for the eye. */
function isBinary(path: string): boolean {
  return /\.(png|gif|jpg|jpeg)$/.test(path);
}

function foldersOf(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === "." ? ["."] : [folder, ...foldersOf(folder)];
}

const decision = /^docs\/adr\/(\d{4}-[\w-]+\.md)$/;
const decisionIndexes = ["docs/adr/README.md", "docs/adr/index.md"];

/** Decisions are numbered without gaps or doubles, and the index lists each. */
export function checkDecisions(files: readonly SourceFile[]): Finding[] {
  const names = files.flatMap((file) => decision.exec(file.path)?.[1] ?? []).toSorted();
  const index = files.find((file) => decisionIndexes.includes(file.path));
  const misnumbered = names.filter((name, at) => Number(name.slice(0, 4)) !== at + 1);
  const unlisted = names.filter((name) => index !== undefined && !index.text.includes(`](${name}`));
  return [
    ...misnumbered.map((name) =>
      finding(`docs/adr/${name}`, "decisions are numbered 0001, 0002 …"),
    ),
    ...unlisted.map((name) => finding(`docs/adr/${name}`, `is not listed in ${index?.path}`)),
  ];
}

function finding(path: string, message: string, line = 1): Finding {
  return { path, line, message };
}
