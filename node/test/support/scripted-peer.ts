/** The real peer port over a scripted core, for tests of what travels between nodes. */
import type { AddressInfo } from "node:net";
import { createServer } from "node:http";
import type { Answer, Chord, Envelope, Request } from "../../src/chord/index.ts";
import { BodyBudget } from "../../src/http/body.ts";
import { peerApp } from "../../src/transport/peer-app.ts";
import type { Crawler } from "../../src/view/crawl.ts";

type Handle = (envelope: Envelope, request: Request) => Answer;

export interface ScriptedPeer {
  readonly address: string;
  /** Messages that reached the core. */
  readonly received: { readonly envelope: Envelope; readonly request: Request }[];
  /** HTTP requests so far. */
  readonly requests: number;
  handle: Handle;
  /** Requests wait until `release`. */
  hold(): void;
  release(): void;
  /** Resolves when the client has given a held request up. */
  aborted(): Promise<void>;
  close(): Promise<void>;
}

export async function startPeer(options: {
  readonly token: string;
  readonly handle: Handle;
}): Promise<ScriptedPeer> {
  const received: ScriptedPeer["received"] = [];
  let gate = Promise.resolve();
  let open: () => void = () => undefined;
  let gaveUp: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    gaveUp = resolve;
  });
  const unused = (): never => {
    throw new Error("the scripted peer has no such part");
  };
  const chord: Pick<Chord, "handle" | "leave" | "rejoin"> = {
    handle: (envelope, request) => {
      received.push({ envelope, request });
      return peer.handle(envelope, request);
    },
    leave: unused,
    rejoin: unused,
  };
  const app = peerApp(
    {
      chord,
      replication: { setRoster: unused },
      crawler: { crawl: unused } as unknown as Crawler,
      view: unused,
      budget: new BodyBudget(1024 * 1024),
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
    },
    { token: options.token },
  );
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    response.once("close", () => {
      if (!response.writableFinished) gaveUp();
    });
    void gate.then(() => {
      app(request, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const peer: ScriptedPeer = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    get requests() {
      return requests;
    },
    handle: options.handle,
    hold: () => {
      gate = new Promise((resolve) => {
        open = resolve;
      });
    },
    release: () => open(),
    aborted: () => aborted,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return peer;
}
