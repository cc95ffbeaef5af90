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
import { KeyService } from "./kv/key-service.ts";
import { Collector, REGISTER_BYTES_MAX } from "./large-values/index.ts";
import { NodeMetrics } from "./metrics/node-metrics.ts";
import manifest from "../package.json" with { type: "json" };
import { systemClock, systemWallClock } from "./platform/clock.ts";
import { discovery, joinAddress } from "./platform/discovery.ts";
import { sha1Hash } from "./platform/hash.ts";
import { componentLog, createLogger, type Logger } from "./platform/log.ts";
import { systemRandom } from "./platform/random.ts";
import { recordFile } from "./platform/record-file.ts";
import { type DataView, Replication, replicationOptions } from "./replication/index.ts";
import { LmdbDisk } from "./storage/lmdb-disk.ts";
import { nameResolver } from "./transport/name-resolver.ts";
import { type PeerAppParts, peerApp } from "./transport/peer-app.ts";
import { PeerHttp } from "./transport/peer-http.ts";
import { ReplicationClient } from "./transport/replication-client.ts";
import { REPLICATION_PATH } from "./transport/replication-handshake.ts";
import { ReplicationServer } from "./transport/replication-server.ts";
import { RpcClient } from "./transport/rpc-client.ts";
import { fetchView } from "./transport/view-client.ts";
import { Crawler } from "./view/crawl.ts";
import { type NodeView, nodeView } from "./view/node-view.ts";

const EXIT_USAGE = 64;
const EXIT_SIGNALLED_TWICE = 130;
/** Requests in flight get this long at the end; Kubernetes allows 30 s for everything. */
const DRAIN_MS = 5_000;
const MESSAGE_CONNECTIONS = 8;
const VIEW_BYTES_MAX = 1024 * 1024;

/** Everything that runs, and what ends it. */
interface Running {
  readonly stop: () => Promise<void>;
}

async function start(config: Config, logger: Logger): Promise<Running> {
  const disk = new LmdbDisk(config.dataDirectory);
  const metrics = new NodeMetrics({ version: manifest.version, nodeVersion: process.version });
  const hash = sha1Hash();
  const http = new PeerHttp({
    token: config.peerToken,
    connections: MESSAGE_CONNECTIONS,
    responseBytesMax: VIEW_BYTES_MAX,
  });
  const rpc = new RpcClient(http);
  const chord = createChord(config, { logger, hash, metrics, transport: rpc });
  const network = new ReplicationClient({
    name: config.name,
    ringId: config.ringId,
    token: config.peerToken,
    resolve: nameResolver(chord, hash),
  });
  const replication = createReplication(config, { logger, hash, metrics, chord, network, disk });
  metrics.connect({
    view: () => chord.view(),
    data: () => replication.view(),
    writable: () => disk.writable,
  });
  let stopping = false;
  const parts = assemble({ config, logger, chord, replication, metrics, hash, http });
  const health = (): Health => healthOf({ chord, replication, disk, stopping });
  const replicas = new ReplicationServer({
    name: config.name,
    ringId: config.ringId,
    token: config.peerToken,
    handle: (from, request) => replication.handle(from, request),
    log: componentLog(logger, "replication"),
  });
  const servers = await listen(config, { ...parts, health }, replicas);
  const collector = createCollector(config, { logger, hash, replication, metrics });
  chord.start();
  replication.start();
  collector.start();
  logger.info({ api: servers.apiPort, peer: config.peerPort }, "Node started");
  return {
    stop: async () => {
      stopping = true;
      collector.stop();
      await servers.api.close(DRAIN_MS);
      await replication.handOver();
      await replicas.close(DRAIN_MS);
      replication.stop();
      chord.stop();
      rpc.close();
      network.close();
      await servers.peer.close(1_000);
      await http.close();
      await disk.close();
    },
  };
}

interface ChordParts {
  readonly logger: Logger;
  readonly hash: ReturnType<typeof sha1Hash>;
  readonly metrics: NodeMetrics;
  readonly transport: RpcClient;
}

