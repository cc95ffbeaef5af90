/**
 * Goal: each history in node/sim/scenarios happens just as its file tells it, message for message.
 * Method: the commands of a file run again from the beginning, on production code in virtual time,
 * and the transcript is compared with the one in the file, as a whole.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import {
  commands,
  differences,
  formatScenario,
  parseScenario,
  playScenario,
} from "../../sim/scenario.ts";

const folder = new URL("../../sim/scenarios/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".txt"));

function read(file: string): string {
  return readFileSync(new URL(file, folder), "utf8");
}

describe("scenarios: every history is told as it happens", () => {
  it("has scenarios to play", () => {
    assert.ok(files.length >= 12, `only ${files.length} files in ${folder.pathname}`);
  });

  for (const file of files) {
    it(file, async () => {
      const told = read(file);
      const steps = parseScenario(told);
      const played = await playScenario(steps);
      if (formatScenario(played) === told) return;
      const name = file.replace(/\.txt$/, "");
      assert.fail(
        [
          `${file} tells another story:`,
          ...differences(steps, played),
          `show it:    node_modules/.bin/node node/sim/scenarios.ts --show ${name}`,
          `rewrite it: node_modules/.bin/node node/sim/scenarios.ts --write ${name}`,
          "Commit a rewritten transcript only if you understand why it changed.",
        ].join("\n"),
      );
    });
  }

  it("breaks no oracle's promise and waits for nothing in vain", () => {
    for (const file of files) {
      for (const { command, transcript } of parseScenario(read(file))) {
        const bad = transcript.filter((line) => /BROKEN|^NOT within/.test(line));
        assert.deepEqual(bad, [], `${file}: ${command}`);
      }
    }
  });

  it("uses every command there is", () => {
    const used = new Set(
      files.flatMap((file) =>
        parseScenario(read(file)).map(({ command }) => command.split(" ")[0]),
      ),
    );
    assert.deepEqual(
      Object.keys(commands).filter((name) => !used.has(name)),
      [],
    );
  });
});

describe("scenario files: read, played and written without loss", () => {
  it("keeps comments, commands and transcripts", () => {
    for (const file of files) {
      assert.equal(formatScenario(parseScenario(read(file))), read(file), file);
    }
  });

  it("takes a file without transcripts", () => {
    const steps = parseScenario("# why\nring 8 14\n\nshow\nideal?\n");
    assert.deepEqual(
      steps.map(({ command }) => command),
      ["ring 8 14", "show", "ideal?"],
    );
    assert.deepEqual(steps[0]?.comments, ["# why"]);
  });

  it("refuses an unknown command and lists those there are", async () => {
    const steps = parseScenario("rung 8 14\n");
    await assert.rejects(
      playScenario(steps),
      /There is no command rung[^]*until ideal[^]*crash 14/,
    );
  });

  it("says how a command is written that it cannot carry out", async () => {
    await assert.rejects(
      playScenario(parseScenario("ring 8 14\nrun fast\n")),
      /run fast: fast is no time, such as 250ms or 3s\nrun 3s: time passes/,
    );
    await assert.rejects(playScenario(parseScenario("crash 8\n")), /`ring` or `nodes` comes first/);
  });

  it("shows a difference as the lines that changed, below their command", () => {
    const before = parseScenario("show\n----\na\nb\nc\n\n");
    const after = parseScenario("show\n----\na\nx\ny\nc\n\n");
    assert.deepEqual(differences(before, after), ["  show", "- b", "+ x", "+ y"]);
    assert.deepEqual(differences(before, before), []);
  });
});
