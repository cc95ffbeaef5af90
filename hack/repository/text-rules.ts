/**
 * Rules that look at lines and calls. Each is a function from files to findings, so that the rules
 * can be tested on made-up files; what they must find in the real tree is nothing.
 */
import { type Finding, lineAt, type SourceFile } from "./source.ts";

const columnsMax = 100;
const functionLinesMax = 60;

/**
 * Functions that were too long when the rule came, `path:first line's text` each. The list only
 * ever shrinks: a small function cannot grow past the limit, an old giant need not be cut in a
 * hurry.
 */
const toleratedGiants: readonly string[] = [];

/** Files whose lines somebody else's tool writes. */
const generated =
  /(^|\/)(package-lock\.json|go\.sum|go\.mod|LICENSE)$|\.svg$|^crds\/|^charts\/.*\/files\//;

/** Lines are short, have no trailing blanks, and the file ends with one newline. */
export function checkLines(file: SourceFile): Finding[] {
  if (generated.test(file.path)) return [];
  const findings: Finding[] = [];
  const add = (line: number, message: string): number =>
    findings.push({ path: file.path, line, message });
  const lines = file.text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (/[ \t]$/.test(line)) add(index + 1, "trailing blanks");
    if (line.includes("\r")) add(index + 1, "carriage return: lines end with a newline only");
    if (line.length > columnsMax && !mayBeLong(line, file.path)) {
      add(index + 1, `${line.length} columns, the limit is ${columnsMax}`);
    }
  }
  if (file.text !== "" && !/[^\n]\n$/.test(file.text)) {
    add(lines.length, "a file ends with exactly one newline");
  }
  return findings;
}

