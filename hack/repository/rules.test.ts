/**
 * Goal: every rule of the repository test bites. Method: each gets a made-up file that breaks it
 * and one that just keeps it; a rule that stops finding anything would otherwise look like a clean
 * tree.
 */
import assert from "node:assert/strict";
import { checkBoundaries } from "./boundaries.ts";
import { type Finding, importsOf, makeSource, type SourceFile } from "./source.ts";
import { checkBannedCalls, checkFunctionLengths, checkLines, checkTraces } from "./text-rules.ts";
import {
  checkDeadExports,
  checkDeadFiles,
  checkDecisions,
  checkExecutableBits,
  checkLinks,
  checkNames,
  checkTitles,
  checkTopLevel,
} from "./tree-rules.ts";

function messages(findings: readonly Finding[]): string {
  return findings.map((finding) => `${finding.path}:${finding.line} ${finding.message}`).join("\n");
}

function expectClean(findings: readonly Finding[]): void {
  assert.equal(messages(findings), "");
}

function expectFound(findings: readonly Finding[], pattern: RegExp): void {
  assert.match(messages(findings), pattern);
}

describe("the scanner tells code from comments and strings", () => {
  it("blanks comments and strings, and keeps every position", () => {
    const text =
      'const a = "x // no"; // yes\nconst b = /"/; /* "z" */ call(`t ${inner("s")} u`);\n';
    const file = makeSource("hack/a.ts", text);
    assert.equal(file.code.length, text.length);
    assert.equal(file.uncommented.length, text.length);
    assert.doesNotMatch(file.uncommented, /yes|"z"/);
    assert.match(file.uncommented, /x \/\/ no/);
    assert.match(file.code, /const b = \/ \/; +call\(` +\{inner\(" "\)\} +`\);/);
  });

  it("takes a slash after a value for a division", () => {
    assert.match(makeSource("hack/a.ts", 'const half = n / 2; call("s"); // /\n').code, /call/);
  });

  it("finds static, type-only, side-effect, re-exported and dynamic imports", () => {
    const text =
      'import a from "./a.ts";\nimport type { B } from "b";\nimport "./side.ts";\n' +
      'import {\n  c,\n} from "node:c";\nexport * from "./d.ts";\nconst e = await import("e");\n' +
      '// import f from "./f.ts";\nconst g = \'import h from "./h.ts"\';\n';
    const found = importsOf(makeSource("hack/a.ts", text));
    assert.deepEqual(
      found.map((edge) => edge.specifier),
      ["./a.ts", "b", "./side.ts", "node:c", "./d.ts", "e"],
    );
    assert.deepEqual(
      found.map((edge) => edge.typeOnly),
      [false, true, false, false, false, false],
    );
    assert.deepEqual(
      found.map((edge) => edge.line),
      [1, 2, 3, 4, 7, 8],
    );
  });
});

