/**
 * Two ends for tests of connections between nodes: a real server with a scripted handler, a
 * scripted peer that sees each message of the connection, and a cable between them that can be cut.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { HttpServer } from "../../src/http/server.ts";
import type { Reply, Request, RequestType } from "../../src/replication/messages.ts";
import { BatchReader, writeReply } from "../../src/transport/replication-codec.ts";
import {
  NODE_HEADER,
  REPLICATION_PATH,
  REPLICATION_PROTOCOL,
} from "../../src/transport/replication-handshake.ts";
import { ReplicationServer, type ServerLimits } from "../../src/transport/replication-server.ts";
import { ByteWriter } from "../../src/transport/wire-bytes.ts";

export const RING = "test/ring";
export const TOKEN = "the token of the test ring";
const HOST = "127.0.0.1";

export type Handle = (from: string, request: Request) => Promise<Reply<RequestType>>;

export interface RealPeer {
  readonly address: string;
  readonly port: number;
  readonly server: ReplicationServer;
  readonly http: HttpServer;
  /** What reached the handler. */
  readonly received: Request[];
  readonly warnings: string[];
  handle: Handle;
  close(): Promise<void>;
}

export interface PeerOptions {
  readonly name?: string;
  readonly port?: number;
  readonly limits?: Partial<ServerLimits>;
  readonly connectionsMax?: number;
}

/** The node's own serving end. */
export async function startRealPeer(options: PeerOptions = {}): Promise<RealPeer> {
  const received: Request[] = [];
  const warnings: string[] = [];
  const server = new ReplicationServer(
    {
      name: options.name ?? "node-1",
      ringId: RING,
      token: TOKEN,
      handle: (from, request) => {
        received.push(request);
        return peer.handle(from, request);
      },
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: (message, fields) => warnings.push(`${message} ${JSON.stringify(fields)}`),
      },
    },
    options.limits,
  );
  const http = new HttpServer({
    host: HOST,
    port: options.port ?? 0,
    connectionsMax: 100,
    bodyBytesMax: 1_024,
    handler: (_request, response) => response.end("plain"),
    upgrades: {
      path: REPLICATION_PATH,
      connectionsMax: options.connectionsMax ?? 10,
      handler: server.upgrade,
    },
  });
  const port = await http.listen();
  const peer: RealPeer = {
    address: `${HOST}:${port}`,
    port,
    server,
    http,
    received,
    warnings,
    handle: () => Promise.resolve({}),
    close: async () => {
      await server.close(0);
      await http.close(0);
    },
  };
  return peer;
}

export interface ScriptedPeer {
  readonly address: string;
  /** The batches that came, whichever connection brought them. */
  readonly batches: Buffer[];
  readonly connections: WebSocket[];
  pings: number;
  /** What it does with a batch; at first nothing. */
  onBatch: (batch: Buffer, socket: WebSocket) => void;
  close(): Promise<void>;
}

/** Takes any connection and does nothing by itself but to answer pings. */
export async function startScriptedPeer(name = "node-1"): Promise<ScriptedPeer> {
  const http: Server = createServer();
  const webSockets = new WebSocketServer({
    server: http,
    handleProtocols: () => REPLICATION_PROTOCOL,
  });
  webSockets.on("headers", (headers: string[], _request: IncomingMessage) => {
    headers.push(`${NODE_HEADER}: ${name}`);
  });
  webSockets.on("connection", (socket) => {
    peer.connections.push(socket);
    socket.on("error", () => undefined);
    socket.on("ping", () => {
      peer.pings += 1;
    });
    socket.on("message", (data) => {
      peer.batches.push(data as Buffer);
      peer.onBatch(data as Buffer, socket);
    });
  });
  http.listen(0, HOST);
  await once(http, "listening");
  const peer: ScriptedPeer = {
    address: `${HOST}:${(http.address() as AddressInfo).port}`,
    batches: [],
    connections: [],
    pings: 0,
    onBatch: () => undefined,
    close: async () => {
      for (const socket of peer.connections) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => {
        http.close(resolve);
      });
    },
  };
  return peer;
}

/** The correlations of a batch's frames. */
export function correlationsOf(batch: Buffer): number[] {
  const reader = new BatchReader(batch);
  const correlations: number[] = [];
  while (reader.next()) correlations.push(reader.correlation);
  return correlations;
}

/** What a writer was given, in one piece. */
export function batchOf(write: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter();
  write(writer);
  const pieces = writer.takePieces();
  const buffer = writer.take();
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { at, bytes } of pieces) {
    parts.push(buffer.subarray(from, at), bytes);
    from = at;
  }
  return Buffer.concat([...parts, buffer.subarray(from)]);
}

/** One batch with an empty answer for each. */
export function emptyAnswers(correlations: readonly number[]): Buffer {
  return batchOf((writer) => {
    for (const correlation of correlations) writeReply(writer, { correlation, type: "yield" }, {});
  });
}

export interface Cable {
  readonly address: string;
  /** From now on nothing passes, and nobody is told: no end, no reset. */
  cut(): void;
  /** New connections pass again; those that were cut stay so. */
  mend(): void;
  close(): void;
}

/** A way to `port` that can fail as networks do. */
export async function startCable(port: number): Promise<Cable> {
  const ends: Socket[] = [];
  let isCut = false;
  const server = createTcpServer((near) => {
    const far = connect(port, HOST);
    ends.push(near, far);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      end.on("error", () => undefined);
      end.on("data", (chunk) => other.write(chunk));
      end.on("close", () => other.destroy());
      if (isCut) end.pause();
    }
  });
  server.listen(0, HOST);
  await once(server, "listening");
  return {
    address: `${HOST}:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      for (const end of ends) end.pause();
    },
    mend: () => {
      isCut = false;
    },
    close: () => {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}
