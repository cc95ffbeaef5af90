/**
 * Goal: clients ask at their rate whatever the answers are, and nobody asks again whose operation
 * may still happen. Method: small servers that answer well, refuse, or say nothing at all.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "../../lib/seeded-random.ts";
import { waitFor } from "../../lib/wait-for.ts";
import type { Target } from "../../live/client.ts";
import { sumOf } from "../../live/figures.ts";
import { judgeColdKeys } from "../../live/final-reads.ts";
import { History } from "../../live/history.ts";
import { HotKey } from "../../live/hot-key.ts";
import { Workload } from "../../live/workload.ts";

interface Line {
  readonly type: string;
  readonly id: number;
  readonly process: number;
  readonly key: string;
  readonly outcome: string;
}

/** For a busy machine. */
const patienceMs = 20_000;

describe("clients of a live test", function () {
  this.timeout(3 * patienceMs);
  let directory = "";
  let server: Server | undefined;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "chordring-workload-"));
  });

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  interface Run {
    readonly count: number;
    readonly timeoutMs: number;
    readonly listener: RequestListener;
  }

  /** Asks until there are `count` operations with an end; gives the history's lines. */
  async function run({ count, timeoutMs, listener }: Run): Promise<[Workload, Line[]]> {
    server = createServer(listener);
    await new Promise<void>((resolve) => {
      server?.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const { port } = server.address() as { port: number };
    const history = new History(join(directory, `${count}.jsonl`));
    const targets = (): Target[] => [{ name: "node-0", host: "127.0.0.1", port }];
    const random = new SeededRandom(1);
    const settings = { rate: 500, hotKeys: 2, timeoutMs };
    const workload = new Workload({ targets, history, random, ...settings });
    const ended = (): number => {
      const { ok, refused, unknown } = sumOf(workload.counts);
      return ok + refused + unknown;
    };
    workload.start();
    const options = { timeoutMs: patienceMs, intervalMs: 10 };
    await waitFor("operations to end", async () => ended() >= count, options);
    await workload.stop();
    workload.close();
    await history.close();
    const lines = readFileSync(history.path, "utf8").trimEnd().split("\n");
    return [workload, lines.map((line) => JSON.parse(line) as Line)];
  }

  it("nobody asks on whose operation had no answer", async () => {
    const [workload, lines] = await run({ count: 100, timeoutMs: 300, listener: () => undefined });
    const { ok, refused, unknown } = sumOf(workload.counts);
    assert.deepEqual([ok, refused], [0, 0]);
    const processes = lines.filter(({ type }) => type === "invoke").map(({ process }) => process);
    assert.equal(new Set(processes).size, unknown);
    assert.ok(workload.cold.every(({ completion }) => completion?.outcome === "unknown"));
  });

  it("whoever was refused asks again", async () => {
    const [workload, lines] = await run({
      count: 300,
      timeoutMs: patienceMs,
      listener: (_request, response) => {
        response.writeHead(503).end();
      },
    });
    assert.deepEqual(sumOf(workload.counts).unknown, 0);
    const invoked = lines.filter(({ type }) => type === "invoke");
    assert.ok(new Set(invoked.map(({ process }) => process)).size < invoked.length);
    assert.equal(lines.filter(({ outcome }) => outcome === "refused").length, invoked.length);
  });

  it("answers outside the contract are shown", async () => {
    const [workload] = await run({
      count: 20,
      timeoutMs: patienceMs,
      listener: (_request, response) => {
        response.writeHead(500).end("no JSON");
      },
    });
    assert.match(workload.strange[0] ?? "", /status 500 no JSON/);
  });
});

describe("a hot key", () => {
  const ok = { outcome: "ok", status: 200, etag: '"1"' } as const;
  const unknown = { outcome: "unknown", status: 504 } as const;

  it("makes room for a fresh one after some writes of unknown outcome, once it answers", () => {
    const key = new HotKey(3);
    assert.equal(key.name, "hot-3.0");
    for (let write = 0; write < 8; write += 1) key.begin("put")(unknown);
    assert.equal(key.name, "hot-3.0");
    key.begin("get")(ok);
    assert.equal(key.name, "hot-3.1");
    assert.equal(key.etag, undefined);
  });

  it("gives eight of its writes an id, and more only once those are forgotten", () => {
    const key = new HotKey(0);
    const given = Array.from({ length: 10 }, (_, second) => key.takeId(second * 1_000));
    assert.equal(given.filter((one) => one).length, 8);
    assert.equal(key.takeId(29_999), false);
    assert.equal(key.takeId(30_000), true);
  });

  it("is only read while many writes may still happen", () => {
    const key = new HotKey(0);
    const writes = Array.from({ length: 12 }, () => key.begin("put"));
    assert.equal(key.writable, false);
    for (const end of writes) end(ok);
    assert.equal(key.writable, true);
    assert.equal(key.etag, '"1"');
  });
});

describe("cold keys in the end", () => {
  const there = { outcome: "ok", status: 200, etag: '"1"', value: "w1+0" } as const;
  const absent = { outcome: "ok", status: 404 } as const;
  const cold = { key: "cold-0", value: "w1+0" };
  const judge = (
    completion: Parameters<typeof judgeColdKeys>[0][number]["completion"],
    ...reads: readonly (typeof there | typeof absent)[]
  ): readonly string[] =>
    judgeColdKeys(
      [{ ...cold, completion }],
      reads.map((read, node) => ({ key: "cold-0", node: `node-${node}`, completion: read })),
    ).wrong;

  it("what was acknowledged is everywhere, in its version", () => {
    const written = { outcome: "ok", status: 201, etag: '"1"' } as const;
    assert.deepEqual(judge(written, there, there), []);
    assert.match(judge(written, there, absent)[0] ?? "", /acknowledged .* node-1 answers 404/);
    assert.equal(judge({ ...written, etag: '"2"' }, there).length, 1);
  });

  it("what was refused is nowhere, and what is unknown either way", () => {
    assert.deepEqual(judge({ outcome: "refused", status: 503 }, absent, absent), []);
    assert.match(judge({ outcome: "refused", status: 503 }, there)[0] ?? "", /was refused, but/);
    assert.deepEqual(judge({ outcome: "unknown", status: 504 }, there), []);
    assert.deepEqual(judge({ outcome: "unknown", status: 504 }, absent), []);
  });
});
