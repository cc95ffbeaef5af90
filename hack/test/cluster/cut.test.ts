/**
 * Goal: a node that was cut off is always connected again. Method: an engine that only writes down
 * what it is asked to do, and callers that heal, fail, and are killed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { Cut, linkOf } from "../../cluster/cut.ts";
import { plan } from "../../cluster/current.ts";
import { waitFor } from "../../lib/wait-for.ts";

const facts = { name: "worker", address: "192.0.2.1", providerId: "kind://noter/some/worker" };
const timeoutMs = 10_000;

describe("a cut of a node's network always ends", function () {
  this.timeout(3 * timeoutMs);
  const pathBefore = process.env["PATH"];
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "chordring-cut-"));
    const engine = join(directory, "noter");
    await writeFile(engine, `#!/bin/sh\necho "$@" >>'${directory}/asked'\n`);
    await chmod(engine, 0o755);
    process.env["PATH"] = `${directory}${delimiter}${pathBefore}`;
  });

  afterEach(async () => {
    process.env["PATH"] = pathBefore;
    await rm(directory, { recursive: true });
  });

  /** Whether each of the engine's last two orders of the kind removes a rule. */
  async function lastOrders(): Promise<string> {
    const lines = (await readFile(join(directory, "asked"), "utf8")).trimEnd().split("\n");
    const last = lines.slice(-2);
    assert.ok(
      last.every((line) => line.startsWith("exec worker ")),
      last.join("\n"),
    );
    if (last.every((line) => line.includes(" -I "))) return "cut";
    return last.every((line) => line.includes(" -D ")) ? "healed" : "something else";
  }

  it("when it is healed, and then healed again", async () => {
    const cut = await Cut.begin(facts);
    assert.equal(await lastOrders(), "cut");
    await cut.heal();
    assert.equal(await lastOrders(), "healed");
    await cut.heal();
  });

  it("when the one who wanted it is killed", async () => {
    const module = pathToFileURL(join(import.meta.dirname, "..", "..", "cluster", "cut.ts"));
    const script = `
      const { Cut } = await import(${JSON.stringify(module.href)});
      await Cut.begin(${JSON.stringify(facts)});
      process.stdout.write("cut");
      process.stdin.resume();
    `;
    const words = ["--input-type=module", "--eval", script];
    const caller = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((resolve) => {
      caller.stdout.once("data", resolve);
    });
    assert.equal(await lastOrders(), "cut");
    caller.kill("SIGKILL");
    const healed = async (): Promise<boolean> => (await lastOrders()) === "healed";
    await waitFor("the node is connected again", healed, { timeoutMs });
  });

  it("when it could not be made", async () => {
    const engine = join(directory, "noter");
    const lines = [
      "#!/bin/sh",
      `echo "$@" >>'${directory}/asked'`,
      'case "$*" in *-I*) exit 1; esac',
    ];
    await writeFile(engine, `${lines.join("\n")}\n`);
    await assert.rejects(Cut.begin(facts), /worker cannot be cut off/);
    assert.equal(await lastOrders(), "healed");
  });

  it("and only what is known here is cut", () => {
    const [, builtin] = plan.nodes;
    assert.ok(builtin);
    const { name, address } = builtin;
    assert.ok(linkOf({ name, address, providerId: "" }));
    assert.equal(linkOf({ name, address: "192.0.2.1", providerId: "" }), undefined);
    assert.equal(linkOf({ ...facts, providerId: "aws:///zone/instance" }), undefined);
  });
});
