/**
 * Goal: the tool for live rings finds what is wrong in a crawl, and nothing in a sound one.
 * Method: made-up answers of `GET /v1/ring/nodes`, checked as values and through the command.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { checkDump, DumpError, lasting, parseDump, type RingDump } from "../../sim/ring-dump.ts";
import { demoNames, sha1 } from "../../sim/world.ts";

type View = RingDump["nodes"][number];

/** An ideal ring of so many nodes, in the order of their identifiers. */
function idealDump(size: number, successors = 2): { nodes: View[] } {
  const ring = demoNames(size)
    .map((name, index) => ({ name, id: sha1(name), address: `10.0.0.${index}:8081` }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const nodes = ring.map((self, index): View => {
    const behind = [...ring.slice(index + 1), ...ring.slice(0, index)];
    const list = behind.length === 0 ? [self] : behind.slice(0, successors);
    const predecessor = behind.at(-1) ?? self;
    return { self, state: "member", epoch: 1, predecessor, successors: list };
  });
  return { nodes };
}

function change(dump: RingDump, index: number, changes: Partial<View>): RingDump {
  const nodes = dump.nodes.map((node, i) => (i === index ? { ...node, ...changes } : node));
  return { nodes };
}

function codes(dump: RingDump, successors?: number): string[] {
  return [...new Set(checkDump(dump, successors).findings.map(({ code }) => code))].sort();
}

describe("check-ring: what a crawl shows", () => {
  it("finds nothing in an ideal ring, and takes r from the longest list", () => {
    const report = checkDump(idealDump(6, 3));
    assert.deepEqual(report.findings, []);
    assert.equal(report.successors, 3);
    for (const size of [1, 2, 3]) assert.deepEqual(codes(idealDump(size)), [], `${size} nodes`);
  });

  it("finds a list out of order, and one that skips a member", () => {
    const dump = idealDump(6);
    const list = dump.nodes[0]?.successors ?? [];
    assert.ok(codes(change(dump, 0, { successors: list.toReversed() })).includes("R3"));
    assert.deepEqual(codes(change(dump, 0, { successors: list.slice(0, 1) })), ["ideal"]);
  });

  it("finds a list longer than the given r", () => {
    assert.ok(codes(idealDump(6, 3), 2).includes("R4"));
  });

  it("takes an address that changed for the dead node it is", () => {
    const dump = idealDump(6);
    const list = dump.nodes[0]?.successors ?? [];
    const old = list.map((node) => ({ ...node, address: "10.9.9.9:8081" }));
    assert.ok(codes(change(dump, 0, { successors: old })).includes("R1"));
  });

  it("leaves nodes out that are in no ring, and tells of different epochs", () => {
    const dump = idealDump(4);
    const { self } = idealDump(5).nodes.find(({ self }) => self.name === "demo-4") as View;
    const waiting: View = { self, state: "waiting", epoch: 0, predecessor: null, successors: [] };
    assert.deepEqual(codes({ nodes: [...dump.nodes, waiting] }), ["epoch"]);
  });

  it("reports what was there every time, whatever the words", () => {
    const dump = idealDump(6);
    const broken = change(dump, 0, { predecessor: null });
    const reports = [broken, broken, broken].map((each) => checkDump(each));
    assert.equal(lasting(reports).length, 1);
    assert.deepEqual(lasting([...reports, checkDump(dump)]), []);
    assert.deepEqual(lasting([checkDump(dump), ...reports]), []);
    const epochs = [2, 3].map((epoch) => checkDump(change(dump, 0, { epoch })));
    assert.deepEqual(lasting(epochs), [{ code: "epoch", problem: "nodes are in epochs 1, 3" }]);
  });

  it("refuses what is no crawl, and says what is missing", () => {
    assert.throws(() => parseDump("ring"), DumpError);
    assert.throws(() => parseDump("{}"), /no answer of GET \/v1\/ring\/nodes[^]*nodes/);
    assert.throws(() => parseDump('{"nodes":[]}'), /no node is in it/);
    const wrong = structuredClone(idealDump(2)) as unknown as { nodes: { self: { id: string } }[] };
    for (const node of wrong.nodes) node.self.id = "8";
    assert.throws(() => parseDump(JSON.stringify(wrong)), /40 lower-case hex digits/);
  });

  it("reads what a node answers, with all its other fields", () => {
    const dump = { ...idealDump(3), ideal: true, problems: [] };
    assert.deepEqual(parseDump(JSON.stringify(dump)), idealDump(3));
  });
});

describe("check-ring: the command", function () {
  this.timeout(60_000);

  const program = fileURLToPath(new URL("../../sim/check-ring.ts", import.meta.url));

  async function run(
    parameters: readonly string[],
    input = "",
  ): Promise<{ code: unknown; out: string; err: string }> {
    const child = spawn(process.execPath, [program, ...parameters]);
    child.stdin.end(input);
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { code, out, err };
  }

  it("gives 0 for a sound ring on standard input", async () => {
    const { code, out } = await run([], JSON.stringify(idealDump(5)));
    assert.equal(out, "5 members of 5 nodes, r = 2\nnothing wrong\n");
    assert.equal(code, 0);
  });

  it("gives 1, names the invariant and explains it", async () => {
    const dump = change(idealDump(5), 0, { successors: [] });
    const { code, out } = await run(["-"], JSON.stringify(dump));
    assert.match(out, /R5: broken, that there is exactly one ring|ideal: broken/);
    assert.match(out, /no consistent cut/);
    assert.equal(code, 1);
  });

  it("gives 64 for bad input, a bad option and a file that is not there", async () => {
    const bad = await Promise.all([
      run([], "{"),
      run(["--successors", "0"]),
      run(["no-such-file"]),
      run(["--url", "nowhere"]),
      run(["--verbose"]),
    ]);
    assert.deepEqual(
      bad.map(({ code }) => code),
      [64, 64, 64, 64, 64],
    );
    assert.match(bad[1]?.err ?? "", /--successors takes a whole number from 1 to 64, not 0/);
    assert.match(bad[4]?.err ?? "", /--verbose/);
  });

  it("asks a node several times, reports what lasts; 69 if it does not answer", async () => {
    const sound = idealDump(4);
    const passing = change(sound, 0, { predecessor: null });
    const lastingly = (dump: RingDump): RingDump => change(dump, 1, { epoch: 2 });
    let asked = 0;
    const server = createServer((request, response) => {
      asked += 1;
      assert.equal(request.url, "/v1/ring/nodes");
      response.end(JSON.stringify(lastingly(asked === 2 ? passing : sound)));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    const { code, out } = await run(["--url", url, "--times", "3", "--interval", "10"]);
    server.close();
    assert.equal(asked, 3);
    assert.match(out, /seen 3 times\nepoch: broken[^]*1, 2\n1 more were there in some crawls only/);
    assert.doesNotMatch(out, /predecessor/);
    assert.equal(code, 1);
    await once(server, "close");
    const gone = await run(["--url", url]);
    assert.equal(gone.code, 69);
    assert.match(gone.err, /does not answer/);
  });
});
