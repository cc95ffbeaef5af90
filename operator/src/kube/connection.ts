/**
 * The connection to the API server: where it is, who we are, and one pool of sockets.
 *
 * The client library makes a new connection pool for every request, which costs a TLS handshake
 * each time. Here the pool is made once, and made anew only when the certificates change. It speaks
 * HTTP/1.1, one request a socket, so that a stuck watch cannot hold up the requests beside it.
 */
import { createHash } from "node:crypto";
import type { AgentOptions } from "node:https";
import { type Cluster, KubeConfig } from "@kubernetes/client-node";
import { Agent, type buildConnector, type Dispatcher } from "undici";

const CONNECT_TIMEOUT_MS = 5_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** Longer than the 30 s of silence after which a watch is restarted anyway. */
const BODY_TIMEOUT_MS = 60_000;
const CONNECTIONS_MAX = 64;

type CreateDispatcher = (cluster: Cluster | null, options: AgentOptions) => Dispatcher | undefined;

/** The library keeps this method private; replacing it is how the pool gets shared. */
interface DispatcherFactory {
  createDispatcher: CreateDispatcher;
}

function fingerprint(cluster: Cluster | null, options: AgentOptions): string {
  const { ca, cert, key } = options;
  const parts = [cluster?.name, cluster?.server, ca, cert, key];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

/** Makes `config` use one connection pool for all requests and watches. */
export function sharePool(config: KubeConfig): KubeConfig {
  const factory = config as unknown as DispatcherFactory;
  const original = factory.createDispatcher.bind(config);
  let pool: { key: string; dispatcher: Dispatcher | undefined } | undefined;

  factory.createDispatcher = (cluster, options) => {
    const key = fingerprint(cluster, options);
    if (pool?.key === key) return pool.dispatcher;
    const kind = config.createDispatcherOptions(cluster, options);
    const viaProxy = kind.type === "proxy" || kind.type === "socks";
    const connect = kind.type === "agent" ? (kind.connect as buildConnector.BuildOptions) : {};
    const dispatcher = viaProxy
      ? original(cluster, options)
      : new Agent({
          allowH2: false,
          connections: CONNECTIONS_MAX,
          connect: { ...connect, timeout: CONNECT_TIMEOUT_MS },
          headersTimeout: HEADERS_TIMEOUT_MS,
          bodyTimeout: BODY_TIMEOUT_MS,
        });
    void pool?.dispatcher?.close();
    pool = { key, dispatcher };
    return dispatcher;
  };
  return config;
}

/**
 * Finds the API server: KUBECONFIG or ~/.kube/config if there is one, else the pod's own account.
 */
export function loadConnection(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return sharePool(config);
}
