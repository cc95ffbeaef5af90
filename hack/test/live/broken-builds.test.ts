/**
 * Goal: each broken build still fits the code that it breaks, and a live test can be run again.
 * Method: apply every edit to the present sources; read the printed command.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settings } from "../../lib/settings.ts";
import { brokenBuild, brokenBuilds, brokenText } from "../../live/broken-builds.ts";
import { liveOptions, replayCommand } from "../../live/options.ts";

describe("broken builds fit the code that they break", () => {
  for (const build of brokenBuilds) {
    it(`${build.name}: ${build.what}`, () => {
      for (const file of new Set(build.edits.map((edit) => edit.file))) {
        const path = join(settings.repositoryRoot, "node", "src", file);
        const source = readFileSync(path, "utf8");
        assert.notEqual(brokenText(build, file, source), source);
      }
    });
  }

  it("an edit that does not fit is refused, and so is a build that does not exist", () => {
    const build = {
      name: "b",
      what: "",
      shownBy: {},
      edits: [{ file: "a.ts", from: "x", to: "y" }],
    };
    assert.equal(brokenText(build, "a.ts", "let x;"), "let y;");
    assert.equal(brokenText(build, "b.ts", "let x;"), "let x;");
    assert.throws(() => brokenText(build, "a.ts", "let x = x;"), /not there exactly once in a\.ts/);
    assert.throws(() => brokenBuild("fine"), /fine is none of acknowledged-before-durable/);
  });
});

describe("a live test says how to run it again", () => {
  it("by its seed and all that differs from the defaults", () => {
    assert.equal(
      replayCommand(liveOptions({ seed: 7, faults: ["kill", "pause"], build: "b", keep: true })),
      "node_modules/.bin/node hack/live/main.ts --seed=7 --faults=kill,pause --build=b --keep",
    );
    const lonely = replayCommand(liveOptions({ seed: 9, copies: 1, outageMsMax: 500 }));
    assert.match(lonely, /--seed=9 --copies=1 --outage-ms-max=500$/);
  });
});