function createChord(config: Config, { logger, hash, metrics, transport }: ChordParts): Chord {
  return new Chord(
    {
      transport,
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
}

interface DataParts {
  readonly logger: Logger;
  readonly hash: ReturnType<typeof sha1Hash>;
  readonly metrics: NodeMetrics;
  readonly chord: Chord;
  readonly network: ReplicationClient;
  readonly disk: LmdbDisk;
}

function createReplication(config: Config, parts: DataParts): Replication {
  const { logger, hash, metrics, chord, network, disk } = parts;
  return new Replication(
    {
      network,
      disk,
      clock: systemClock,
      wallClock: systemWallClock,
      random: systemRandom,
      hash,
      log: componentLog(logger, "replication"),
      metrics,
      founders: () => readFounders(config.configFile),
      inRing: () => chord.ready,
      neighbours: () =>
        [chord.predecessor, ...chord.successors].flatMap((node) => node?.name ?? []),
    },
    replicationOptions({
      name: config.name,
      zone: config.zone,
      api: joinAddress(config.advertiseHost, config.apiPort),
      copies: config.file.copies,
    }),
  );
}

function createCollector(
  config: Config,
  built: Pick<Built, "logger" | "hash" | "replication" | "metrics">,
): Collector {
  const { logger, hash, replication, metrics } = built;
  const { operationTimeoutMs, uploadLeaseMs } = config.limits;
  return new Collector(
    {
      ring: {
        led: () => replication.led(),
        listKeys: (partition, query) => replication.listKeys(partition, query, operationTimeoutMs),
        execute: async (operation) =>
          (await replication.execute(operation, operationTimeoutMs)).outcome,
      },
      clock: systemClock,
      random: systemRandom,
      hash,
      log: componentLog(logger, "collector"),
      metrics,
    },
    { leaseMs: uploadLeaseMs },
  );
}

interface Built {
  readonly config: Config;
  readonly logger: Logger;
  readonly chord: Chord;
  readonly replication: Replication;
  readonly metrics: NodeMetrics;
  readonly hash: ReturnType<typeof sha1Hash>;
  readonly http: PeerHttp;
}

type Parts = Omit<ApiParts & PeerAppParts, "health">;

/** The parts that both ports answer with. */
function assemble(built: Built): Parts {
  const { config, logger, chord, replication, metrics, hash, http } = built;
  const view = (): NodeView => nodeView({ ring: config.ring, chord, replication });
  return {
    chord,
    replication,
    metrics,
    hash,
    view,
    log: componentLog(logger, "http"),
    budget: new BodyBudget(config.limits.bodyBytesMax),
    crawler: new Crawler({
      ownView: view,
      fetchView: (node, timeoutMs) => fetchView(http, node, timeoutMs),
      clock: systemClock,
      successors: config.file.successors,
    }),
    keys: new KeyService(
      {
        replication,
        clock: systemClock,
        random: systemRandom,
        hash,
        log: componentLog(logger, "keys"),
      },
      { operationTimeoutMs: config.limits.operationTimeoutMs },
    ),
  };
}

interface HealthParts {
  readonly chord: Chord;
  readonly replication: Replication;
  readonly disk: LmdbDisk;
  readonly stopping: boolean;
}

function healthOf({ chord, replication, disk, stopping }: HealthParts): Health {
  if (stopping) return { ready: false, detail: "the node is stopping" };
  if (!chord.ready) return { ready: false, detail: chord.view().detail };
  if (!disk.writable) return { ready: false, detail: "the last write to the disk failed" };
  if (replication.ready) return { ready: true, detail: "" };
  return { ready: false, detail: waitingFor(replication.view()) };
}

function waitingFor({ chartered, catchingUp }: DataView): string {
  if (!chartered) return "In the ring, waits for the founders to begin the data layer";
  return `In the ring, brings its copies of ${catchingUp} partitions up to date`;
}

async function listen(
  config: Config,
  parts: Parts & Pick<ApiParts, "health">,
  replicas: ReplicationServer,
): Promise<{ api: HttpServer; peer: HttpServer; apiPort: number }> {
  const { valueBytesMax, connectionsMax, uploadLeaseMs } = config.limits;
  const { peerToken: token, listenHost: host } = config;
  const common = { host, connectionsMax, bodyBytesMax: valueBytesMax };
  const peer = new HttpServer({
    ...common,
    port: config.peerPort,
    handler: peerApp(parts, { token }),
    upgrades: { path: REPLICATION_PATH, connectionsMax, handler: replicas.upgrade },
  });
  const uiDirectory = join(import.meta.dirname, "..", "ui");
  const api = new HttpServer({
    ...common,
    // A large value may take as long as its chunks are kept for it.
    ...(valueBytesMax > REGISTER_BYTES_MAX ? { requestTimeoutMs: uploadLeaseMs } : {}),
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
