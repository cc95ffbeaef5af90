/**
 * The tracked files as the repository test sees them. TypeScript 7 has no JavaScript interface, so
 * a small scanner blanks out comments and strings; it is exact enough for code that biome
 * formatted. Blanking keeps every line and column where it was, so a finding points at the real
 * place.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** One text file of the repository. */
export interface SourceFile {
  /** Path from the top level, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** `text` with comments replaced by spaces. */
  readonly uncommented: string;
  /** `text` with comments and the insides of strings replaced by spaces. */
  readonly code: string;
  readonly executable: boolean;
}

/** One import or re-export, or a dynamic `import("…")` of a literal. */
export interface ImportEdge {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** What a rule found. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const binaryExtensions = /\.(png|ico|gif|jpg|jpeg|woff2|gz|tar)$/;
const scannedExtensions = /\.(ts|js|mjs|css)$/;

/** Every file git tracks or would track, so a finding shows before the commit. */
export function readRepository(root: string): SourceFile[] {
  const output = execFileSync(
    "git",
    ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    { cwd: root, encoding: "utf8" },
  );
  return output
    .split("\0")
    .filter((path) => path !== "" && !binaryExtensions.test(path))
    .flatMap((path) => readSource(root, path));
}

function readSource(root: string, path: string): SourceFile[] {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  // A file deleted but not yet committed is still in git's index.
  if (stats === undefined || !stats.isFile()) return [];
  const text = readFileSync(join(root, path), "utf8");
  return [makeSource(path, text, (stats.mode & 0o100) !== 0)];
}

/** Builds a source file from its text; the rules' own tests use it too. */
export function makeSource(path: string, text: string, executable = false): SourceFile {
  if (!scannedExtensions.test(path)) {
    return { path, text, uncommented: text, code: text, executable };
  }
  return { path, text, ...blank(text), executable };
}

/** Line number, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line += 1;
  }
  return line;
}

const staticImport = /\b(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?"([^"\n]+)"/;
const dynamicImport = /\bimport\(\s*"([^"\n]+)"/;
const importPattern = new RegExp(`${staticImport.source}|${dynamicImport.source}`, "g");

/** Every import of a file, in order. */
export function importsOf(file: SourceFile): ImportEdge[] {
  return [...file.uncommented.matchAll(importPattern)]
    .filter((match) => file.code.startsWith(match[0].slice(0, 6), match.index))
    .map((match) => ({
      specifier: match[2] ?? match[3] ?? "",
      typeOnly: match[1] !== undefined,
      line: lineAt(file.text, match.index),
    }));
}

// --- the scanner ---

interface Blanked {
  readonly uncommented: string;
  readonly code: string;
}

/** A stretch of text that is not code: `//`, `/* *\/`, a string, a regular expression. */
interface Stretch {
  readonly kind: "comment" | "string";
  readonly end: number;
}

function blank(text: string): Blanked {
  const comments: [number, number][] = [];
  const strings: [number, number][] = [];
  // Open braces since each `${`, innermost last: tells where a template string goes on.
  const templates: number[] = [];
  for (let at = 0; at < text.length; ) {
    const stretch = stretchAt(text, at, templates);
    if (stretch === undefined) {
      at += 1;
      continue;
    }
    if (stretch.kind === "comment") comments.push([at, stretch.end]);
    else strings.push([at + 1, stretch.end - 1]);
    at = Math.max(stretch.end, at + 1);
  }
  const uncommented = erase(text, comments);
  return { uncommented, code: erase(uncommented, strings) };
}

function stretchAt(text: string, at: number, templates: number[]): Stretch | undefined {
  const char = text[at];
  if (char === "/") return slashAt(text, at);
  if (char === '"' || char === "'") return { kind: "string", end: quoteEnd(text, at, char) };
  if (char === "`" || closesTemplateHole(char, templates)) {
    return { kind: "string", end: templateEnd(text, at + 1, templates) };
  }
  return undefined;
}

/** Counts the braces inside a `${…}`; true for the one that closes it, where the string goes on. */
function closesTemplateHole(char: string | undefined, templates: number[]): boolean {
  const depth = templates.pop();
  if (depth === undefined) return false;
  if (char === "}" && depth === 0) return true;
  const change = char === "{" ? 1 : char === "}" ? -1 : 0;
  templates.push(depth + change);
  return false;
}

function slashAt(text: string, at: number): Stretch | undefined {
  const next = text[at + 1];
  if (next === "/") return { kind: "comment", end: endOf(text, "\n", at) };
  if (next === "*") return { kind: "comment", end: endOf(text, "*/", at + 2) + 2 };
  return startsRegex(text, at) ? { kind: "string", end: regexEnd(text, at) } : undefined;
}

function endOf(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

function quoteEnd(text: string, from: number, quote: string): number {
  let at = from + 1;
  while (at < text.length && text[at] !== quote && text[at] !== "\n") {
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

/** Goes to the closing backtick, or to the next `${`, which it notes in `templates`. */
function templateEnd(text: string, from: number, templates: number[]): number {
  let at = from;
  while (at < text.length && text[at] !== "`") {
    if (text[at] === "$" && text[at + 1] === "{") {
      templates.push(0);
      return at + 2;
    }
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

/** A slash divides after a value; after an operator, a bracket or a keyword it opens a regex. */
function startsRegex(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 40), at).trimEnd();
  return before === "" || /[([{,;:=!&|?+\-*%<>~^}]$|\b(return|typeof|case|in|of)$/.test(before);
}

function regexEnd(text: string, from: number): number {
  let inClass = false;
  let at = from + 1;
  while (at < text.length && text[at] !== "\n" && (inClass || text[at] !== "/")) {
    if (text[at] === "[") inClass = true;
    if (text[at] === "]") inClass = false;
    at += text[at] === "\\" ? 2 : 1;
  }
  return at + 1;
}

function erase(text: string, ranges: readonly [number, number][]): string {
  let result = "";
  let kept = 0;
  for (const [start, end] of ranges) {
    result += text.slice(kept, start) + text.slice(start, end).replaceAll(/[^\n]/g, " ");
    kept = Math.max(end, start);
  }
  return result + text.slice(kept);
}
