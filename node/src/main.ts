/**
 * The composition root: gives the parts each other, starts them in order, and ends them in reverse.
 * Start: store, ports, then the ring, so that a node is asked only once it can answer.
 */
import { join } from "node:path";
import { type ApiParts, apiApp } from "./api/app.ts";
import type { Health } from "./api/health.ts";
import { Chord, chordOptions } from "./chord/index.ts";
import { type Config, ConfigError, readConfig, readFounders } from "./config.ts";
import { BodyBudget } from "./http/body.ts";
import { HttpServer } from "./http/server.ts";
import { KeyRouter } from "./kv/router.ts";
import { NodeMetrics } from "./metrics/node-metrics.ts";
import manifest from "../package.json" with { type: "json" };
import { systemClock } from "./platform/clock.ts";
import { discovery, joinAddress } from "./platform/discovery.ts";
import { sha1Hash } from "./platform/hash.ts";
import { componentLog, createLogger, type Logger } from "./platform/log.ts";
import { systemRandom } from "./platform/random.ts";
import { recordFile } from "./platform/record-file.ts";
import { LmdbEngine } from "./storage/lmdb.ts";
import type { Store } from "./storage/store.ts";
import { VersionedStore } from "./storage/versioned-store.ts";
import { OwnerClient } from "./transport/owner-client.ts";
import { type PeerAppParts, peerApp } from "./transport/peer-app.ts";
import { PeerHttp } from "./transport/peer-http.ts";
import { RpcClient } from "./transport/rpc-client.ts";
import { fetchView } from "./transport/view-client.ts";
import { Crawler } from "./view/crawl.ts";
import { type NodeView, nodeView } from "./view/node-view.ts";

const EXIT_USAGE = 64;
const EXIT_SIGNALLED_TWICE = 130;
/** Requests in flight get this long at the end; Kubernetes allows 30 s for everything. */
const DRAIN_MS = 5_000;
const MESSAGE_CONNECTIONS = 8;
const OPERATION_CONNECTIONS = 32;
const VIEW_BYTES_MAX = 1024 * 1024;

/** Everything that runs, and what ends it. */
interface Running {
  readonly stop: () => Promise<void>;
}

async function start(config: Config, logger: Logger): Promise<Running> {
  const store = new VersionedStore(new LmdbEngine(config.dataDirectory));
  const metrics = new NodeMetrics({ version: manifest.version, nodeVersion: process.version });
  const hash = sha1Hash();
  const messageHttp = peerHttp(config, MESSAGE_CONNECTIONS, VIEW_BYTES_MAX);
  const valueHttp = peerHttp(config, OPERATION_CONNECTIONS, config.limits.valueBytesMax);
  const rpc = new RpcClient(messageHttp);
  const chord = new Chord(
    {
      transport: rpc,
      clock: systemClock,
      random: systemRandom,
      hash,
      discovery: discovery({
        source: config.discovery,
        seed: config.seed,
        readFounders: () => readFounders(config.configFile),
        log: componentLog(logger, "discovery"),
      }),
      record: recordFile(config.dataDirectory, componentLog(logger, "record")),
      log: componentLog(logger, "chord"),
      metrics,
    },
    chordOptions({
      ring: config.ringId,
      name: config.name,
      address: joinAddress(config.advertiseHost, config.peerPort),
      successors: config.file.successors,
      stabilizeIntervalMs: config.file.stabilizeIntervalMs,
    }),
  );
  metrics.connect({
    view: () => chord.view(),
    counts: () => store.counts(),
    writable: () => store.writable(),
  });
  let stopping = false;
  const parts = assemble({ config, logger, chord, store, metrics, hash, messageHttp, valueHttp });
  const health = (): Health => healthOf(chord, store, stopping);
  const servers = await listen(config, { ...parts, health });
  chord.start();
  logger.info({ api: servers.apiPort, peer: config.peerPort }, "Node started");
  return {
    stop: async () => {
      stopping = true;
      await servers.api.close(DRAIN_MS);
      chord.stop();
      rpc.close();
      await servers.peer.close(1_000);
      await Promise.all([messageHttp.close(), valueHttp.close()]);
      await store.close();
    },
  };
}