/** A link, a digest, a drawing, a row of a table and a string in JSON cannot be broken. */
function mayBeLong(line: string, path: string): boolean {
  if (/https?:\/\/\S{40}|@sha256:/.test(line) || path.endsWith(".json")) return true;
  if (/[─-╿]{3}|[│┌└├]/.test(line)) return true;
  return path.endsWith(".md") && /^\s*\||^```|^\s*\[!|\]\(/.test(line);
}

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
  /** Where it is banned; everywhere if absent. */
  readonly where?: RegExp;
  /** The few files whose business it is. */
  readonly except?: RegExp;
}

const code = /\.(ts|js)$/;
const testFile = /\.test\.ts$/;

/** Calls that look harmless, each with what to use instead. */
const bans: readonly Ban[] = [
  {
    // With radix 16 there is no Number() for it.
    pattern: /\bparse(Int|Float)\((?!.*, 16\))/g,
    message: "parseInt and parseFloat accept trailing junk: use Number() and check the result",
  },
  {
    pattern: /\bexec(Sync)?\(\s*[`"']/g,
    message: "a shell splits what it is given: use execFile or spawn with a list of arguments",
  },
  {
    pattern: /\bJSON\.parse\(\s*JSON\.stringify\(/g,
    message: "use structuredClone",
    // A test may send a value through JSON to see what arrives.
    except: testFile,
  },
  {
    pattern: /\bprocess\.exit\(/g,
    message: "it cuts off pending output: set process.exitCode and let the program end",
    except: /^(node|operator)\/src\/main\.ts$|^hack\//,
  },
  {
    pattern: /\bprocess\.env\b/g,
    message: "only one file of a program reads the environment: take the value as an option",
    // A test may have a knob of its own, such as its log level.
    except: /^((node|operator)\/src\/config|hack\/lib\/settings|e2e\/config)\.ts$|\/test\//,
  },
  {
    pattern: /\b(describe|it|context)\.(only|skip)\(/g,
    message: "no test is left out: delete it or mend it",
    where: testFile,
  },
  {
    pattern: /\bsetTimeout\(|\bsleep\(|"node:timers\/promises"/g,
    message: "a test waits for a state, never for a time: poll with a deadline from a helper",
    where: testFile,
  },
  {
    pattern: /@ts-ignore|@ts-nocheck/g,
    message: "use @ts-expect-error with the reason, which fails once it is not needed",
  },
];

/** Finds banned calls. Strings count, because an import's name is one; comments do not. */
export function checkBannedCalls(file: SourceFile): Finding[] {
  if (!code.test(file.path)) return [];
  return bans
    .filter(
      (ban) => (ban.where?.test(file.path) ?? true) && !(ban.except?.test(file.path) ?? false),
    )
    .flatMap((ban) =>
      [...file.uncommented.matchAll(ban.pattern)]
        .filter((match) => !insideString(file, match.index))
        .map((match) => ({
          path: file.path,
          line: lineAt(file.text, match.index),
          message: `${match[0].trim()} is banned: ${ban.message}`,
        })),
    );
}

/** True if the text at `index` was blanked as the inside of a string. */
function insideString(file: SourceFile, index: number): boolean {
  return file.code[index] === " " && file.uncommented[index] !== " ";
}

const unfinished = /\b(TODO|FIXME|XXX)\b/;
const localPath =
  /(?<![\w.$}~<-])\/(home|Users|root|tmp|mnt|work|workspace|private|var\/folders)\/[\w.-]/;
const privateHost = /https?:\/\/[\w.-]*(registry|mirror|artifactory|nexus)[\w.-]*\.[a-z]+/i;
const publicHost = /https?:\/\/(registry\.npmjs\.org|proxy\.golang\.org)\b/;

/** What belongs to one machine or one moment does not belong into the repository. */
export function checkTraces(file: SourceFile): Finding[] {
  // Hashes may spell anything, and the rules and their tests have to name what they forbid.
  if (/(^|\/)go\.sum$|^hack\/repository\//.test(file.path)) return [];
  return file.text.split("\n").flatMap((text, index) => {
    const at = (message: string): Finding => ({ path: file.path, line: index + 1, message });
    return [
      ...(unfinished.test(text) ? [at("unfinished work: do it now or open an issue")] : []),
      ...(localPath.test(text) ? [at("a path of one machine: use os.tmpdir() or the cache")] : []),
      ...(privateHost.test(text) && !publicHost.test(text)
        ? [at("a registry's host: leave it to the user's settings")]
        : []),
    ];
  });
}

/** Lines that open a function, a test or its hooks, a method, an arrow function with a body. */
const functionStarts = [
  /^\s*(export |async )*function\b/,
  /^\s*(it|before|after|beforeEach|afterEach)\(/,
  /^\s+((async|static|override|get|set) )*[\w#$]+(<.*>)?\(.*\).*\{$/,
  /=> \{$/,
];
const notFunction = /^\s*(if|for|while|switch|catch|describe)\b/;

/**
 * Function lengths by indentation, tests included, where the linter cannot tell a suite from a
 * test.
 */
export function checkFunctionLengths(file: SourceFile): Finding[] {
  if (!file.path.endsWith(".ts")) return [];
  const lines = file.code.split("\n");
  const findings: Finding[] = [];
  for (const [index, line] of lines.entries()) {
    if (notFunction.test(line) || !functionStarts.some((start) => start.test(line))) continue;
    const indent = /^\s*/.exec(line)?.[0] ?? "";
    const length = blockLength(lines, index, indent);
    if (isSuite(lines.slice(index, index + length), indent)) continue;
    const name = `${file.path}:${line.trim()}`;
    if (length > functionLinesMax && !toleratedGiants.includes(name)) {
      const message = `${length} lines in one function, the limit is ${functionLinesMax}`;
      findings.push({ path: file.path, line: index + 1, message });
    }
  }
  return findings;
}

/** A conformance suite is a function around a describe, and as long as its suite. */
function isSuite(lines: readonly string[], indent: string): boolean {
  return lines.some((line) => line.startsWith(`${indent}  describe(`));
}

/** Lines from `start` to the closing brace at the same indentation. */
function blockLength(lines: readonly string[], start: number, indent: string): number {
  for (let at = start + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.trim() === "" || line.startsWith(`${indent} `) || line.startsWith(`${indent})`)) {
      continue;
    }
    return line.startsWith(`${indent}}`) ? at - start + 1 : 1;
  }
  return 1;
}
