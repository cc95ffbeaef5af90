/**
 * How the tests get to a pod: by its own address where the host has a way there, as on the built-in
 * cluster, else through the API server, as on kind. Which of the two is found out by trying.
 */
import { createServer, connect, type Server, type Socket } from "node:net";
import { PortForward } from "@kubernetes/client-node";
import { config } from "../config.ts";
import { kubeConfig } from "./cluster.ts";
import type { Endpoint } from "./http.ts";

export interface PodAddress {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
}

const CONNECT_TIMEOUT_MS = 2_000;

let routed: Promise<boolean> | undefined;
const forwards = new Map<string, Promise<Endpoint>>();
const servers: Server[] = [];
const carried = new Set<Socket>();

/** Tries once, with a pod that is known to listen; `reach` follows the outcome from then on. */
export function decideReach(sample: PodAddress, port: number): Promise<boolean> {
  routed ??=
    config.reach === "auto"
      ? connects(sample.ip, port)
      : Promise.resolve(config.reach === "direct");
  return routed;
}

/** Where to connect to for a port of a pod. */
export async function reach(pod: PodAddress, port: number): Promise<Endpoint> {
  if (routed === undefined) throw new Error("decideReach comes before reach");
  if (await routed) return { host: pod.ip, port };
  const key = `${pod.namespace}/${pod.name}:${port}`;
  const known = forwards.get(key) ?? forward(pod, port);
  forwards.set(key, known);
  return known;
}

/** Ends all forwards, so that the process can end. */
export function closeForwards(): void {
  for (const server of servers.splice(0)) server.close();
  for (const socket of carried) socket.destroy();
  forwards.clear();
}

function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const finish = (outcome: boolean): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once("connect", () => finish(true));
    socket.once("timeout", () => finish(false));
    socket.once("error", () => finish(false));
  });
}

/** A local port; each connection to it becomes one stream to the pod of that name as it is then. */
function forward(pod: PodAddress, port: number): Promise<Endpoint> {
  const portForward = new PortForward(kubeConfig(), true);
  const carry = (socket: Socket): void => {
    carried.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => carried.delete(socket));
    portForward
      .portForward(pod.namespace, pod.name, [port], socket, null, socket, 1)
      .catch(() => socket.destroy());
  };
  const server = createServer(carry);
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("no local port"));
      else resolve({ host: "127.0.0.1", port: address.port });
    });
  });
}