describe("the boundaries refuse every import against the arrows", () => {
  const refused: readonly (readonly [string, string])[] = [
    ["node/src/chord/a.ts", "../kv/a.ts"],
    ["node/src/chord/a.ts", "../../../hack/a.ts"],
    ["node/src/chord/a.ts", "node:crypto"],
    ["node/src/chord/a.ts", "pino"],
    ["node/src/kv/a.ts", "../api/a.ts"],
    ["node/src/kv/a.ts", "../transport/a.ts"],
    ["node/src/transport/a.ts", "../api/a.ts"],
    ["node/src/api/a.ts", "../transport/a.ts"],
    ["node/src/storage/a.ts", "../transport/a.ts"],
    ["node/src/api/a.ts", "../main.ts"],
    ["node/src/api/a.ts", "axios"],
    ["node/src/metrics/a.ts", "../main.ts"],
    ["node/src/config.ts", "./main.ts"],
    ["node/src/unheard-of/a.ts", "node:fs"],
    ["node/src/main.ts", "../../operator/src/api/a.ts"],
    ["operator/src/resources/a.ts", "../kube/a.ts"],
    ["operator/src/resources/a.ts", "@kubernetes/client-node"],
    ["operator/src/reconcile/a.ts", "@kubernetes/client-node"],
    ["operator/src/reconcile/a.ts", "../main.ts"],
    ["operator/src/kube/a.ts", "../reconcile/a.ts"],
    ["operator/src/kube/a.ts", "axios"],
    ["operator/src/ring/a.ts", "../kube/a.ts"],
    ["node/sim/a.ts", "../src/api/a.ts"],
    ["node/ui/a.js", "../src/chord/a.ts"],
    ["e2e/a.test.ts", "../node/src/chord/a.ts"],
    ["hack/a.ts", "../node/src/main.ts"],
  ];
  for (const [path, specifier] of refused) {
    it(`${path} may not import ${specifier}`, () => {
      const file = makeSource(path, `import { a } from "${specifier}";\n`);
      expectFound(checkBoundaries(file), /may not|only import types|has no row/);
    });
  }

  it("the arrows themselves are allowed", () => {
    const allowed: readonly (readonly [string, string])[] = [
      ["node/src/main.ts", 'import { a } from "./api/a.ts";\n'],
      ["node/src/api/a.ts", 'import { a } from "../kv/a.ts";\n'],
      ["node/src/kv/a.ts", 'import { a } from "../chord/index.ts";\n'],
      ["operator/src/kube/a.ts", 'import { a } from "@kubernetes/client-node";\n'],
      ["operator/src/resources/a.ts", 'import type { A } from "@kubernetes/client-node";\n'],
      ["operator/src/ring/a.ts", 'import axios from "axios";\n'],
    ];
    for (const [path, text] of allowed) expectClean(checkBoundaries(makeSource(path, text)));
  });
});

describe("the rules on text bite", () => {
  const source = (text: string, path = "hack/a.ts"): SourceFile => makeSource(path, text);

  it("lines", () => {
    expectClean(checkLines(source(`${"a".repeat(100)}\n`)));
    expectFound(checkLines(source(`${"a".repeat(101)}\n`)), /101 columns/);
    expectFound(checkLines(source("a \n")), /trailing blanks/);
    expectFound(checkLines(source("a\r\n")), /carriage return/);
    expectFound(checkLines(source("a")), /one newline/);
    expectFound(checkLines(source("a\n\n")), /one newline/);
  });

  it("function lengths, in suites too", () => {
    const body = (count: number, indent: string): string => `${indent}  call();\n`.repeat(count);
    const long = (count: number): string => `function a(): void {\n${body(count, "")}}\n`;
    expectClean(checkFunctionLengths(source(long(58))));
    expectFound(checkFunctionLengths(source(long(59))), /61 lines/);
    const suite = `describe("a", () => {\n  it("b", () => {\n${body(59, "  ")}  });\n});\n`;
    expectFound(checkFunctionLengths(source(suite, "hack/a.test.ts")), /a\.test\.ts:2 61 lines/);
    const inner = `  describe("b", () => {\n${body(59, "  ")}  });\n`;
    const conformance = `function a(): void {\n${inner}}\n`;
    expectClean(checkFunctionLengths(source(conformance)));
  });

  it("banned calls, and not their mention", () => {
    expectFound(checkBannedCalls(source("parseInt(text)")), /use Number/);
    expectClean(checkBannedCalls(source('say("parseInt(text)"); // parseInt(text)')));
    expectFound(checkBannedCalls(source('exec("ls")')), /execFile/);
    expectFound(checkBannedCalls(source("JSON.parse(JSON.stringify(a))")), /structuredClone/);
    expectFound(checkBannedCalls(source("process.exit(1)", "node/src/api/a.ts")), /exitCode/);
    expectFound(checkBannedCalls(source("process.env.HOME", "operator/src/kube/a.ts")), /option/);
    expectClean(checkBannedCalls(source("process.env.HOME", "operator/src/config.ts")));
    expectFound(checkBannedCalls(source("it.skip(name, run)", "hack/a.test.ts")), /left out/);
    expectFound(checkBannedCalls(source("setTimeout(run, 5)", "hack/a.test.ts")), /for a state/);
  });

  it("traces of one machine and of unfinished work", () => {
    const traces = (text: string): Finding[] => checkTraces(source(text, "docs/a.md"));
    expectFound(traces("TODO later\n"), /unfinished/);
    expectFound(traces("cd /home/someone\n"), /one machine/);
    expectFound(traces("run `/tmp/a.sh`\n"), /one machine/);
    expectClean(traces("see https://example.com/home/page\n"));
    expectFound(traces("https://npm-mirror.example.com/a\n"), /registry/);
  });
});

