/**
 * Runs in a node's process before its code: connections to the ports named in this module's URL go
 * to the node's links (links.ts) instead. The node notices nothing.
 */
import { Socket } from "node:net";

type Connect = (this: Socket, ...words: unknown[]) => Socket;

const detours = new Map(
  JSON.parse(new URL(import.meta.url).searchParams.get("detours") ?? "[]") as [number, number][],
);
const prototype = Socket.prototype as unknown as { connect: Connect };
const original = prototype.connect;

/** Called with options, or by `net.connect` with a list whose first entry is the options. */
prototype.connect = function connectThroughLink(...words: unknown[]): Socket {
  const [first] = words;
  if (Array.isArray(first)) first[0] = detoured(first[0]);
  else words[0] = detoured(first);
  return original.apply(this, words);
};

function detoured(options: unknown): unknown {
  if (typeof options !== "object" || options === null || !("port" in options)) return options;
  const port = detours.get(Number(options.port));
  return port === undefined ? options : { ...options, port };
}
