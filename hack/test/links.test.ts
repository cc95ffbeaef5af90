/**
 * Goal: links of a local ring pass everything on while they are open, and can be silent, slow or
 * refused in one direction alone. Method: an echo behind a link, asked through it.
 */
import assert from "node:assert/strict";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Links } from "../lib/links.ts";
import { waitFor } from "../lib/wait-for.ts";

const patience = { timeoutMs: 5_000, intervalMs: 5 };

describe("links between the nodes of a local ring", () => {
  let echo: Server;
  let links: Links;
  let linkPort = 0;
  const sockets = new Set<Socket>();

  before(async () => {
    echo = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => {
      echo.listen({ host: "127.0.0.1", port: 0 }, resolve);
    });
    const { port } = echo.address() as { port: number };
    links = await Links.open([1, port]);
    const detours = new URL(links.importOf(0)).searchParams.get("detours") ?? "";
    linkPort = (JSON.parse(detours) as [number, number][])[0]?.[1] ?? 0;
  });

  afterEach(() => links.heal());

  after(() => {
    links.close();
    for (const socket of sockets) socket.destroy();
    echo.close();
  });

  /** A connection from node 0 to node 1, with all that came back. */
  function open(): { socket: Socket; heard: () => string; closed: () => boolean } {
    const socket = connect({ host: "127.0.0.1", port: linkPort });
    let heard = "";
    let closed = false;
    socket.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      closed = true;
    });
    sockets.add(socket);
    return { socket, heard: () => heard, closed: () => closed };
  }

  it("pass on bytes, and the end of a connection", async () => {
    const { socket, heard, closed } = open();
    socket.write("one");
    await waitFor("an echo", async () => heard() === "one", patience);
    socket.end("two");
    await waitFor("the end", async () => closed() && heard() === "onetwo", patience);
  });

  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    it(`keep what is sent from ${from} to ${to} until they are healed, in order`, async () => {
      const quick = open();
      quick.socket.write("a");
      await waitFor("an echo", async () => quick.heard() === "a", patience);
      links.set(from, to, { state: "silent" });
      quick.socket.write("b");
      const fresh = open();
      fresh.socket.write("c");
      await waitFor("the link to hold both", async () => fresh.socket.bytesWritten === 1, patience);
      quick.socket.write("d");
      assert.deepEqual([quick.heard(), fresh.heard()], ["a", ""]);
      links.set(from, to, {});
      const both = async (): Promise<boolean> => quick.heard() === "abd" && fresh.heard() === "c";
      await waitFor("both echoes", both, patience);
    });
  }

  it("are slow by as much as was asked for", async () => {
    links.set(1, 0, { delayMs: 150 });
    const { socket, heard } = open();
    const startedMs = performance.now();
    socket.write("x");
    await waitFor("an echo", async () => heard() === "x", patience);
    assert.ok(performance.now() - startedMs >= 149);
  });

  it("reset old and new connections while they are refused", async () => {
    const old = open();
    old.socket.write("x");
    await waitFor("an echo", async () => old.heard() === "x", patience);
    links.set(1, 0, { state: "refused" });
    await waitFor("the old one's end", async () => old.closed(), patience);
    const fresh = open();
    await waitFor("the new one's end", async () => fresh.closed(), patience);
    assert.equal(fresh.heard(), "");
  });
});
