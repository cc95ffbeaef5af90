/** Requests that no HTTP client would send: bytes on a socket, and what comes back. */
import { connect, type Socket } from "node:net";
import type { Endpoint } from "./http.ts";

/** What to do once the bytes are sent. */
export type Ending = "wait" | "half-close" | "reset";

const ANSWER_TIMEOUT_MS = 40_000;

/**
 * Sends bytes and answers what came back until the server closed the connection; empty after
 * `reset`, which drops the connection without waiting.
 */
export function sendRaw(endpoint: Endpoint, bytes: string, ending: Ending): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket: Socket = connect({ ...endpoint, allowHalfOpen: true }, () => {
      socket.write(bytes, () => {
        if (ending === "half-close") socket.end();
        if (ending === "reset") socket.resetAndDestroy();
      });
    });
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => {
      socket.destroy(new Error(`the server neither answered nor closed; it sent "${received}"`));
    });
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text;
    });
    socket.once("end", () => {
      socket.destroy();
      resolve(received);
    });
    socket.once("close", () => resolve(received));
    socket.once("error", reject);
  });
}
