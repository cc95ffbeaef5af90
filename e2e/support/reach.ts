/**
 * How the tests get to a pod: by its own address where the host has a way there, as on the built-in
 * cluster, else by `kubectl port-forward`, as on kind. Which of the two is found out by trying.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { config } from "../config.ts";
import type { Endpoint } from "./http.ts";

export interface PodAddress {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
}

const CONNECT_TIMEOUT_MS = 2_000;
const FORWARD_TIMEOUT_MS = 20_000;

let routed: Promise<boolean> | undefined;
/** By pod and address, so that a pod's successor of the same name gets a forward of its own. */
const forwards = new Map<string, Promise<Endpoint>>();
const children = new Set<ChildProcess>();

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
  const key = `${pod.namespace}/${pod.name} ${pod.ip}:${port}`;
  const known = forwards.get(key);
  if (known !== undefined) return known;
  const fresh = forward(pod, port, () => {
    if (forwards.get(key) === fresh) forwards.delete(key);
  });
  forwards.set(key, fresh);
  return fresh;
}

/** Whether a connection is one to the pod itself, with all that TCP can do. */
export async function reachesDirectly(): Promise<boolean> {
  return (await routed) === true;
}

/** Ends all forwards, so that the process can end; whoever asks again gets new ones. */
export function closeForwards(): void {
  forwards.clear();
  for (const child of children) child.kill("SIGTERM");
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

/** A local port that kubectl carries to the pod; it ends with the pod. */
function forward(pod: PodAddress, port: number, onEnd: () => void): Promise<Endpoint> {
  const words = ["--namespace", pod.namespace, "port-forward", `pod/${pod.name}`, `:${port}`];
  const child = spawn("kubectl", words, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let problems = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    problems = (problems + text).slice(-1_000);
  });
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error(`no forward to ${pod.name}: ${problems.trim()}`));
    const timer = setTimeout(giveUp, FORWARD_TIMEOUT_MS);
    createInterface({ input: child.stdout }).on("line", (line) => {
      const local = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (local === undefined) return;
      clearTimeout(timer);
      resolve({ host: "127.0.0.1", port: Number(local) });
    });
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      children.delete(child);
      onEnd();
      giveUp();
    });
  });
}
