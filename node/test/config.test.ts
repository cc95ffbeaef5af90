/**
 * Goal: a bad configuration is reported whole. Method: environments with several faults at once.
 */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, readConfig, readFounders } from "../src/config.ts";

describe("a node's configuration is checked whole", () => {
  let directory: string;
  let complete: Record<string, string>;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-config-"));
    writeFileSync(join(directory, "token"), "0123456789abcdef\n");
    writeFileSync(join(directory, "config.json"), '{"founders":["demo-0"],"successors":3}');
    complete = {
      CHORD_NODE_NAME: "demo-0",
      CHORD_RING: "demo",
      CHORD_RING_ID: "default/demo/1",
      CHORD_ADVERTISE_HOST: "10.0.0.1",
      CHORD_DISCOVERY: "dns:demo-nodes.default.svc:8081",
      CHORD_PEER_TOKEN_FILE: join(directory, "token"),
      CHORD_CONFIG_FILE: join(directory, "config.json"),
    };
  });

  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const problems = (changes: Record<string, string>): readonly string[] => {
    try {
      readConfig({ ...complete, ...changes });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems;
    }
    return [];
  };

  it("fills in the defaults and cannot be changed", () => {
    const config = readConfig(complete);
    assert.equal(config.apiPort, 8080);
    assert.equal(config.peerPort, 8081);
    assert.equal(config.peerToken, "0123456789abcdef");
    assert.equal(config.seed, null);
    assert.equal(config.limits.valueBytesMax, 1_048_576);
    assert.deepEqual(config.file, {
      founders: ["demo-0"],
      successors: 3,
      stabilizeIntervalMs: 1_000,
      copies: 3,
    });
    assert.deepEqual(config.discovery, {
      type: "dns",
      host: "demo-nodes.default.svc",
      port: 8081,
    });
    assert.ok(Object.isFrozen(config));
  });

  it("lets large values pass in the memory that small ones have", () => {
    const { limits } = readConfig({ ...complete, CHORD_VALUE_BYTES_MAX: String(4 * 1024 ** 3) });
    assert.equal(limits.valueBytesMax, 4 * 1024 ** 3);
    assert.equal(limits.bodyBytesMax, 64 * 1024 ** 2);
    assert.equal(limits.uploadLeaseMs, 15 * 60_000);
    assert.equal(problems({ CHORD_VALUE_BYTES_MAX: String(4 * 1024 ** 3 + 1) }).length, 1);
  });

  it("names every problem at once", () => {
    const found = problems({
      CHORD_NODE_NAME: "Demo 0",
      CHORD_RING: "",
      CHORD_API_PORT: "eighty",
      CHORD_DISCOVERY: "consul:x",
      CHORD_PEER_TOKEN_FILE: join(directory, "none"),
    });
    for (const variable of [
      "CHORD_NODE_NAME",
      "CHORD_RING",
      "CHORD_API_PORT",
      "CHORD_DISCOVERY",
      "CHORD_PEER_TOKEN_FILE",
    ]) {
      assert.ok(
        found.some((problem) => problem.startsWith(`${variable}:`)),
        `${variable} is not in ${found.join("; ")}`,
      );
    }
    assert.equal(found.length, 5);
  });

  it("takes a list of addresses as discovery", () => {
    const { discovery } = readConfig({ ...complete, CHORD_DISCOVERY: "static:a:1,[::1]:2" });
    assert.deepEqual(discovery, { type: "static", addresses: ["a:1", "[::1]:2"] });
    assert.equal(problems({ CHORD_DISCOVERY: "static:a" }).length, 1);
  });

  it("refuses a short token and a malformed file", () => {
    writeFileSync(join(directory, "token"), "short");
    writeFileSync(join(directory, "config.json"), '{"successors":0}');
    assert.equal(problems({}).length, 2);
  });

  it("reads the founders anew", async () => {
    const { configFile } = readConfig(complete);
    writeFileSync(configFile, '{"founders":["demo-0","demo-1"]}');
    assert.deepEqual(await readFounders(configFile), ["demo-0", "demo-1"]);
  });
});
