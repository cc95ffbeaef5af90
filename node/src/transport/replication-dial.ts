/**
 * Opens a connection to a node, and makes sure that it is that node, of this ring. Nothing of any
 * message is sent before that, so every failure here proves that nothing happened.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { ReplicationError } from "../replication/errors.ts";
import type { Connection } from "./batch-sender.ts";
import { MESSAGE_BYTES_MAX } from "./replication-codec.ts";
import {
  NODE_HEADER,
  REPLICATION_PATH,
  REPLICATION_PROTOCOL,
  RING_HEADER,
} from "./replication-handshake.ts";

export interface Identity {
  /** This node's name. */
  readonly name: string;
  readonly ringId: string;
  readonly token: string;
}

export interface Destination {
  readonly name: string;
  readonly address: string;
  readonly timeoutMs: number;
}

/** Rejects with `unreachable` or `wrong-ring`. */
export function dial(identity: Identity, destination: Destination): Promise<Connection> {
  const { address, timeoutMs } = destination;
  return new Promise((resolve, reject) => {
    let stream: Socket | undefined;
    const socket = new WebSocket(`ws://${address}${REPLICATION_PATH}`, REPLICATION_PROTOCOL, {
      headers: {
        authorization: `Bearer ${identity.token}`,
        [RING_HEADER]: identity.ringId,
        [NODE_HEADER]: identity.name,
      },
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
    });
    const fail = (error: ReplicationError): void => {
      clearTimeout(timer);
      socket.terminate();
      reject(error);
    };
    const timer = setTimeout(() => fail(unreachable(destination, "no answer in time")), timeoutMs);
    // It stays: whatever goes wrong later is told by the end of the connection.
    socket.on("error", (cause) => fail(unreachable(destination, cause.message, cause)));
    socket.once("unexpected-response", (_request, response) =>
      fail(refused(destination, response)),
    );
    socket.once("upgrade", (response) => {
      ({ socket: stream } = response);
      const problem = problemWith(destination, response);
      if (problem !== null) fail(problem);
    });
    socket.once("open", () => {
      clearTimeout(timer);
      if (stream !== undefined) resolve({ socket, stream });
    });
  });
}

function problemWith(
  destination: Destination,
  { headers }: IncomingMessage,
): ReplicationError | null {
  const name = headers[NODE_HEADER];
  if (name === destination.name) return null;
  return unreachable(destination, `another node answers, ${String(name).slice(0, 253)}`);
}

function refused(destination: Destination, { statusCode = 0 }: IncomingMessage): ReplicationError {
  const { name, address } = destination;
  if (statusCode === 421) {
    return new ReplicationError("wrong-ring", `${address} is not ${name}: it is of another ring`);
  }
  const why = statusCode === 401 ? "it refuses the peer token" : `it answers ${statusCode}`;
  return unreachable(destination, why);
}

function unreachable(
  { name, address }: Destination,
  why: string,
  cause?: unknown,
): ReplicationError {
  return new ReplicationError("unreachable", `${name} at ${address}: ${why}`, { cause });
}
