/**
 * The cluster under test: reads go straight to the API server, changes go through kubectl and helm,
 * the way a person makes them.
 */
import { existsSync } from "node:fs";
import { type Agent, request, type RequestOptions } from "node:https";
import { delimiter } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { run, type RunOptions, type RunResult } from "../../hack/lib/run.ts";
import { config } from "../config.ts";

const API_TIMEOUT_MS = 15_000;
/** Credentials that expire are read anew after this long. */
const CREDENTIALS_AGE_MS = 60_000;

/** An answer of the API server that is not a success. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, path: string, body: string) {
    super(`GET ${path} answered ${status}: ${body.slice(0, 300)}`);
    this.status = status;
  }
}

let loaded: KubeConfig | undefined;

/** The kubeconfig of the run; an error says how to get one. */
export function kubeConfig(): KubeConfig {
  if (loaded !== undefined) return loaded;
  if (!config.kubeconfig.split(delimiter).some((path) => existsSync(path))) {
    const what = config.kubeconfig === "" ? "is not set" : `names ${config.kubeconfig}, no file`;
    throw new Error(
      `KUBECONFIG ${what}: run \`make cluster deploy\` and \`eval "$(make -s env)"\`, ` +
        "or point it at a cluster of your own",
    );
  }
  const fresh = new KubeConfig();
  // It reads KUBECONFIG the way kubectl does, several files included.
  fresh.loadFromDefault();
  loaded = fresh;
  return fresh;
}

let credentials: { readonly options: RequestOptions; readonly readMs: number } | undefined;

async function requestOptions(): Promise<RequestOptions> {
  if (credentials !== undefined && Date.now() - credentials.readMs < CREDENTIALS_AGE_MS) {
    return credentials.options;
  }
  const options: RequestOptions = {};
  await kubeConfig().applyToHTTPSOptions(options);
  const agent = options.agent as Agent;
  agent.options.keepAlive = true;
  credentials = { options, readMs: Date.now() };
  return options;
}

/** The body of a GET on the API server, as text. */
export async function apiText(path: string): Promise<string> {
  const server = kubeConfig().getCurrentCluster()?.server;
  if (server === undefined) throw new Error("the kubeconfig names no current cluster");
  const options = await requestOptions();
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server), options, (incoming) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      incoming.once("error", reject);
      incoming.once("end", () => {
        if (incoming.statusCode === 200) resolve(body);
        else reject(new ApiError(incoming.statusCode ?? 0, path, body));
      });
    });
    outgoing.setTimeout(API_TIMEOUT_MS, () => {
      outgoing.destroy(new Error(`GET ${path}: the API server did not answer`));
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}

export async function apiGet<T>(path: string): Promise<T> {
  return JSON.parse(await apiText(path)) as T;
}

/** The same, but undefined where there is no such object. */
export async function apiFind<T>(path: string): Promise<T | undefined> {
  try {
    return await apiGet<T>(path);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Runs kubectl and answers its standard output; a failure carries its message. */
export async function kubectl(words: readonly string[], options?: RunOptions): Promise<string> {
  return (await run(["kubectl", ...words], options)).stdout;
}

/** Runs kubectl where a refusal is an expected outcome. */
export function tryKubectl(words: readonly string[], input = ""): Promise<RunResult> {
  return run(["kubectl", ...words], { allowFailure: true, input });
}

export async function helm(words: readonly string[]): Promise<string> {
  return (await run(["helm", ...words])).stdout;
}

/** Applies objects as a person would; JSON is YAML too. */
export async function apply(...objects: readonly object[]): Promise<void> {
  const list = { apiVersion: "v1", kind: "List", items: objects };
  await kubectl(["apply", "--filename", "-"], { input: JSON.stringify(list) });
}