describe("the rules on the tree bite", () => {
  const tree = (...paths: string[]): SourceFile[] => paths.map((path) => makeSource(path, "a\n"));

  it("the top level and names", () => {
    expectClean(checkTopLevel(tree("node/a.ts", "Makefile")));
    expectFound(checkTopLevel(tree("stray.txt")), /top level/);
    expectClean(checkNames(tree("README.md", "node/src/finger-table.ts", ".ci/run")));
    expectFound(checkNames(tree("node/src/fingerTable.ts", "node/A/b.ts")), /\.ts.*\n.*A/);
  });

  it("executable bits", () => {
    expectFound(checkExecutableBits([makeSource("a", "#!/bin/sh\n")]), /chmod \+x/);
    expectFound(checkExecutableBits([makeSource("a", "text\n", true)]), /chmod -x/);
    expectClean(checkExecutableBits([makeSource("a", "#!/bin/sh\n", true)]));
  });

  it("dead files", () => {
    const makefile = makeSource("Makefile", "run:\n\tnode hack/a.ts\n");
    const entry = makeSource("hack/a.ts", 'import { b } from "./lib/b.ts";\n');
    const helper = makeSource("hack/lib/b.ts", 'new URL("./c.js", import.meta.url);\n');
    const worker = makeSource("hack/lib/c.js", "// See ./d.ts\n");
    const dead = makeSource("hack/lib/d.ts", 'import "./c.js";\n');
    expectClean(checkDeadFiles([makefile, entry, helper, worker]));
    const found = messages(checkDeadFiles([makefile, entry, helper, worker, dead]));
    assert.match(found, /^hack\/lib\/d\.ts:1 dead file/);
  });

  it("dead exports", () => {
    const file = makeSource("hack/a.ts", "export const alive = 1;\nexport function gone() {}\n");
    const user = makeSource("hack/b.ts", "call(alive);\n// gone\n");
    assert.match(
      messages(checkDeadExports([file, user])),
      /^hack\/a\.ts:2 dead export: gone[^\n]*$/,
    );
  });

  it("titles and links", () => {
    expectClean(checkTitles([makeSource("a.md", "# A\n\n```\n# not one\n```\n")]));
    expectFound(checkTitles([makeSource("a.md", "# A\n# B\n")]), /2 titles/);
    expectFound(checkTitles([makeSource("a.md", "text\n")]), /0 titles/);
    const target = makeSource("docs/b.md", "# B\n\n## The `two` words\n");
    const links = (text: string): Finding[] => checkLinks([makeSource("docs/a.md", text), target]);
    expectClean(links("[b](b.md) [c](b.md#the-two-words) [d](../docs) [e](https://example.com)\n"));
    expectFound(links("[b](missing.md)\n"), /broken link missing\.md/);
    expectFound(links("\n[b](b.md#elsewhere)\n"), /a\.md:2 broken link/);
  });

  it("decisions", () => {
    const index = makeSource("docs/adr/README.md", "[a](0001-a.md)\n");
    expectClean(checkDecisions([index, makeSource("docs/adr/0001-a.md", "# A\n")]));
    expectFound(checkDecisions([index, makeSource("docs/adr/0002-b.md", "# B\n")]), /not listed/);
    expectFound(checkDecisions([makeSource("docs/adr/0003-c.md", "# C\n")]), /numbered/);
  });
});
