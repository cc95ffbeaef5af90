/**
 * The operator's process: settings, signals, the lease, and the HTTP port for probes and metrics.
 *
 * Only the holder of the lease works. Losing it ends the process at once, because what is under way
 * cannot be called back; on SIGTERM the work at hand is finished and the lease is given back, so
 * that the next operator takes over within a second or two.
 */
import type { Server } from "node:http";
import express, { type Express } from "express";
import { type Logger, pino } from "pino";
import { ConfigError, type OperatorConfig, readConfig } from "./config.ts";
import { ApiClient } from "./kube/api-client.ts";
import { loadConnection } from "./kube/connection.ts";
import { LeaderElector } from "./kube/leader-elector.ts";
import { OperatorMetrics } from "./metrics/metrics.ts";
import { Operator } from "./reconcile/operator.ts";
import { PACE, type PodObject } from "./reconcile/pass.ts";
import { HttpNodeAdmin } from "./ring/node-admin.ts";

const EXIT_USAGE = 64;
const LEASE_NAME = "chordring-operator";
/** Below the lease's renew deadline, so that one stuck request does not cost the lease. */
const LEASE_REQUEST_TIMEOUT_MS = 4_000;
/** The pod's grace period is 15 s; what has not ended by then is cut off. */
const SHUTDOWN_MAX_MS = 10_000;
const PEER_PORT = 8081;

interface Probes {
  healthy: () => boolean;
  ready: () => boolean;
}

function probeServer(metrics: OperatorMetrics, probes: Probes): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  const answer = (ok: boolean): [number, string] => (ok ? [200, "ok\n"] : [503, "not now\n"]);
  app.get("/healthz", (_request, response) => {
    const [code, text] = answer(probes.healthy());
    response.status(code).type("text/plain").send(text);
  });
  app.get("/readyz", (_request, response) => {
    const [code, text] = answer(probes.ready());
    response.status(code).type("text/plain").send(text);
  });
  app.get("/metrics", async (_request, response) => {
    const text = await metrics.registry.metrics();
    response.type(metrics.registry.contentType).send(text);
  });
  return app;
}

function addressOf(pod: PodObject): string | undefined {
  const ip = pod.status?.podIP;
  if (ip === undefined || ip === "") return undefined;
  return ip.includes(":") ? `[${ip}]:${PEER_PORT}` : `${ip}:${PEER_PORT}`;
}

async function listen(app: Express, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = app.listen(port, (error) => (error ? reject(error) : resolve(server)));
  });
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}

/** Fires on the first SIGTERM or SIGINT; a second one ends the process on the spot. */
function stopSignal(log: Logger): AbortSignal {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    log.info({ signal }, "Stopping");
    controller.abort();
    setTimeout(() => {
      log.error("Work did not end in time, exiting");
      process.exit(1);
    }, SHUTDOWN_MAX_MS).unref();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return controller.signal;
}

async function run(config: OperatorConfig, log: Logger): Promise<void> {
  const stopping = stopSignal(log);
  const metrics = new OperatorMetrics();
  const connection = loadConnection();
  const admin = new HttpNodeAdmin();
  const { identity, namespace, nodeImage, workers } = config;
  const operator = new Operator(
    { config: connection, metrics, admin, log },
    {
      identity,
      workers,
      reconcile: { nodeImage, operatorNamespace: namespace, addressOf, pace: PACE },
    },
  );
  const elector = new LeaderElector(new ApiClient(connection, LEASE_REQUEST_TIMEOUT_MS), log, {
    lease: { namespace, name: LEASE_NAME },
    identity,
  });
  let leading = false;
  const server = await listen(
    probeServer(metrics, {
      healthy: () => !leading || operator.healthy,
      ready: () => !leading || operator.synced,
    }),
    config.metricsPort,
  );
  log.info({ port: portOf(server) }, "Probes and metrics are served");
  log.info({ identity, nodeImage }, "Operator started, waiting for the lease");
  if (await elector.acquire(stopping)) {
    leading = true;
    metrics.leading(true);
    log.info("Lease acquired");
    const holding = elector.hold(stopping).catch((error: unknown) => {
      log.fatal({ err: error }, "Lease lost, exiting");
      process.exit(1);
    });
    await operator.run(stopping);
    await holding;
    await elector.release();
    log.info("Lease released");
  }
  admin.close();
  server.close();
  server.closeAllConnections();
}

async function main(): Promise<void> {
  let config: OperatorConfig;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_USAGE);
  }
  const log = pino({ level: config.logLevel, base: { component: "operator" } });
  process.on("unhandledRejection", (error) => {
    log.fatal({ err: error }, "Unhandled rejection, exiting");
    process.exit(1);
  });
  try {
    await run(config, log);
    log.info("Operator stopped");
    process.exit(0);
  } catch (error) {
    log.fatal({ err: error }, "Operator failed");
    process.exit(1);
  }
}

await main();
