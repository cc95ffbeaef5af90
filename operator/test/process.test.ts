/**
 * Goal: the operator as a process: it says what is wrong with its settings, answers probes, shows
 * its metrics, and ends cleanly and soon. Method: the real program against the fake API server.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readConfig } from "../src/config.ts";
import { FakeApiServer } from "./support/fake-api-server.ts";
import { until } from "./support/until.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
/** A program that starts shares the machine with whatever else runs there. */
const TEST_TIMEOUT_MS = 60_000;

/** The port that the operator says it serves on. */
async function servedPort(lines: AsyncIterable<string>): Promise<number> {
  for await (const line of lines) {
    const { port } = JSON.parse(line) as { port?: number };
    if (port !== undefined) return port;
  }
  throw new Error("the operator ended before it served");
}

describe("operator process: probes, metrics, a clean end", function () {
  this.timeout(TEST_TIMEOUT_MS);
  let api: FakeApiServer;
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    api = new FakeApiServer();
    await api.start();
    folder = mkdtempSync(join(tmpdir(), "chordring-operator-"));
  });

  afterEach(async () => {
    child?.kill("SIGKILL");
    await api.stop();
    rmSync(folder, { recursive: true });
  });

  function kubeconfig(): string {
    const path = join(folder, "config");
    const config = {
      "current-context": "fake",
      clusters: [{ name: "fake", cluster: { server: api.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "fake", user: { token: "fake" } }],
      contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  async function get(port: number, path: string): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    } catch {
      return { status: 0, text: "" };
    }
  }

  async function start(): Promise<{ port: number; ended: Promise<number | null> }> {
    const started = spawn(process.execPath, [MAIN], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        KUBECONFIG: kubeconfig(),
        CHORDRING_NODE_IMAGE: "node:1",
        CHORDRING_NAMESPACE: "system",
        CHORDRING_METRICS_PORT: "0",
        CHORDRING_IDENTITY: "test",
      },
    });
    child = started;
    const ended = new Promise<number | null>((resolve) => {
      started.on("exit", resolve);
    });
    const port = await servedPort(createInterface(started.stdout));
    started.stdout.resume();
    return { port, ended };
  }

  it("becomes ready, shows its metrics, and gives the lease back on SIGTERM", async () => {
    const { port, ended } = await start();
    await until("leading", async () => {
      const { text } = await get(port, "/metrics");
      return /^chordring_leader 1$/m.test(text);
    });
    await until("ready", async () => (await get(port, "/readyz")).status === 200);
    assert.equal((await get(port, "/healthz")).status, 200);
    const { text } = await get(port, "/metrics");
    for (const name of [
      "chordring_reconcile_total",
      "chordring_reconcile_duration_seconds",
      "chordring_workqueue_depth",
      "chordring_watch_last_event_seconds",
      "chordring_watch_restarts_total",
      "chordring_leader",
      "chordring_rings",
      "chordring_rings_data",
      "chordring_partitions",
    ]) {
      assert.ok(text.includes(`# TYPE ${name} `), name);
    }
    const startMs = Date.now();
    child?.kill("SIGTERM");
    assert.equal(await ended, 0);
    assert.ok(Date.now() - startMs < 3_000);
    assert.equal(api.find("leases", "chordring-operator")?.spec?.["holderIdentity"], "");
  });

  it("ends when somebody takes the lease", async () => {
    const { port, ended } = await start();
    await until("leading", async () => {
      const { text } = await get(port, "/metrics");
      return /^chordring_leader 1$/m.test(text);
    });
    const lease = api.find("leases", "chordring-operator");
    assert.ok(lease);
    const spec = { ...lease.spec, holderIdentity: "somebody else" };
    api.put("/apis/coordination.k8s.io/v1", "leases", { ...lease, spec });
    assert.equal(await ended, 1);
  });

  it("names every bad setting at once", () => {
    const environment = { CHORDRING_METRICS_PORT: "99999", CHORDRING_LOG_LEVEL: "loud" };
    assert.throws(
      () => readConfig(environment),
      /CHORDRING_NODE_IMAGE[\s\S]*CHORDRING_LOG_LEVEL[\s\S]*CHORDRING_METRICS_PORT/,
    );
  });
});
