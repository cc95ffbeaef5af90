/**
 * The environment of the scripts in hack/, read once.
 *
 * Nothing else in hack/ reads process.env, so this file is the list of what a person or CI can set.
 * What the scripts build or start lives in one cache outside the checkout: a fresh clone starts
 * warm.
 */
import { homedir } from "node:os";
import { join, resolve } from "node:path";

export type ClusterKind = "kind" | "builtin";

export interface Settings {
  /** The top of the checkout. */
  readonly repositoryRoot: string;
  /** Binaries, images and the built-in cluster: `$XDG_CACHE_HOME/chordring`. */
  readonly cacheDirectory: string;
  /** The caller's PATH, which the printed one extends. */
  readonly searchPath: string;
  /** A cluster the caller chose with KUBECONFIG; empty when none. */
  readonly kubeconfig: string;
  /** CHORDRING_CLUSTER forces `kind` or `builtin`; undefined lets the machine decide. */
  readonly forcedClusterKind: ClusterKind | undefined;
  /** CHORDRING_KIND_IMAGE chooses the Kubernetes version of a kind cluster. */
  readonly kindImage: string;
  /** Extra certificate authorities of this machine, handed to image builds. */
  readonly extraCertificates: string;
  /** CHORDRING_NODE_IMAGE replaces the base image of both Dockerfiles. */
  readonly baseImage: string;
  /** The whole environment, only to be handed on to commands. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function clusterKind(text: string): ClusterKind | undefined {
  if (text === "" || text === "kind" || text === "builtin") return text === "" ? undefined : text;
  throw new Error(`CHORDRING_CLUSTER is "${text}"; set it to kind or builtin, or unset it`);
}

/** Reads the environment; exported for the tests, everything else uses `settings`. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const value = (name: string): string => environment[name] ?? "";
  const cacheHome = value("XDG_CACHE_HOME") || join(homedir(), ".cache");
  return Object.freeze({
    repositoryRoot: resolve(import.meta.dirname, "..", ".."),
    cacheDirectory: join(cacheHome, "chordring"),
    searchPath: value("PATH"),
    kubeconfig: value("KUBECONFIG"),
    forcedClusterKind: clusterKind(value("CHORDRING_CLUSTER")),
    kindImage: value("CHORDRING_KIND_IMAGE"),
    extraCertificates: value("NODE_EXTRA_CA_CERTS"),
    baseImage: value("CHORDRING_NODE_IMAGE"),
    environment,
  });
}

export const settings: Settings = readSettings(process.env);
