/**
 * Goal: `eval "$(make -s env)"` is safe and can be repeated. Method: the lines themselves, and a
 * shell that runs them with a path full of traps.
 */
import assert from "node:assert/strict";
import { environmentLines, shellQuote } from "../../cluster/environment.ts";
import { output } from "../../lib/run.ts";

const parts = {
  commandDirectory: "/cache/bin",
  nodeDirectory: "/checkout/node_modules/.bin",
  searchPath: "/usr/bin:/bin",
  kubeconfig: "/cache/cluster/kubeconfig/admin.conf",
  auditLog: "/cache/cluster/logs/audit.log",
};

describe("the printed environment puts the cluster's tools first", () => {
  it("ours come before the machine's own", () => {
    const [path] = environmentLines(parts);
    assert.equal(path, "export PATH='/cache/bin:/checkout/node_modules/.bin:/usr/bin:/bin'");
  });

  it("a second evaluation adds nothing", () => {
    const again = { ...parts, searchPath: "/cache/bin:/checkout/node_modules/.bin:/usr/bin:/bin" };
    assert.deepEqual(environmentLines(again), environmentLines(parts));
  });

  it("a shell reads back what was quoted", async () => {
    const hostile = `a b'c"d$HOME\`id\`\\`;
    assert.equal(await output(["sh", "-c", `printf %s ${shellQuote(hostile)}`]), hostile);
  });
});
