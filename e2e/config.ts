/**
 * What a person or CI can set for the end-to-end tests; nothing else in e2e/ reads the environment.
 * Without KUBECONFIG the tests ask for one: they never guess which cluster they may write to.
 */
import { randomInt } from "node:crypto";
import { join, resolve } from "node:path";

export type Reach = "auto" | "direct" | "forward";

export interface Config {
  /** KUBECONFIG: the cluster that the suites write to; empty when unset. */
  readonly kubeconfig: string;
  /** CHORDRING_AUDIT_LOG: the API server's audit log as a file here; empty when there is none. */
  readonly auditLog: string;
  /** CHORDRING_E2E_LOOKUPS: lookups per ring in the suite on hops; 10000 for the figures. */
  readonly lookupCount: number;
  /** CHORDRING_E2E_STEADY_SECONDS: how long the operator must write nothing, 300 for longer. */
  readonly steadyMs: number;
  /** CHORDRING_E2E_CUT_SECONDS: how long a node is cut off, 120 for the figures. */
  readonly cutMs: number;
  /** CHORDRING_E2E_CUT_NODE: the node to cut off; empty for the first one that will do. */
  readonly cutNode: string;
  /** CHORDRING_E2E_SEED: decides on the pods that suffer and on what clients ask; else chance. */
  readonly seed: number;
  /** CHORDRING_E2E_LONG=1: the suite on values grows its ring to nine, too. */
  readonly long: boolean;
  /** CHORDRING_E2E_REACH: pods by their own addresses, by port-forward, or whichever works. */
  readonly reach: Reach;
  /** CHORDRING_E2E_KEEP=1 leaves a failed suite's namespace for a look at it. */
  readonly keepFailed: boolean;
  /** Where a failure leaves what the cluster looked like. */
  readonly artifacts: string;
}

const SEED_LIMIT = 1_000_000;

type Environment = Readonly<Record<string, string | undefined>>;

function whole(environment: Environment, name: string, byDefault: number): number {
  const text = environment[name] ?? "";
  const value = text === "" ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${name} is "${text}"; set it to a whole number from 1, or unset it`);
  }
  return value;
}

function reachOf(environment: Environment): Reach {
  const text = environment["CHORDRING_E2E_REACH"] || "auto";
  if (text === "auto" || text === "direct" || text === "forward") return text;
  throw new Error(`CHORDRING_E2E_REACH is "${text}"; set it to auto, direct or forward`);
}

function readConfig(environment: Environment): Config {
  return Object.freeze({
    kubeconfig: environment["KUBECONFIG"] ?? "",
    auditLog: environment["CHORDRING_AUDIT_LOG"] ?? "",
    lookupCount: whole(environment, "CHORDRING_E2E_LOOKUPS", 2_000),
    steadyMs: whole(environment, "CHORDRING_E2E_STEADY_SECONDS", 60) * 1_000,
    cutMs: whole(environment, "CHORDRING_E2E_CUT_SECONDS", 60) * 1_000,
    cutNode: environment["CHORDRING_E2E_CUT_NODE"] ?? "",
    seed: whole(environment, "CHORDRING_E2E_SEED", randomInt(1, SEED_LIMIT)),
    long: (environment["CHORDRING_E2E_LONG"] ?? "") !== "",
    reach: reachOf(environment),
    keepFailed: (environment["CHORDRING_E2E_KEEP"] ?? "") !== "",
    artifacts: join(resolve(import.meta.dirname, ".."), "artifacts", "e2e"),
  });
}

export const config: Config = readConfig(process.env);