function peerHttp(config: Config, connections: number, responseBytesMax: number): PeerHttp {
  return new PeerHttp({ token: config.peerToken, connections, responseBytesMax });
}

interface Built {
  readonly config: Config;
  readonly logger: Logger;
  readonly chord: Chord;
  readonly store: Store;
  readonly metrics: NodeMetrics;
  readonly hash: ReturnType<typeof sha1Hash>;
  readonly messageHttp: PeerHttp;
  readonly valueHttp: PeerHttp;
}

type Parts = Omit<ApiParts & PeerAppParts, "health">;

/** The parts that both ports answer with. */
function assemble(built: Built): Parts {
  const { config, logger, chord, store, metrics, hash, messageHttp, valueHttp } = built;
  const view = (): NodeView => nodeView({ ring: config.ring, chord, store });
  return {
    chord,
    metrics,
    hash,
    view,
    log: componentLog(logger, "http"),
    budget: new BodyBudget(config.limits.bodyBytesMax),
    crawler: new Crawler({
      ownView: view,
      fetchView: (node, timeoutMs) => fetchView(messageHttp, node, timeoutMs),
      clock: systemClock,
      successors: config.file.successors,
    }),
    router: new KeyRouter(
      {
        chord,
        store,
        owners: new OwnerClient(valueHttp, { ringId: config.ringId }),
        clock: systemClock,
        random: systemRandom,
        log: componentLog(logger, "router"),
      },
      { operationTimeoutMs: config.limits.operationTimeoutMs },
    ),
  };
}

function healthOf(chord: Chord, store: Store, stopping: boolean): Health {
  if (stopping) return { ready: false, detail: "the node is stopping" };
  if (!chord.ready) return { ready: false, detail: chord.view().detail };
  if (!store.writable()) return { ready: false, detail: "the last write to the disk failed" };
  return { ready: true, detail: "" };
}

async function listen(
  config: Config,
  parts: Parts & Pick<ApiParts, "health">,
): Promise<{ api: HttpServer; peer: HttpServer; apiPort: number }> {
  const { valueBytesMax, connectionsMax } = config.limits;
  const { peerToken: token, ringId, listenHost: host } = config;
  const common = { host, connectionsMax, bodyBytesMax: valueBytesMax };
  const peer = new HttpServer({
    ...common,
    port: config.peerPort,
    handler: peerApp(parts, { token, ringId, valueBytesMax }),
  });
  const uiDirectory = join(import.meta.dirname, "..", "ui");
  const api = new HttpServer({
    ...common,
    port: config.apiPort,
    handler: apiApp(parts, { valueBytesMax, uiDirectory }),
  });
  await peer.listen();
  return { api, peer, apiPort: await api.listen() };
}

/** The first signal ends the node in good order, the second at once. */
function onSignals(running: Running, logger: Logger): void {
  let signalled = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (signalled) process.exit(EXIT_SIGNALLED_TWICE);
    signalled = true;
    logger.info({ signal }, "Stopping");
    running.stop().then(
      () => {
        logger.info("Stopped");
        process.exit(0);
      },
      (error: unknown) => die(logger, error),
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** After an error that nobody handled, the process's state is unknown: end, and be restarted. */
function die(logger: Logger, error: unknown): never {
  logger.fatal({ err: error }, "Unhandled error, the node ends");
  process.exit(1);
}

function configure(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_USAGE);
  }
}

async function main(): Promise<void> {
  const config = configure();
  const logger = createLogger({ level: config.logLevel, node: config.name });
  process.on("uncaughtException", (error) => die(logger, error));
  process.on("unhandledRejection", (error) => die(logger, error));
  try {
    onSignals(await start(config, logger), logger);
  } catch (error) {
    logger.fatal({ err: error }, "The node cannot start");
    process.exit(1);
  }
}

await main();
